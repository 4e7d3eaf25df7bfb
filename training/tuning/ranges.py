"""Which settings a search changes, and in what range: as given, or the usual ranges for the recipe's settings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import optuna

from training.errors import BadRequest
from training.experiments.overrides import settings


@dataclass(frozen=True)
class Range:
    """A setting's *choices*, or its numbers from *low* to *high*: on a *log* scale or not, *whole* numbers or not."""

    name: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False

    def suggest(self, trial: optuna.Trial) -> str:
        """Return a value for *trial*, in the form that `--set` takes."""
        if self.choices:
            return str(trial.suggest_categorical(self.name, self.choices))
        if self.whole:
            return str(trial.suggest_int(self.name, int(self.low), int(self.high), log=self.log))
        return f"{trial.suggest_float(self.name, self.low, self.high, log=self.log):.4g}"


def make_ranges(recipe: Any, wanted: Sequence[str], fixed: Collection[str]) -> list[Range]:
    """Read `name=range` texts; without any, return the usual ranges of settings that are not *fixed*.

    Raises BadRequest.
    """
    known = settings(recipe)
    if not wanted:
        usual = {name: _usual(name, value) for name, value in known.items() if name not in fixed}
        return [_read(name, text) for name, text in usual.items() if text]
    ranges = [_read(*_halves(text)) for text in wanted]
    for each in ranges:
        if each.name not in known:
            raise BadRequest(f"unknown setting '{each.name}' to search; available: {', '.join(known)}")
        if each.name in fixed:
            raise BadRequest(f"'{each.name}' can't be both set and searched")
    return ranges


def _usual(name: str, value: Any) -> str:
    """Return a range around the recipe's value; empty for settings that change the kind of network or its input."""
    if name.endswith("dropout"):
        return "0..0.6"
    if name in ("l1", "l2"):
        return "1e-7..1e-2:log"
    if name.endswith("rate") and value > 0:
        return f"{value / 10:g}..{value * 10:g}:log"
    if name == "batch_size" or name.endswith("epochs"):
        return f"{max(1, value // 4)}..{value * 2}:log"
    return ""


def _halves(text: str) -> tuple[str, str]:
    name, equals, values = text.partition("=")
    if not equals:
        raise BadRequest(f"expected a range such as dropout=0..0.6, got {text!r}")
    return name, values


def _read(name: str, text: str) -> Range:
    if ".." not in text:
        return Range(name, choices=tuple(text.split("/")))
    numbers, log = text.removesuffix(":log"), text.endswith(":log")
    ends = numbers.split("..")
    try:
        low, high = map(float, ends)
    except ValueError:
        low, high = 1.0, 0.0
    if not (low <= high and (low > 0 or not log) and high < float("inf")):
        advice = "LOW..HIGH, LOW..HIGH:log with LOW above 0, or A/B/C"
        raise BadRequest(f"{name}={text}: expected {advice}, such as dropout=0..0.6 or units=32,32/64,64")
    return Range(name, (), low, high, log, all(end.lstrip("-").isdecimal() for end in ends))
