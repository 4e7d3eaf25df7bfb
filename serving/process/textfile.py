"""Gauges of jobs, in a file that the node exporter's textfile collector reads.

A file, unlike a Pushgateway, needs no further service, and stays valid if a job is killed.
docs/metrics.md lists the gauges.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile
from prometheus_client.parser import text_string_to_metric_families

Values = dict[tuple[str, ...], float]
"""Values by the gauge's name without its prefix, its model, and its further labels, if any."""


@dataclass(frozen=True)
class Textfile:
    """The gauges of one kind of job: help texts by name without *prefix*, and the labels after `model`."""

    prefix: str
    helps: Mapping[str, str]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def read(self, path: Path) -> Values:
        """Read the values of earlier runs, if any; raises OSError, or ValueError if the file has another form."""
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
        """Write *values*, replacing the content of the file; raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_to_textfile(str(path), self.registry(values))

    def registry(self, values: Values) -> CollectorRegistry:
        """Return *values* as a process exposes them."""
        registry = CollectorRegistry()
        gauges = {
            name: Gauge(f"{self.prefix}_{name}", text, self._labels(name), registry=registry)
            for name, text in self.helps.items()
        }
        for (name, *labels), value in values.items():
            gauges[name].labels(*labels).set(value)
        return registry

    def _labels(self, name: str) -> tuple[str, ...]:
        return ("model", *self.labels.get(name, ()))
