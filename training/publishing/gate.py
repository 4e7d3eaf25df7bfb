"""The gate: decides from values whether a newly trained model may be published. Returns a sentence, or raises."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from serving.contract import Contract
from serving.process.exit_codes import ExitCode
from serving.registry import is_sample
from training.errors import TrainingError
from training.problem_types import Problem
from training.publishing.comparison import Comparison
from training.publishing.live_version import Incomparable


class GateRefused(TrainingError):
    """The new model is not good enough to be published, or may not replace the live version."""

    exit_code = ExitCode.REFUSED

    def __init__(self, model: str, reason: str, advice: str) -> None:
        super().__init__(f"{model}: not published: {reason}; {advice}")


def check(
    new: Contract,
    live: Contract | None,
    problem: Problem,
    floor: float | None,
    tolerance: float,
    compared: Comparison | Incomparable | None = None,
    replace_incomparable: bool = False,
    others: Mapping[str, Problem] = MappingProxyType({}),
) -> str:
    """Return a sentence on why *new* may replace *live*. Raises GateRefused if it may not.

    *floor* is the worst acceptable value of the problem's metric on the test rows (None: any is). The naive baseline
    must be beaten in any case. *compared* holds the metric of both models on the test rows of *new*, which may be worse
    by *tolerance*, in the metric's unit, as long as chance explains the difference.

    If *live* can't be evaluated on these rows, the value in its contract counts, if it was measured on the same data;
    otherwise, *new* passes only with *replace_incomparable*. A model of the built-in sample is exempt from all of this.

    All of this is about the main head. Each of *others*, by name, must beat its naive baseline.
    """
    check_data(new.model, is_sample(new), live)
    value = _measured(new, problem)
    if not math.isfinite(value):
        _refuse(new, problem, value, "a finite number is required", "training has diverged: lower the learning rate")
    if is_sample(new):  # the sample is too small for its metric to mean anything
        return f"{problem.metric} {value:.4g}: no floor for the data '{new.provenance.get('data')}'"
    reasons = [_pass_floor(new, problem, value, floor), *_pass_baseline(new, problem, new.evaluation)]
    for name, other in others.items():
        reasons += [f"{name}: {reason}" for reason in _pass_baseline(new, other, new.evaluation["heads"][name], name)]
    if isinstance(compared, Comparison):
        reasons.append(_pass_comparison(new, problem, compared, tolerance))
    elif live and not is_sample(live):
        reasons.append(_pass_record(new, live, problem, value, tolerance, compared, replace_incomparable))
    return f"{problem.metric} {value:.4g}: {'; '.join(reasons)}"


def check_data(model: str, sample: bool, live: Contract | None) -> None:
    """Raise GateRefused if a model of the built-in *sample* would replace a real one. Jobs call it before training."""
    if sample and live and not is_sample(live):
        raise GateRefused(
            model,
            f"trained on the built-in sample, but the live version was trained on {live.provenance.get('data')}, "
            "which a model of the sample never replaces",
            "train on real data, or publish to another --models-dir",
        )


def same_data(live: Contract, name: str | None, sha256: str | None) -> bool:
    """Return whether *live* was trained and evaluated on data with this name and fingerprint."""
    known = (live.provenance.get("data"), live.provenance.get("data_sha256"))
    return None not in known and known == (name, sha256)


def refused_as_incomparable(model: str, measured: str, reason: str) -> GateRefused:
    """Return the refusal of a model that can't be compared with the live version.

    *measured* begins the sentence; *reason* ends it, after "the live version, which".
    """
    return GateRefused(
        model,
        f"{measured} it can't be compared with the live version, which {reason}",
        "publish to another --models-dir, or replace the live version anyway with --replace-incomparable",
    )


def _pass_floor(new: Contract, problem: Problem, value: float, floor: float | None) -> str:
    if floor is None:
        return f"no floor for the data '{new.provenance.get('data')}'"
    if _shortfall(problem, value, floor) > 0:
        required = f"the task's floor requires {_at_least(problem)} {floor:.4g}"
        _refuse(new, problem, value, required, "train another recipe, or change the task's floor if this is acceptable")
    return f"the floor is {floor:.4g}"


def _pass_baseline(new: Contract, problem: Problem, measured: Mapping[str, Any], head: str = "") -> list[str]:
    baseline, value = measured.get("baseline", {}), measured["test"][problem.metric]
    naive = baseline.get(problem.metric)
    if naive is None:  # only in a contract that was not made by a job
        return []
    compared = f"the naive baseline ({baseline.get('name')}) has {naive:.4g}"
    if not _shortfall(problem, value, naive) < 0:
        reason = f"{compared}, which must be beaten" + (f" by the head '{head}'" if head else "")
        _refuse(new, problem, value, reason, "check the data, or train another recipe")
    return [compared]


def _pass_comparison(new: Contract, problem: Problem, compared: Comparison, tolerance: float) -> str:
    live = f"live version {compared.version} has {compared.live:.4g} on the same {compared.rows} rows"
    chance = f"{compared.test}, one-sided: p = {compared.p:.2g}"
    _pass_tolerance(new, problem, compared.new, compared.live, tolerance, live)
    if _shortfall(problem, compared.new, compared.live) > 0 and compared.significant:
        reason = f"{live}, and chance does not explain the difference ({chance})"
        _refuse(new, problem, compared.new, reason, "train another recipe, or check what has changed in the data")
    return f"{live} ({chance})"


def _pass_record(
    new: Contract,
    live: Contract,
    problem: Problem,
    value: float,
    tolerance: float,
    why_not: Incomparable | None,
    replace_incomparable: bool,
) -> str:
    """Compare with the metric in the live version's contract, if the version itself was not evaluated."""
    before, provenance = _measured(live, problem), new.provenance
    known = same_data(live, provenance.get("data"), provenance.get("data_sha256")) and math.isfinite(before)
    if known:
        why = f", which {why_not}," if why_not else ""
        recorded = f"the live version{why} has {before:.4g} on the same test data"
        _pass_tolerance(new, problem, value, before, tolerance, recorded)
        return recorded
    reason = str(why_not or "was measured on other data")
    if not replace_incomparable:
        raise refused_as_incomparable(new.model, f"{problem.metric} on the test rows is {value:.4g}, but", reason)
    return f"not compared with the live version, which {reason}; replaced because of --replace-incomparable"


def _pass_tolerance(new: Contract, problem: Problem, value: float, before: float, tolerance: float, live: str) -> None:
    shortfall = _shortfall(problem, value, before)
    if shortfall > tolerance and not math.isclose(shortfall, tolerance):  # as floats, 0.91 - 0.90 is more than 0.01
        worst = before - tolerance if problem.higher_is_better else before + tolerance
        required = f"{_at_least(problem)} {worst:.4g} is required: {live}, and the tolerance is {tolerance:.4g}"
        advice = "train another recipe, or change the task's tolerance if this is acceptable"
        _refuse(new, problem, value, required, advice)


def _refuse(new: Contract, problem: Problem, value: float, reason: str, advice: str) -> NoReturn:
    raise GateRefused(new.model, f"{problem.metric} on the test rows is {value:.4g}, but {reason}", advice)


def _measured(contract: Contract, problem: Problem) -> float:
    """Return the metric on the test rows; NaN if the contract has none."""
    value = contract.evaluation.get("test", {}).get(problem.metric, math.nan)
    return float(value) if isinstance(value, int | float) else math.nan


def _shortfall(problem: Problem, value: float, wanted: float) -> float:
    """Return by how much *value* is worse than *wanted*; negative if it is better."""
    return wanted - value if problem.higher_is_better else value - wanted


def _at_least(problem: Problem) -> str:
    return "at least" if problem.higher_is_better else "at most"
