"""`plumbline capacity`: how many gateways, model servers and how much memory a load needs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from serving.capacity.costs import kinds, measured_costs
from serving.capacity.errors import CapacityError, NoAutoscaler
from serving.capacity.measuring import of_version
from serving.capacity.plan import Load, Plan, Sizes, make_plan
from serving.capacity.scaled_objects import rules_of
from serving.capacity.scenarios import MOST_SIMULATED, Outcome, play
from serving.commands.capacity_tables import described, draw, scaled, simulated
from serving.commands.gateway_client import api_key_option
from serving.commands.gateway_requests import measured_at
from serving.commands.quantities import Duration, Rate

_EXAMPLES = """\b
Examples:
  plumbline capacity --rate 500 --p99 50ms
  plumbline capacity --rate 200 --p99 80ms --kind image --model-server-cpus 4
  plumbline capacity --rate 50 --p99 0.1s --kind image --in-gateway
  plumbline capacity --rate 500 --p99 50ms --model sentiment --measure http://127.0.0.1:8000
  plumbline capacity --rate 500 --p99 50ms --model sentiment --models-dir models
  plumbline capacity --rate 3000 --p99 50ms --burst 3 --autoscaler scaledobject.json
  plumbline capacity --rate 400 --p99 60ms --kind image --simulate --burst 3 --plot capacity.png
"""

_MOST_BYTES = 1_000_000


@click.command(epilog=_EXAMPLES)
@click.option("--rate", type=Rate(), required=True, help="Requests a second, at the busiest time of the day.")
@click.option("--p99", "p99_seconds", type=Duration(), required=True, help="Time within which 99 of 100 are answered.")
@click.option("--kind", type=click.Choice(kinds()), default="text", show_default=True, help="What requests are like.")
@click.option("--model", help="Name of a model whose requests are measured instead; with --measure or --models-dir.")
@click.option(
    "--measure", "--url", "url", metavar="URL", help="Gateway that gets them, one at a time for some seconds."
)
@api_key_option
@click.option(
    "--models-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Models folder from which the model is computed here, on one processor.",
)
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
    help="Rate of the simulated burst of 10 s, by the usual one; for --autoscaler, rate by that of before.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="Seed of the simulation.")
@click.option(
    "--autoscaler",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The gateways' ScaledObject as JSON, to check: kubectl get scaledobject gateway --output=json",
)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the simulation; needs matplotlib.")
def capacity(
    rate: float,
    p99_seconds: float,
    kind: str,
    model: str | None,
    url: str | None,
    api_key: str | None,
    models_dir: Path | None,
    in_gateway: bool,
    gateway_cpus: int,
    model_server_cpus: int,
    spare: int,
    simulate: bool,
    burst: int,
    seed: int,
    autoscaler: Path | None,
    plot: Path | None,
) -> None:
    """Tell how many gateways and model servers a load needs, and how much memory.

    The costs of a request were measured (docs/performance.md). Others' processors, models and requests cost something
    else, so measure your own by --model. The time is that within the cluster, without the network to callers.
    """
    if plot and not simulate:
        raise click.UsageError("--plot draws what --simulate does: expected both")
    if bool(model) != (bool(url) + bool(models_dir) == 1):
        raise click.UsageError("to measure, expected --model NAME and either --measure URL or --models-dir DIR")
    costs = measured_costs(kind, in_gateway)
    try:
        if model and url:
            costs = measured_at(costs, url, api_key, model)
        elif model and models_dir:
            costs = of_version(costs, models_dir, model)
        plan = make_plan(Load(rate, p99_seconds), costs, Sizes(gateway_cpus, model_server_cpus, spare))
        rules = autoscaler and rules_of(_parsed(autoscaler))
    except CapacityError as error:
        raise click.ClickException(str(error)) from error
    click.echo(described(plan))
    if rules:
        click.echo(f"\n{scaled(rules, plan, burst)}")
    if simulate:
        _simulate(plan, burst, seed, plot)


def _parsed(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise NoAutoscaler(f"{path}: expected a ScaledObject of at most {_MOST_BYTES:,} bytes")
        return json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise NoAutoscaler(f"{path}: expected JSON, as by `kubectl get --output=json`: {error}") from error


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
