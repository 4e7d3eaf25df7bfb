import os
import subprocess
import sys
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from serving.monitoring.adding import merge

WORKER = """
from prometheus_client import Counter, Gauge, Histogram
done = Counter("done", "Done.", ["model", "code"])
for model in ("digits", "topic"):
    done.labels(model, 200).inc(3)
took = Histogram("took_seconds", "Time.", ["model"], buckets=(0.1, 1.0, 12.0))
for seconds in (0.05, 0.5, 0.1, 5, 50):
    took.labels("digits").observe(seconds)
for mode in ("livesum", "livemin", "livemax", "livemostrecent"):
    Gauge(f"g_{mode}", "A gauge.", multiprocess_mode=mode).set(int(__import__("sys").argv[1]))
"""


def plain(metrics: list[Metric]) -> set[tuple[object, ...]]:
    return {
        (metric.name, metric.type, metric.documentation, sample.name, *sorted(sample.labels.items()), sample.value)
        for metric in metrics
        for sample in metric.samples
    }


def test_it_gives_what_prometheus_client_gives(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for number in ("1", "2", "3"):
        subprocess.run([sys.executable, "-c", WORKER, number], env=environment, check=True)
    files = sorted(tmp_path.glob("*.db"))
    expected = plain(MultiProcessCollector.merge([str(file) for file in files]))
    assert len(expected) == 12
    assert plain(merge(files)) == expected
