"""The gate: whether a newly trained model may be published. Values in; a sentence, or GateRefused, out."""

import math
from collections.abc import Mapping
from typing import Any, NoReturn

from serving.contract import Contract
from serving.exit_codes import ExitCode
from serving.registry import is_sample
from training.errors import TrainingError
from training.problems import Problem


class GateRefused(TrainingError):
    """The new model is not good enough to be published, or not meant for it."""

    exit_code = ExitCode.REFUSED

    def __init__(self, model: str, measured: str, needed: str, advice: str) -> None:
        super().__init__(f"{model}: not published: {measured}, but {needed}; {advice}")


def check(new: Contract, live: Contract | None, problem: Problem, floor: float | None, tolerance: float) -> str:
    """Say by which comparison *new* may take the place of *live*; raises GateRefused if it may not.

    *floor* is the worst value of the problem's metric on the test rows that will do (None: any will); it does not
    apply to the built-in sample. *tolerance*, in the metric's unit, is by how much *new* may be worse than *live* where
    both were measured on the same data.
    """
    check_data(new.model, is_sample(new), live)
    value = _measured(new, problem)
    if not math.isfinite(value):
        _refuse(new, problem, value, "a number is needed", "training has diverged: lower the learning rate")
    said = [_pass_floor(new, problem, value, floor)]
    if live and not is_sample(new):  # a sample is too small for its metric to mean anything
        said.append(_pass_live(new, live, problem, value, tolerance))
    return f"{problem.metric} {value:.4g}: {'; '.join(said)}"


def check_data(model: str, sample: bool, live: Contract | None) -> None:
    """Refuse a model of the built-in *sample* where *live* is a real one; a job asks this before it trains."""
    if sample and live and not is_sample(live):
        raise GateRefused(
            model,
            "trained on the built-in sample",
            f"the live version was trained on {live.provenance.get('data')}, which a sample's never replaces",
            "train on real data, or publish to another --models-dir",
        )


def _pass_floor(new: Contract, problem: Problem, value: float, floor: float | None) -> str:
    if floor is None or is_sample(new):
        return f"no floor for the data '{new.provenance.get('data')}'"
    if _shortfall(problem, value, floor) > 0:
        needed = f"the task's floor needs {_at_least(problem)} {floor:.4g}"
        _refuse(new, problem, value, needed, "train another recipe, or change the task's floor if this will do")
    return f"the floor is {floor:.4g}"


def _pass_live(new: Contract, live: Contract, problem: Problem, value: float, tolerance: float) -> str:
    if not _same_data(new.provenance, live.provenance):
        return "not compared with the live version, which was measured on other data"
    before = _measured(live, problem)
    if not math.isfinite(before):
        return f"not compared with the live version, which has no {problem.metric}"
    shortfall = _shortfall(problem, value, before)
    if shortfall > tolerance and not math.isclose(shortfall, tolerance):  # 0.91 - 0.90 is more than 0.01
        worst = before - tolerance if problem.higher_is_better else before + tolerance
        needed = (
            f"{_at_least(problem)} {worst:.4g} is needed: the live version has {before:.4g} on the same test data, "
            f"and the tolerance is {tolerance:.4g}"
        )
        _refuse(new, problem, value, needed, "train another recipe, or change the task's tolerance if this will do")
    return f"the live version has {before:.4g} on the same test data"


def _refuse(new: Contract, problem: Problem, value: float, needed: str, advice: str) -> NoReturn:
    raise GateRefused(new.model, f"{problem.metric} on the test rows is {value:.4g}", needed, advice)


def _measured(contract: Contract, problem: Problem) -> float:
    """Give the metric on the test rows; NaN if it is not there."""
    value = contract.evaluation.get("test", {}).get(problem.metric, math.nan)
    return float(value) if isinstance(value, int | float) else math.nan


def _same_data(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    keys = ("data", "data_sha256")
    return all(one.get(key) is not None and one.get(key) == other.get(key) for key in keys)


def _shortfall(problem: Problem, value: float, wanted: float) -> float:
    """By how much *value* is worse than *wanted*; negative where it is better."""
    return wanted - value if problem.higher_is_better else value - wanted


def _at_least(problem: Problem) -> str:
    return "at least" if problem.higher_is_better else "at most"
