"""The report of `plumbline live` as text."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from serving.commands.tables import table
from serving.statistics.pairs import paired_test
from serving.truth.report import Measure, PairedMeasure, Report, VersionTruth

_HEADER = ("VERSION", "MEASURE", "VALUE", "95 % INTERVAL", "TEST", "ANSWERS", "COVERAGE", "DELAY", "90 % WITHIN")
_SHADOWS_HEADER = ("SHADOW", "OF VERSION", "MEASURE", "ANSWERS", "DIFFERENCE", "BETTER", "P")


def as_text(model: str, report: Report, tested: Mapping[int, Mapping[tuple[str, str], float]]) -> str:
    """Return a table with a row for each version and measure, and what else is known of the feedback.

    *tested* has the measures on the test rows, by version, and by head and name.
    """
    since, until = (datetime.fromtimestamp(at, UTC) for at in (report.since, report.until))
    first = f"{model}: answers from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"
    if not report.versions:
        return f"{first}: none was captured"
    rows = [row for it in report.versions for row in _rows(it, tested.get(it.version, {}))]
    counts = (
        f"feedback: {report.unknown:,} of answers that were not captured in this time, {report.duplicates:,} repeated, "
        f"{report.corrections:,} corrected, {report.incomparable:,} of another kind than the answer"
    )
    return "\n".join([first, table([_HEADER, *rows]), counts, *_shadows(report)])


def _shadows(report: Report) -> Iterator[str]:
    if report.paired:
        yield "\nshadows, on the same instances"
        yield table([_SHADOWS_HEADER, *map(_shadow, report.paired)])


def _shadow(pair: PairedMeasure) -> tuple[str, ...]:
    better, worse = round(pair.shadow_better), round(pair.shadow_worse)
    by = f"{better:,} : {worse:,}"
    p = f"{paired_test(better, worse):.2g}"
    return (
        str(pair.shadow),
        str(pair.version),
        _name(pair),
        f"{pair.answers:,}",
        f"{pair.difference / pair.answers:+.4g}",
        by,
        p,
    )


def _rows(version: VersionTruth, tested: Mapping[tuple[str, str], float]) -> Iterator[tuple[str, ...]]:
    share = f"{version.coverage:.1%}"
    delays = tuple(map(_time, version.delay)) if version.delay else ("-", "-")
    if not version.measures:
        yield (str(version.version), "-", "-", "-", "-", f"0 of {version.answers:,}", share, *delays)
    for measure in version.measures:
        test = tested.get((measure.head, measure.name))
        of_all = f"{measure.answers:,} of {version.answers:,}"
        told = "-" if test is None else _number(test)
        yield (
            str(version.version),
            _name(measure),
            _number(measure.value),
            _interval(measure),
            told,
            of_all,
            share,
            *delays,
        )


def _name(measure: Measure | PairedMeasure) -> str:
    return f"{measure.head} {measure.name}" if measure.head else measure.name


def _interval(measure: Measure) -> str:
    return f"{_number(measure.interval[0])} to {_number(measure.interval[1])}" if measure.interval else "too few"


def _number(value: float) -> str:
    return f"{value:.4g}"


def _time(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
