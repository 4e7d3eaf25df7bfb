"""Models and versions as columns of text for terminals."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from serving.contract import Contract
from serving.registry.versions import Version, state

VERSION_HEADER = ("MODEL", "VERSION", "STATE", "DATA", "RECIPE", "METRIC", "TRAINED", "NOTE")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return *rows* as aligned columns; the first row is the header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def metric_or_odd(evaluation: Mapping[str, Any]) -> str:
    """Return the metric on the test rows, followed by the naive baseline's; `?` where they are something else."""
    try:
        return _described(evaluation)
    except (KeyError, TypeError, ValueError):  # one odd contract must not hide all others
        return "?"


def _described(evaluation: Mapping[str, Any]) -> str:
    name = evaluation.get("metric")
    if name is None:
        return "-"
    value, baseline = evaluation["test"][name], evaluation["baseline"][name]
    return f"{name} {value:.4g} (baseline {baseline:.4g})"


def version_rows(model: str, versions: Sequence[Version]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each version, with the columns of VERSION_HEADER."""
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
    """Return the details of *version* by name."""
    details: dict[str, Any] = {"version": version.number, "state": state(version, versions), "path": version.path}
    details |= {"broken": version.problem, "promoted": _promoted(version)}
    if version.contract:
        details |= _measured(version)
        details |= {"problem type": version.contract.problem}
        fields = version.contract.record.fields.items()
        details |= {"fields": ", ".join(f"{name} ({encoder.kind})" for name, encoder in fields)}
        details |= _heads(version.contract)
        details |= {"files like": version.contract.reading}
        details |= {name.replace("_", " "): _flat(value) for name, value in version.provenance.items()}
    return {name: str(value) for name, value in details.items() if value not in (None, "")}


def _heads(contract: Contract) -> dict[str, str]:
    """Return a fact for each of several heads, or for the only one."""
    heads = contract.answers.heads
    if contract.answers.only:
        return {"answer": contract.answers.only.kind}
    measured = [contract.evaluation, *contract.evaluation.get("heads", {}).values()]
    of_head = dict(zip(heads, map(metric_or_odd, measured), strict=False))
    return {f"head {name}": f"{head.kind}, {of_head.get(name, '-')}" for name, head in heads.items()}


def _measured(version: Version) -> dict[str, str]:
    """Return the metric, and what else was measured on the test rows; of an import, where it is from."""
    evaluation = version.contract.evaluation if version.contract else {}
    if version.provenance.get("recipe") == "imported":
        source, sha256 = (version.provenance.get(name) for name in ("source", "source_sha256"))
        return {"metric": "not measured here", "imported": f"from {source}, sha256 {sha256}"}
    test = evaluation.get("test")
    others = test if isinstance(test, Mapping) else {}
    told = [
        f"{name} {value:.4g}"
        for name, value in others.items()
        if isinstance(value, float) and name not in ("rows", evaluation.get("metric"))
    ]
    return {"metric": _metric(version), "also measured": ", ".join(told)}


def _metric(version: Version) -> str:
    return metric_or_odd(version.contract.evaluation) if version.contract else "-"


def _flat(value: Any) -> Any:
    return ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, dict) else value


def _promoted(version: Version) -> str:
    origin = version.promoted_from
    return f"{origin.command} of version {origin.version}, {origin.at}" if origin else ""
