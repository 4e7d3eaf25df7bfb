"""A report as gauges for Prometheus: in a file, or served by a process that follows. docs/metrics.md lists them."""

from collections.abc import Iterable

from prometheus_client import start_http_server
from prometheus_client.core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from serving.process.textfile import Textfile, Values
from serving.truth.report import Report, VersionTruth

_VERSION = ("version",)
_MEASURE = ("version", "head", "measure")
_PAIR = ("version", "shadow", "head", "measure")

TEXTFILE = Textfile(
    "plumbline_live",
    {
        "answers": "Captured answers in the window.",
        "known_answers": "Of these, the ones whose truth is known.",
        "coverage_ratio": "Their share among what the captures stand for.",
        "delay_seconds": "From an answer to its truth: what half and nine in ten of them don't exceed.",
        "last_feedback_timestamp_seconds": "When the newest truth came.",
        "measure": "The measure, estimated.",
        "measure_low": "The lower end of its 95 % interval.",
        "measure_high": "The upper end.",
        "measured_answers": "Answers that the measure is of.",
        "paired_answers": "Answers with a known truth of the version that its shadow gave too.",
        "shadow_better": "Of these, the ones of which the shadow alone is right, or has the smaller error.",
        "shadow_worse": "Of these, the ones of which the version alone is right, or has the smaller error.",
        "unknown_feedback": "Truths of no captured answer in the window.",
        "duplicate_feedback": "Truths that were known.",
        "corrected_feedback": "Truths that differ from the one known before.",
        "incomparable_feedback": "Truths of another kind than their answer.",
        "damaged_parts": "Files that could not be read to their end, since the start.",
        "window_seconds": "The window.",
        "last_read_timestamp_seconds": "When captures and feedback were last read.",
    },
    {
        **dict.fromkeys(("answers", "known_answers", "coverage_ratio", "last_feedback_timestamp_seconds"), _VERSION),
        "delay_seconds": ("version", "quantile"),
        **dict.fromkeys(("measure", "measure_low", "measure_high", "measured_answers"), _MEASURE),
        **dict.fromkeys(("paired_answers", "shadow_better", "shadow_worse"), _PAIR),
    },
)


def values_of(model: str, report: Report, damaged: int) -> Values:
    """Return the gauges of *report*."""
    values: Values = {
        ("unknown_feedback", model): report.unknown,
        ("duplicate_feedback", model): report.duplicates,
        ("corrected_feedback", model): report.corrections,
        ("incomparable_feedback", model): report.incomparable,
        ("damaged_parts", model): damaged,
        ("window_seconds", model): report.until - report.since,
        ("last_read_timestamp_seconds", model): report.until,
    }
    for version in report.versions:
        values |= _of_version((model, str(version.version)), version)
    for pair in report.paired:
        labels = (model, str(pair.version), str(pair.shadow), pair.head, pair.name)
        values["paired_answers", *labels] = pair.answers
        values["shadow_better", *labels], values["shadow_worse", *labels] = pair.shadow_better, pair.shadow_worse
    return values


def _of_version(labels: tuple[str, str], version: VersionTruth) -> Values:
    values: Values = {
        ("answers", *labels): version.answers,
        ("known_answers", *labels): version.known,
        ("coverage_ratio", *labels): version.coverage,
    }
    if version.delay is not None and version.last is not None:
        values["delay_seconds", *labels, "0.5"], values["delay_seconds", *labels, "0.9"] = version.delay
        values["last_feedback_timestamp_seconds", *labels] = version.last
    for measure in version.measures:
        its = (*labels, measure.head, measure.name)
        if measure.interval:
            values["measure_low", *its], values["measure_high", *its] = measure.interval
        values["measure", *its], values["measured_answers", *its] = measure.value, measure.answers
    return values


class Exposed(Collector):
    """The gauges that a process exposes; *values* is replaced as a whole."""

    def __init__(self) -> None:
        self.values: Values = {}

    def listen(self, host: str, port: int) -> int:
        """Answer GET /metrics at this address from now on, and return the port; raises OSError."""
        registry = CollectorRegistry()
        registry.register(self)
        server, _ = start_http_server(port, host, registry)
        return int(server.server_port)

    def collect(self) -> Iterable[Metric]:
        """Yield the gauges."""
        return TEXTFILE.registry(self.values).collect()
