"""Gauges of jobs in a file for Prometheus: the node exporter's textfile collector reads it.

A file rather than a Pushgateway: it needs no further service, and what a job that was killed wrote before stays true.
docs/metrics.md lists the gauges.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile
from prometheus_client.parser import text_string_to_metric_families

Values = dict[tuple[str, ...], float]
"""By a gauge's name without its prefix, its model, and further labels if it has some."""


@dataclass(frozen=True)
class Textfile:
    """The gauges of one kind of job: help texts by name without *prefix*, and the labels that come after `model`."""

    prefix: str
    helps: Mapping[str, str]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def read(self, path: Path) -> Values:
        """Read what earlier runs wrote, if they did; raises OSError, or ValueError if the file is something else."""
        if not path.exists():
            return {}
        samples = (
            sample for family in text_string_to_metric_families(path.read_text("utf-8")) for sample in family.samples
        )
        named = [(sample.name.removeprefix(f"{self.prefix}_"), sample) for sample in samples]
        try:
            return {
                (name, *(sample.labels[label] for label in self._labels(name))): float(sample.value)
                for name, sample in named
                if name in self.helps
            }
        except KeyError as error:
            raise ValueError(f"a gauge has no label {error}") from error

    def write(self, path: Path, values: Values) -> None:
        """Write *values* in the place of what the file had; raises OSError."""
        registry = CollectorRegistry()
        gauges = {
            name: Gauge(f"{self.prefix}_{name}", text, self._labels(name), registry=registry)
            for name, text in self.helps.items()
        }
        for (name, *labels), value in values.items():
            gauges[name].labels(*labels).set(value)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_to_textfile(str(path), registry)

    def _labels(self, name: str) -> tuple[str, ...]:
        return ("model", *self.labels.get(name, ()))
