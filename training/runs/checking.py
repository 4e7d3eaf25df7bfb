"""Checks that a `metrics.json` is as a job writes it, so that nothing fails later by what it says."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

LISTS, OBJECTS = ("labels", "thresholds", "notes"), ("values", "baselines", "final", "heads", "versions", "seconds")


def check(document: Mapping[str, Any]) -> None:
    """Raise ValueError, OverflowError, TypeError, AttributeError or KeyError for what is not as a job writes it."""
    _check_kinds(document, dict.fromkeys(LISTS, list) | dict.fromkeys(OBJECTS, dict))
    _check_kinds({"code": {}, **document}, {"code": dict})
    if not math.isfinite(sum(document["seconds"].values())):
        raise ValueError("'seconds' are not finite")
    _check_kinds(document["data"], {"train_rows": int, "sample": bool})
    _check_kinds(document["recipe"], {"settings": dict})
    _check_kinds(document["validation"]["protocol"], {"name": str})
    for stages in [document["final"], *(fold["stages"] for fold in document["validation"]["folds"])]:
        for curves in stages.values():
            for curve in curves.values():
                np.asarray(curve, np.float64)
    _check_numbers(document)
    for of_head in document["heads"].values():
        _check_kinds(of_head, {"problem": str, "unit": str, "higher_is_better": bool, "test": dict})
        _check_kinds(of_head, {"labels": list, "thresholds": list, "values": dict})
        _check_numbers(of_head)


def _check_numbers(of_head: Mapping[str, Any]) -> None:
    _check_kinds(of_head["test"], {"rows": int, of_head["metric"]: int | float | None})
    numbers = [*of_head["test"].values(), *of_head.get("baselines", {}).values()]
    for number in [*of_head["thresholds"], *(number for number in numbers if number is not None)]:
        math.isfinite(number)
    for label in of_head["labels"]:
        if not isinstance(label, str):
            raise ValueError(f"'labels' have {type(label).__name__}")


def _check_kinds(part: Mapping[str, Any], kinds: Mapping[str, Any]) -> None:
    for name, kind in kinds.items():
        if not isinstance(part[name], kind):
            raise ValueError(f"'{name}' is {type(part[name]).__name__}")
