"""What an answer was worth, once its truth is known; and whether a truth can be one of a model's answers.

An answer tells its kind by its members, so that captures need no contract. Labels have `accuracy`. Tags have
`exact_match`, and `micro_f1` over all tags of all answers. Values have `mae`; with bounds also `interval_coverage`, the
share of truths that these held. A model of several heads has these for each.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from serving.contract import Answers
from serving.contract.heads import Head, Interval, Labels, TagSet, Value, Values
from serving.errors import shown
from serving.truth.feedback import is_number

ACCURACY, EXACT_MATCH, INTERVAL_COVERAGE = "accuracy", "exact_match", "interval_coverage"
MICRO_F1, MAE = "micro_f1", "mae"

SHARES = frozenset((ACCURACY, EXACT_MATCH, INTERVAL_COVERAGE))
"""The measures that are shares of answers."""

COMPARED = (Labels, TagSet, Value, Interval, Values)
"""The heads whose answers have a truth."""

_Answer = Mapping[str, Any]


class NoComparison(ValueError):
    """The truth is of another kind than the answer."""


@dataclass(frozen=True)
class Outcome:
    """An answer counts *value* of *per* for a *measure* of a *head*, which is "" for the only one."""

    head: str
    measure: str
    value: float
    per: float = 1.0


def compare(answer: _Answer, truth: Any) -> list[Outcome]:
    """Compare an answer, as /predict gives it, with its truth, which may leave out heads; raises NoComparison."""
    if kind := _members(answer):
        return list(kind("", answer, truth))
    if not (isinstance(truth, Mapping) and truth.keys() <= answer.keys()):
        raise NoComparison(f"expected truths by head ({', '.join(answer)}), got {shown(truth)}")
    return [outcome for name, part in truth.items() for outcome in _of_head(name, answer[name], part)]


def needed(answer: _Answer) -> dict[str, Any]:
    """Return what `compare` needs of an answer, without the scores that take most of its room."""
    if _members(answer):
        return {name: answer[name] for name in (*_KINDS, "low", "high") if name in answer}
    return {name: needed(part) if isinstance(part, Mapping) else None for name, part in answer.items()}


def misfit(answers: Answers, truth: Any) -> tuple[tuple[str, ...], str] | None:
    """Return where *truth* can't be that of one of *answers*, and what was expected; None if it can."""
    if answers.only:
        return _misfit_of_head(answers.only, truth)
    if not (isinstance(truth, Mapping) and truth and truth.keys() <= answers.heads.keys()):
        return (), f"an object with truths of {', '.join(answers.heads)}"
    for name, part in truth.items():
        if found := _misfit_of_head(answers.heads[name], part):
            return (name, *found[0]), found[1]
    return None


def _misfit_of_head(head: Head, truth: Any) -> tuple[tuple[str, ...], str] | None:
    match head:
        case Labels():
            return None if truth in head.names else ((), f"one of {_listed(head.names)}")
        case TagSet():
            fits = isinstance(truth, list) and all(tag in head.names for tag in truth) and len({*truth}) == len(truth)
            return None if fits else ((), f"a list of some of {_listed(head.names)}, each at most once")
        case Value() | Interval():
            return None if is_number(truth) else ((), "a finite number")
        case Values():
            if not (isinstance(truth, Mapping) and truth and truth.keys() <= {*head.names}):
                return (), f"an object with numbers for some of {_listed(head.names)}"
            wrong = next((name for name, value in truth.items() if not is_number(value)), None)
            return None if wrong is None else ((wrong,), "a finite number")
    return (), f"nothing: answers of the kind {head.kind!r} are not compared with a truth"


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(names[:20]) + more


def _labels(head: str, answer: _Answer, truth: Any) -> Iterator[Outcome]:
    if not isinstance(truth, str):
        raise NoComparison(f"expected a label, got {shown(truth)}")
    yield Outcome(head, ACCURACY, float(answer["label"] == truth))


def _tags(head: str, answer: _Answer, truth: Any) -> Iterator[Outcome]:
    if not (isinstance(truth, list) and all(isinstance(tag, str) for tag in truth)):
        raise NoComparison(f"expected a list of tags, got {shown(truth)}")
    given, true = {*answer["tags"]}, {*truth}
    yield Outcome(head, EXACT_MATCH, float(given == true))
    yield Outcome(head, MICRO_F1, 2.0 * len(given & true), float(len(given) + len(true)))


def _value(head: str, answer: _Answer, truth: Any) -> Iterator[Outcome]:
    if not is_number(truth):
        raise NoComparison(f"expected a finite number, got {shown(truth)}")
    yield Outcome(head, MAE, abs(answer["value"] - truth))
    if "low" in answer:
        yield Outcome(head, INTERVAL_COVERAGE, float(answer["low"] <= truth <= answer["high"]))


def _values(head: str, answer: _Answer, truth: Any) -> Iterator[Outcome]:
    values = answer["values"]
    if not (isinstance(truth, Mapping) and truth.keys() <= values.keys()):
        raise NoComparison(f"expected numbers by name ({', '.join(values)}), got {shown(truth)}")
    for name, part in truth.items():
        yield from _value(f"{head}.{name}" if head else name, {"value": values[name]}, part)


_Compare = Callable[[str, _Answer, Any], Iterator[Outcome]]
_KINDS: dict[str, tuple[Callable[[Any], bool], _Compare]] = {
    "label": (lambda value: isinstance(value, str), _labels),
    "tags": (lambda value: isinstance(value, list), _tags),
    "value": (is_number, _value),
    "values": (lambda value: isinstance(value, Mapping) and all(map(is_number, value.values())), _values),
}
"""The member by which an answer's kind is known, and whether it is that: a head may have such a name too."""


def _members(answer: _Answer) -> _Compare | None:
    return next((kind for name, (is_it, kind) in _KINDS.items() if name in answer and is_it(answer[name])), None)


def _of_head(head: str, answer: Any, truth: Any) -> Iterator[Outcome]:
    kind = _members(answer) if isinstance(answer, Mapping) else None
    if kind is None:
        raise NoComparison(f"expected an answer with {', '.join(_KINDS)}, got {shown(answer)}")
    return kind(head, answer, truth)
