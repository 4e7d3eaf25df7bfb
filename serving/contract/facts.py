"""What a contract tells of its training: JSON values for people, of which those that programs read are checked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from serving.contract import states
from serving.contract.places import place
from serving.errors import shown


def read_evaluation(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the evaluation, of all heads; raises InvalidContract or Misfit."""
    evaluation = states.mapping(document, "evaluation")
    with place("evaluation"):
        _check_measured(evaluation)
        heads = _mapping_if_any(evaluation, "heads")
        for head in heads:
            measured = states.mapping(heads, head)
            with place("heads", head):
                _check_measured(measured)
    return evaluation


def read_provenance(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the provenance; raises InvalidContract or Misfit."""
    provenance = states.mapping(document, "provenance")
    with place("provenance"):
        for name in ("data", "recipe", "trained_at"):
            if provenance.get(name) is not None:
                states.text(provenance, name)
        _check_moment(provenance.get("trained_at"))
        _mapping_if_any(provenance, "lite")
    return provenance


def _check_measured(evaluation: Mapping[str, Any]) -> None:
    """Raise Misfit unless the metric, if there is one, is a number wherever it was measured."""
    metric = None if evaluation.get("metric") is None else states.text(evaluation, "metric")
    for part in ("test", "baseline"):
        if metric in (measured := _mapping_if_any(evaluation, part)):
            with place(part):
                states.finite(measured, str(metric))


def _mapping_if_any(state: Mapping[str, Any], name: str) -> dict[str, Any]:
    return states.mapping(state, name) if name in state else {}


def _check_moment(text: str | None) -> None:
    try:
        if text is not None:
            datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError) as error:
        raise states.Misfit(
            "trained_at", f"expected a date and time such as 2026-11-28T12:30:00Z, got {shown(text)}"
        ) from error
