"""What two runs were given that differs: data, settings, code, packages."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.report.tables import flattened
from training.runs.run import Run

ABSENT = "—"

_HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Difference:
    """A fact that is another in the second run; ABSENT where a run does not tell it."""

    name: str
    first: str
    second: str


def differences(first: Run, second: Run) -> dict[str, list[Difference]]:
    """Return what differs, by group; groups without a difference are empty."""
    of_first, of_second = _facts(first), _facts(second)
    return {group: _differing(of_first[group], of_second[group]) for group in of_first}


def _facts(run: Run) -> dict[str, Mapping[str, Any]]:
    document = run.document
    data, recipe, code = document["data"], document["recipe"], document.get("code") or {}
    protocol = document["validation"]["protocol"]
    labels = {f"labels {head}".strip(): of_head["labels"] for head, of_head in run.heads.items() if of_head["labels"]}
    return {
        "data": {**data, "test_rows": run.rows, **labels},
        "settings": {
            "recipe": recipe["name"],
            "seed": recipe["seed"],
            "metric": run.metric,
            **flattened(recipe["settings"]),
            **{f"validation {name}": value for name, value in protocol.items()},
        },
        "code": {name: value for name, value in code.items() if value is not None},
        "packages": document["versions"],
    }


def _differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Difference]:
    names = dict.fromkeys([*first, *second])
    return [
        Difference(name, _told(first, name), _told(second, name))
        for name in names
        if _told(first, name) != _told(second, name)
    ]


def _told(facts: Mapping[str, Any], name: str) -> str:
    if name not in facts:
        return ABSENT
    value = facts[name]
    if isinstance(value, str) and _HASH.fullmatch(value):
        return value[:12]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
