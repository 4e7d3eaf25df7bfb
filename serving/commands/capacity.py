"""`plumbline capacity`: how many gateways, model servers and how much memory a load needs."""

import re

import click

from serving.capacity.costs import kinds, measured_costs
from serving.capacity.errors import CapacityError
from serving.capacity.plan import Load, Plan, Sizes, make_plan
from serving.commands.tables import table

_EXAMPLES = """\b
Examples:
  plumbline capacity --rate 500 --p99 50ms
  plumbline capacity --rate 200 --p99 80ms --kind image --model-server-cpus 4
  plumbline capacity --rate 50 --p99 0.1s --kind image --in-gateway
"""

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_MAX_RATE = 10_000_000


class _Rate(click.ParamType[float]):
    name = "number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return requests a second."""
        if not re.fullmatch(r"\d{1,8}(\.\d{1,9})?", str(value)) or not 0 < float(str(value)) <= _MAX_RATE:
            self.fail(f"expected requests a second, more than 0 and at most {_MAX_RATE:,}, got {value!r}", param, ctx)
        return float(str(value))


class _Duration(click.ParamType[float]):
    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(us|ms|s)", str(value))
        if not found or not float(found[1]):
            self.fail(f"expected a time such as 50ms or 0.2s, got {value!r}", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


@click.command(epilog=_EXAMPLES)
@click.option("--rate", type=_Rate(), required=True, help="Requests a second, at the busiest time of the day.")
@click.option("--p99", "p99_seconds", type=_Duration(), required=True, help="Time within which 99 of 100 are answered.")
@click.option("--kind", type=click.Choice(kinds()), default="text", show_default=True, help="What requests are like.")
@click.option("--in-gateway", is_flag=True, help="Have gateways compute the models, without model servers.")
@click.option(
    "--gateway-cpus",
    type=click.IntRange(1, 1024),
    default=Sizes.gateway_cpus,
    show_default=True,
    help="Processors of a gateway.",
)
@click.option(
    "--model-server-cpus",
    type=click.IntRange(1, 1024),
    default=Sizes.model_server_cpus,
    show_default=True,
    help="Processors of a model server.",
)
@click.option(
    "--spare",
    type=click.IntRange(0, 1000),
    default=Sizes.spare,
    show_default=True,
    help="Replicas of each that may be lost.",
)
def capacity(
    rate: float, p99_seconds: float, kind: str, in_gateway: bool, gateway_cpus: int, model_server_cpus: int, spare: int
) -> None:
    """Tell how many gateways and model servers a load needs, and how much memory.

    The costs of a request were measured (docs/performance.md). Others' processors, models and requests cost something
    else, so see the answer as a beginning. The time is that within the cluster, without the network to callers.
    """
    costs = measured_costs(kind, in_gateway)
    try:
        plan = make_plan(Load(rate, p99_seconds), costs, Sizes(gateway_cpus, model_server_cpus, spare))
    except CapacityError as error:
        raise click.ClickException(str(error)) from error
    click.echo(_described(plan))


def _described(plan: Plan) -> str:
    rows = [("", "REPLICAS", "OF THEM SPARE", "CPUS", "BUSY", "CPU MS A REQUEST", "MEMORY MB")]
    for tier in plan.tiers:
        busy = f"{tier.station(plan.load.rate).busy:.0%}"
        numbers = (str(tier.replicas), str(tier.spare), str(tier.replicas * tier.cpus))
        rows.append((tier.name, *numbers, busy, f"{1000 * tier.seconds:.3g}", f"{tier.memory_mb:.0f}"))
    with_spare, without = (f"{1000 * plan.p99_seconds(spare):.3g} ms" for spare in (True, False))
    return f"{table(rows)}\n\np99 {with_spare}, without the spare ones {without}\ncosts: {plan.costs.source}"
