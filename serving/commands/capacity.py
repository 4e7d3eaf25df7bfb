"""`plumbline capacity`: how many gateways, model servers and how much memory a load needs."""

import re
from collections.abc import Sequence
from pathlib import Path

import click

from serving.capacity.costs import kinds, measured_costs
from serving.capacity.errors import CapacityError
from serving.capacity.plan import Load, Plan, Sizes, make_plan
from serving.capacity.scenarios import MOST_SIMULATED, Outcome, play
from serving.commands.capacity_tables import described, draw, simulated

_EXAMPLES = """\b
Examples:
  plumbline capacity --rate 500 --p99 50ms
  plumbline capacity --rate 200 --p99 80ms --kind image --model-server-cpus 4
  plumbline capacity --rate 50 --p99 0.1s --kind image --in-gateway
  plumbline capacity --rate 400 --p99 60ms --kind image --simulate --burst 3 --plot capacity.png
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
@click.option("--simulate", is_flag=True, help="Simulate a burst, a lost node and a roll-over to a new version.")
@click.option(
    "--burst",
    type=click.IntRange(1, 100),
    default=2,
    show_default=True,
    help="Rate of the simulated burst of 10 s, by the usual one.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="Seed of the simulation.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the simulation; needs matplotlib.")
def capacity(
    rate: float,
    p99_seconds: float,
    kind: str,
    in_gateway: bool,
    gateway_cpus: int,
    model_server_cpus: int,
    spare: int,
    simulate: bool,
    burst: int,
    seed: int,
    plot: Path | None,
) -> None:
    """Tell how many gateways and model servers a load needs, and how much memory.

    The costs of a request were measured (docs/performance.md). Others' processors, models and requests cost something
    else, so see the answer as a beginning. The time is that within the cluster, without the network to callers.
    """
    if plot and not simulate:
        raise click.UsageError("--plot draws what --simulate does: expected both")
    costs = measured_costs(kind, in_gateway)
    try:
        plan = make_plan(Load(rate, p99_seconds), costs, Sizes(gateway_cpus, model_server_cpus, spare))
    except CapacityError as error:
        raise click.ClickException(str(error)) from error
    click.echo(described(plan))
    if simulate:
        _simulate(plan, burst, seed, plot)


def _simulate(plan: Plan, burst: int, seed: int, plot: Path | None) -> None:
    if plan.load.rate * burst > MOST_SIMULATED:
        raise click.ClickException(
            f"--simulate: {plan.load.rate:g} requests/s with a burst of {burst} times as many: expected at most "
            f"{MOST_SIMULATED:,}/s in the burst. Plan for a part of the load instead"
        )
    outcomes = list(play(plan, burst, seed))
    click.echo(f"\n{simulated(outcomes)}")
    if plot:
        _draw(outcomes, plot)


def _draw(outcomes: Sequence[Outcome], plot: Path) -> None:
    try:
        draw(outcomes, plot)
    except ImportError as error:
        raise click.ClickException("--plot needs matplotlib: pip install 'plumbline[train]'") from error
    except (OSError, ValueError) as error:  # ValueError: no such format
        raise click.ClickException(f"--plot {plot}: {error}") from error
    click.echo(f"plot: {plot}")
