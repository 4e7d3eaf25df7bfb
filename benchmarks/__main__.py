"""`python -m benchmarks`: the commands. See README.md."""

import shlex
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks.environments import WORK, python_of
from benchmarks.results import Results, read_results

_EXAMPLES = """
Compare Plumbline with its rivals, and measure it alone.

\b
Examples:
  python -m benchmarks rivals --quick
  python -m benchmarks rivals --servers Plumbline --servers "Flask, tuned" --rounds 5
  python -m benchmarks gateway
  python -m benchmarks sweeps --models-dir models
  python -m benchmarks capacity --models-dir models
  python -m benchmarks floods --models-dir models
  python -m benchmarks shadow --models-dir models
  python -m benchmarks capture
  python -m benchmarks training --models sentiment,topic --rounds 1
  python -m benchmarks record
  python -m benchmarks recipes --data penguins,wine --seeds 3
  python -m benchmarks engines --models-dir models
  python -m benchmarks canary --runs 100
  python -m benchmarks report
"""

_RESULTS = WORK / "results"

_models_option = click.option(
    "--models-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=WORK / "models",
    envvar="PLUMBLINE_MODELS",
    help="Models folder; sentiment and image are trained into it if missing.  [default: .benchmarks/models]",
)


@click.group(help=_EXAMPLES)
def main() -> None:
    """Run a command."""


@main.command()
@_models_option
@click.option(
    "--servers", "names", multiple=True, help="Server to measure, instead of all; can be given several times."
)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option(
    "--seconds", type=click.FloatRange(1), default=4.0, show_default=True, help="Duration of each measurement."
)
@click.option("--quick", is_flag=True, help="Run one round of a second each, to check that everything works.")
@click.option(
    "--build",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="Another checkout of Plumbline with its .venv, to measure as well.",
)
def rivals(
    models_dir: Path, names: tuple[str, ...], rounds: int, seconds: float, quick: bool, build: Path | None
) -> None:
    """Compare all servers: throughput and latency at 1, 8 and 32 callers and by rate, memory, start time."""
    from benchmarks.models import served_models
    from benchmarks.payloads import make_payloads
    from benchmarks.rounds import Plan, compare
    from benchmarks.servers import SERVERS, another_build

    _check_wrk()
    chosen = [server for server in SERVERS if not names or server.name in names]
    if len(chosen) < len(set(names)) or not chosen:
        raise click.UsageError(f"the servers are {', '.join(repr(server.name) for server in SERVERS)}")
    chosen += [another_build(build)] if build else []
    rates = {"sentiment": (100.0, 200.0, 400.0, 800.0), "image": (10.0, 20.0, 40.0, 80.0)}
    plan = Plan(1, 1.0, 1.0, (1, 8, 32), {}) if quick else Plan(rounds, seconds, 1.0, (1, 8, 32), rates)
    results = _results("rivals")
    ready = []
    for server in chosen:
        if reason := server.missing():
            results.add("failure", server=server.name, round=0, error=f"not run: {reason}")
            click.echo(f"{server.name}: not run, {reason}")
        else:
            click.echo(f"{server.name}: environment {python_of(server.environment)}")
            ready.append(server)
    models = served_models(models_dir, click.echo)
    compare(ready, models, make_payloads(models), plan, results, click.echo)
    click.echo(f"results: {results.path}")


@main.command()
@_models_option
@click.option(
    "--repeats", type=click.IntRange(1), default=5, show_default=True, help="Number of starts of the gateway."
)
@click.option("--requests", type=click.IntRange(100), default=2000, show_default=True)
def gateway(models_dir: Path, repeats: int, requests: int) -> None:
    """Measure the gateway alone: time until ready, memory of a worker, overhead over the bare call."""
    from benchmarks.gateway import measure_gateway
    from benchmarks.models import served_models

    results = _results("gateway")
    measure_gateway(served_models(models_dir, click.echo), repeats, requests, results)
    click.echo(f"results: {results.path}")


@main.command()
@_models_option
@click.option(
    "--seconds", type=click.FloatRange(1), default=4.0, show_default=True, help="Duration of each measurement."
)
def sweeps(models_dir: Path, seconds: float) -> None:
    """Measure how Plumbline's cost grows: callers, instances, length, size, workers, models. Takes about 5 minutes."""
    from benchmarks.models import copy_newest, served_models
    from benchmarks.sweeps import Sweep
    from serving.registry import model_names

    _check_wrk()
    results = _results("sweeps")
    served_models(models_dir, click.echo)
    models = copy_newest(models_dir, model_names(models_dir), WORK / "swept")
    Sweep(models, seconds, results).run(click.echo)
    click.echo(f"results: {results.path}")


@main.command()
@_models_option
@click.option(
    "--seconds", type=click.FloatRange(1), default=10.0, show_default=True, help="Duration of each measurement."
)
def capacity(models_dir: Path, seconds: float) -> None:
    """Compare a gateway with the simulation of `plumbline capacity` at three rates. Takes two minutes."""
    from benchmarks.capacity import compare_with_simulation
    from benchmarks.models import served_models

    results = _results("capacity")
    compare_with_simulation(served_models(models_dir, click.echo), seconds, results, click.echo)
    click.echo(f"results: {results.path}")


@main.command()
@_models_option
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=60.0,
    show_default=True,
    help="Duration of the overload; others take a tenth.",
)
def floods(models_dir: Path, rounds: int, seconds: float) -> None:
    """Measure what 2,200 idle and dripping connections cost other callers, 10 times the load, and large pictures."""
    from benchmarks.floods import measure_floods
    from benchmarks.models import served_models

    _check_wrk()
    results = _results("floods")
    measure_floods(served_models(models_dir, click.echo), rounds, seconds, results, click.echo)
    click.echo(f"results: {results.path}")


@main.command()
@_models_option
@click.option("--rounds", type=click.IntRange(1), default=30, show_default=True)
@click.option(
    "--seconds", type=click.FloatRange(1), default=1.0, show_default=True, help="Duration of each measurement."
)
def shadow(models_dir: Path, rounds: int, seconds: float) -> None:
    """Measure what SHADOW costs requests at 0, 20 and 100 %, at full load and at a calm rate. Takes 10 minutes."""
    from benchmarks.models import served_models
    from benchmarks.shadow import MODEL, measure_shadows

    _check_wrk()
    results = _results("shadow")
    measure_shadows(served_models(models_dir, click.echo, [MODEL]), rounds, seconds, results, click.echo)
    click.echo(f"results: {results.path}")


@main.command()
@click.option("--rounds", type=click.IntRange(1), default=12, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=1.0, show_default=True, help="Of each turn of a model.")
def capture(rounds: int, seconds: float) -> None:
    """Measure what captures of everything cost: answers and processor time, without and with them in turn."""
    from benchmarks.capture import measure_capture

    _check_wrk()
    results = _results("capture")
    measure_capture(rounds, seconds, results, click.echo)
    click.echo(f"results: {results.path}")


@main.command()
@click.option("--models", "names", default="sentiment,topic,house_price,digits,image", show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
def training(names: str, rounds: int) -> None:
    """Compare `plumbline train` with plain Keras scripts on the real data. Takes about 10 minutes a round."""
    from benchmarks.training import compare_training

    results = _results("training")
    compare_training(names.split(","), rounds, results, click.echo)
    click.echo(f"results: {results.path}")


@main.command()
@click.option("--rows", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=30, show_default=True)
def record(rows: int, rounds: int) -> None:
    """Compare the contract of 50 mixed fields with pandas and scikit-learn. Takes a minute."""
    from benchmarks.record import measure_record

    results = _results("record")
    measure_record(rows, rounds, results)
    click.echo(f"results: {results.path}")


@main.command()
@click.option("--data", "names", help="Data sets, with commas.  [default: all]")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True)
def recipes(names: str | None, seeds: int) -> None:
    """Compare the models that `plumbline new` and `train` make by default with scikit-learn's: all in an hour."""
    from benchmarks.own_data import DATA
    from benchmarks.recipes import compare_recipes

    chosen = names.split(",") if names else [*DATA]
    if unknown := [name for name in chosen if name not in DATA]:
        raise click.UsageError(f"no data set {', '.join(unknown)}: there is {', '.join(DATA)}")
    results = _results("recipes")
    with tempfile.TemporaryDirectory(prefix="plumbline-benchmark-") as folder:
        compare_recipes(chosen, seeds, Path(folder), results, click.echo)
    click.echo(f"results: {results.path}")


@main.command()
@click.option(
    "--models-dir",
    "models_dirs",
    required=True,
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Models folder, by whose name its models are told apart; can be given several times.",
)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option(
    "--seconds", type=click.FloatRange(0.01), default=0.2, show_default=True, help="Duration of each measurement."
)
def engines(models_dirs: tuple[Path, ...], rounds: int, seconds: float) -> None:
    """Compare TensorFlow, LiteRT, ONNX Runtime and OpenVINO on published models. Takes about 3 minutes a model."""
    from benchmarks.engines.comparison import compare_engines
    from benchmarks.engines.measuring import Plan

    folders = [folder.resolve() for folder in models_dirs]
    if len({folder.name for folder in folders}) < len(folders):
        raise click.UsageError("the models folders need different names, which tell their models apart")
    results = _results("engines")
    compare_engines(folders, Plan(rounds, seconds), results, click.echo)
    click.echo(f"results: {results.path}")


@main.command()
@click.option("--runs", type=click.IntRange(10), default=1000, show_default=True, help="Canaries of each kind.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def canary(runs: int, seed: int) -> None:
    """Simulate canaries, good and bad, and how they are judged. Takes minutes of a processor."""
    from benchmarks.canary.table import canaries, simulate_canaries

    results = _results("canary")
    simulate_canaries(runs, seed, results, click.echo)
    click.echo(canaries(read_results(results.path)))
    click.echo(f"results: {results.path}")


@main.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def report(files: tuple[Path, ...]) -> None:
    """Write the tables and figures of docs/performance.md from FILES, by default the newest results of each kind."""
    from benchmarks.report import DOCUMENT, IMAGES, write_report

    newest = {file.stem.rpartition("-")[2]: file for file in sorted(_RESULTS.glob("*.jsonl"))}
    for file in files or newest.values():
        parts = write_report(read_results(file), DOCUMENT, IMAGES)
        click.echo(f"{file}: {', '.join(parts) or 'nothing to show'}")


def _check_wrk() -> None:
    if not shutil.which("wrk"):
        raise click.ClickException("wrk, which generates the load, is not installed: apt-get install wrk")


def _results(name: str) -> Results:
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    # Folders by their last name: their place on this machine is private.
    words = [Path(word).name if word.startswith("/") else word for word in sys.argv[1:]]
    return Results(_RESULTS / f"{time}-{name}.jsonl", shlex.join(["python", "-m", "benchmarks", *words]))


if __name__ == "__main__":
    main()
