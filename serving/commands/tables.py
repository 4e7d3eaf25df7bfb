"""Text for terminals: what is known of models and versions, in columns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from serving.registry.versions import Version, state

VERSION_HEADER = ("MODEL", "VERSION", "STATE", "DATA", "RECIPE", "METRIC", "TRAINED", "NOTE")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Lay out *rows* in columns; the first row is the header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def metric(evaluation: Mapping[str, Any]) -> str:
    """Give the metric on the test rows, beside the naive baseline's."""
    name = evaluation.get("metric")
    if name is None:
        return "-"
    value, baseline = evaluation["test"][name], evaluation["baseline"][name]
    return f"{name} {value:.4g} (baseline {baseline:.4g})"


def version_rows(model: str, versions: Sequence[Version]) -> Iterator[tuple[str, ...]]:
    """Give a row below VERSION_HEADER for each version."""
    for version in versions:
        provenance = version.provenance
        yield (
            model,
            str(version.number),
            state(version, versions),
            str(provenance.get("data") or "-"),
            str(provenance.get("recipe") or "-"),
            _metric(version),
            str(provenance.get("trained_at") or "-"),
            version.problem or _promoted(version),
        )


def facts(version: Version, versions: Sequence[Version]) -> dict[str, str]:
    """Give all that *version* says of itself, by name."""
    told: dict[str, Any] = {"version": version.number, "state": state(version, versions), "path": version.path}
    told |= {"broken": version.problem, "promoted": _promoted(version)}
    if version.contract:
        told |= {"metric": _metric(version), "problem type": version.contract.problem}
        told |= {"fields": ", ".join(version.contract.preprocessor.fields)}
        told |= {name.replace("_", " "): _flat(value) for name, value in version.provenance.items()}
    return {name: str(value) for name, value in told.items() if value not in (None, "")}


def _metric(version: Version) -> str:
    try:
        return metric(version.contract.evaluation) if version.contract else "-"
    except (KeyError, TypeError, ValueError):  # one odd contract must not hide all others
        return "?"


def _flat(value: Any) -> Any:
    return ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, dict) else value


def _promoted(version: Version) -> str:
    origin = version.promoted_from
    return f"{origin.command} of version {origin.version}, {origin.at}" if origin else ""
