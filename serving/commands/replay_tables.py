"""The report of `plumbline replay` as text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from serving.commands.tables import table
from serving.truth.comparing import MAE

_MOST = 10
_SHOWN = 60


def as_text(report: Mapping[str, Any], truths: int) -> str:
    """Return the report for a terminal; *truths* is the number of truths that were read."""
    return "\n".join(_lines(report, truths))


def _lines(report: Mapping[str, Any], truths: int) -> Iterator[str]:
    first, second = report["versions"]
    yield f"{report['model']}: versions {first} and {second} on {report['instances']:,} captured instances"
    yield f"alike: {_share(report['agreement'])}; distance: {_named(report['distance'])}"
    for by, count in report["rejected"].items():
        yield f"not answered by version {by}: {count:,}"
    for version, share in report["reproduced"].items():
        yield f"as version {version} answered then: {_share(share)}"
    for name, head in report["heads"].items():
        yield from _head(name if len(report["heads"]) > 1 else "", head, first, second)
    yield from _slices(report["slices"])
    yield from _truth(report["truth"], truths, first, second)
    yield from _largest(report["largest"], first, second)


def _head(name: str, head: Mapping[str, Any], first: int, second: int) -> Iterator[str]:
    of = f"{name}: " if name else ""
    if name:
        yield f"\n{of}alike: {_share(head['agreement'])}"
    if steps := head["transitions"]:
        yield f"\n{of}from version {first} to {second}"
        rows = [(step["from"], step["to"], f"{step['instances']:,.6g}") for step in steps[: 2 * _MOST]]
        yield table([("FROM", "TO", "INSTANCES"), *rows])
    if head["shifts"]:
        yield f"\n{of}version {second} less version {first}"
        header = ("VALUE", "MEAN", "95 %", *(f"{float(share):.0%}" for share in _quantiles(head)))
        yield table([header, *(_shift(name, shift) for name, shift in [*head["shifts"].items()][: 2 * _MOST])])


def _quantiles(head: Mapping[str, Any]) -> Sequence[str]:
    return [*next(iter(head["shifts"].values()))["quantiles"]]


def _shift(name: str, shift: Mapping[str, Any]) -> tuple[str, ...]:
    return name, f"{shift['mean']:.4g}", _interval(shift["interval"]), *map(_number, shift["quantiles"].values())


def _slices(slices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if slices:
        yield "\nwhere they differ most, by field"
        yield table([("FIELD", "VALUES", "INSTANCES", "ALIKE"), *map(_slice, slices)])


def _slice(part: Mapping[str, Any]) -> tuple[str, ...]:
    return part["field"], _cut(part["values"]), f"{part['agreement']['instances']:,}", _share(part["agreement"])


def _truth(truth: Mapping[str, Any], truths: int, first: int, second: int) -> Iterator[str]:
    if not truth["instances"]:
        yield f"\ntruth: known of none of them ({truths:,} truths were read)"
        return
    yield f"\ntruth: known of {truth['instances']:,}"
    header = ("MEASURE", f"VERSION {first}", f"VERSION {second}", "DIFFERENCE", "BETTER", "P")
    yield table([header, *map(_measure, truth["measures"])])
    better = next((it for it in truth["measures"] if it["second_is_worse"]), None)
    if better:
        yield f"version {second} is worse than version {first}, by more than chance explains"


def _measure(measure: Mapping[str, Any]) -> tuple[str, ...]:
    name = f"{measure['head']}.{measure['measure']}" if measure["head"] else measure["measure"]
    form = ".4g" if measure["measure"] == MAE else ".1%"
    sides = (format(measure[side]["value"], form) for side in ("first", "second"))
    better = f"{measure['first_better']:,} : {measure['second_better']:,}"
    return name, *sides, f"{measure['difference']:+.4g} {_interval(measure['interval'])}".rstrip(), better, _p(measure)


def _p(measure: Mapping[str, Any]) -> str:
    return f"{measure['p']:.3f}" if measure["p"] >= 0.001 else f"{measure['p']:.0e}"


def _largest(pairs: Sequence[Mapping[str, Any]], first: int, second: int) -> Iterator[str]:
    if pairs:
        yield "\nwhere they differ most, by instance"
        header = ("REQUEST", "INDEX", "DISTANCE", str(first), str(second), "INSTANCE")
        yield table([header, *map(_pair, pairs)])


def _pair(pair: Mapping[str, Any]) -> tuple[str, ...]:
    answers = (_brief(answer) for answer in pair["answers"].values())
    return pair["request_id"], str(pair["index"]), f"{pair['distance']:.3f}", *answers, _cut(pair["instance"])


def _brief(answer: Mapping[str, Any]) -> str:
    """Return what says the most of an answer: the label, the tags or the value."""
    for name in ("label", "tags", "value"):
        if name in answer and not isinstance(answer[name], Mapping):
            return _cut(answer[name])
    return _cut(answer)


def _cut(value: Any) -> str:
    text = " ".join(str(value).split())
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _share(share: Mapping[str, Any]) -> str:
    low, high = share["interval"]
    return f"{share['value']:.2%} ({low:.2%} to {high:.2%})"


def _named(quantiles: Mapping[str, float | None]) -> str:
    words = {"0.5": "median", "0.95": "95 % within", "1": "at most"}
    return ", ".join(f"{words[share]} {_number(value)}" for share, value in quantiles.items())


def _interval(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f"({interval[0]:.4g} to {interval[1]:.4g})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
