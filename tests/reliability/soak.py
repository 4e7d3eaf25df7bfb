"""`python -m tests.reliability.soak`: hours of load in minutes, with workers killed and versions coming.

Each five seconds it notes what could grow: memory, descriptors, threads, files of metrics, the slowest answers.
"""

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from benchmarks.processes import pss_mb
from benchmarks.results import Results
from tests.reliability.load import Load, Outcome
from tests.reliability.servers import Gateway, in_process, stopped_at_the_end
from tests.reliability.versions import MODEL, ModelsFolder, Shelf, Truth

SHARE = 0.7
"""Of the answers a second that it gives at most."""

_PEAK_SECONDS = 15.0
_SAMPLE_SECONDS = 5.0
_KILL_SECONDS = 60.0
_VERSION_SECONDS = 30.0
_KEPT_VERSIONS = 3


@dataclass(frozen=True)
class Sample:
    """What a gateway uses, and what came of the requests since the sample before."""

    seconds: float
    memory_mb: float
    descriptors: int
    threads: int
    metric_files: int
    p99_ms: float
    right: int
    refused: int
    lost: int
    wrong: int


@click.command()
@click.option("--minutes", default=20.0, help="How long.  [default: 20]")
@click.option("--results", type=Path, default=Path(".benchmarks/soak.jsonl"), help="File of results.")
def main(minutes: float, results: Path) -> None:
    """Soak a gateway that computes the models; exit with 1 if an answer was wrong, or more lost than by killing."""
    kept = Results(results, f"make soak, for {minutes:g} minutes")
    with tempfile.TemporaryDirectory() as folder:
        samples, kills = soak(Path(folder), minutes * 60, kept)
    lost, wrong = sum(each.lost for each in samples), sum(each.wrong for each in samples)
    click.echo(f"{sum(each.right for each in samples):,} answers, {lost} lost by {kills} kills, {wrong} wrong")
    raise SystemExit(bool(wrong or lost > kills * 8))


def soak(folder: Path, seconds: float, results: Results) -> tuple[list[Sample], int]:
    """Return the samples, which are kept in *results* too, and how many workers were killed."""
    models = ModelsFolder(folder / "models", Shelf(folder / "shelf"), Truth())
    models.publish()
    metrics = folder / "metrics"
    metrics.mkdir()
    variables = {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    gateway = Gateway(models, folder / "gateway.log", *in_process(models), variables=variables)
    samples: list[Sample] = []
    with stopped_at_the_end(gateway):
        gateway.wait_until_ready()
        peak = _peak(gateway)
        results.add("peak", per_second=peak)
        with gateway.load(SHARE * peak) as load:
            kills = _go_on(gateway, load, metrics, seconds, samples, results)
    return samples, kills


def _peak(gateway: Gateway) -> float:
    with gateway.load() as load:
        load.go_on(_PEAK_SECONDS)
    return len(load.outcomes) / _PEAK_SECONDS


def _go_on(gateway: Gateway, load: Load, metrics: Path, seconds: float, samples: list[Sample], results: Results) -> int:
    began, counted, kills, versions = time.monotonic(), 0, 0, 0
    while (now := time.monotonic() - began) < seconds:
        if now > (kills + 1) * _KILL_SECONDS:
            with contextlib.suppress(ProcessLookupError):
                os.kill(gateway.workers[-1], signal.SIGKILL)
            kills += 1
        if now > (versions + 1) * _VERSION_SECONDS:
            versions += 1
            gateway.models.publish()
            _prune(gateway.models)
        load.go_on(_SAMPLE_SECONDS)
        outcomes = load.outcomes[counted:]
        counted += len(outcomes)
        samples.append(_sample(gateway, metrics, time.monotonic() - began, outcomes))
        results.add("soak", kills=kills, versions=versions, **asdict(samples[-1]))
    return kills


def _prune(models: ModelsFolder) -> None:
    numbers = sorted(int(path.name) for path in (models.path / MODEL).glob("[0-9]*"))
    for number in numbers[:-_KEPT_VERSIONS]:
        shutil.rmtree(models.path / MODEL / str(number))


def _sample(gateway: Gateway, metrics: Path, seconds: float, outcomes: Sequence[Outcome]) -> Sample:
    pids = [gateway.pid, *gateway.workers]
    counts = Counter(each.kind for each in outcomes)
    times = sorted(each.ended - each.began for each in outcomes)
    return Sample(
        round(seconds, 1),
        round(sum(pss_mb(pid, "Pss_Anon") for pid in pids), 1),  # the rest is libraries, and who else uses them
        sum(_entries(pid, "fd") for pid in pids),
        sum(_entries(pid, "task") for pid in pids),
        len([*metrics.glob("*/*")]),
        round(1000 * times[len(times) * 99 // 100], 1) if times else 0.0,
        *(counts[kind] for kind in ("right", "refused", "lost", "wrong")),
    )


def _entries(pid: int, kind: str) -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/{kind}"))
    return 0


if __name__ == "__main__":
    main()
