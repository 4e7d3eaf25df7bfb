"""The gate: whether a newly trained model may be published. Values in; a sentence, or GateRefused, out."""

import math
from typing import NoReturn

from serving.contract import Contract
from serving.process.exit_codes import ExitCode
from serving.registry import is_sample
from training.errors import TrainingError
from training.problem_types import Problem
from training.publishing.comparison import Comparison
from training.publishing.live_version import Incomparable


class GateRefused(TrainingError):
    """The new model is not good enough to be published, or not meant for it."""

    exit_code = ExitCode.REFUSED

    def __init__(self, model: str, measured: str, needed: str, advice: str) -> None:
        super().__init__(f"{model}: not published: {measured}, but {needed}; {advice}")


def check(
    new: Contract,
    live: Contract | None,
    problem: Problem,
    floor: float | None,
    tolerance: float,
    compared: Comparison | Incomparable | None = None,
    replace_incomparable: bool = False,
) -> str:
    """Say by which comparison *new* may take the place of *live*; raises GateRefused if it may not.

    *floor* is the worst value of the problem's metric on the test rows that will do (None: any will). The naive
    baseline must be beaten in any case. *compared* is what both score on the test rows of *new*: *tolerance*, in the
    metric's unit, is by how much *new* may be worse, as long as chance would do as much. Where *live* can't be asked
    these rows, its contract has its value, if that was measured on the same data; otherwise only
    *replace_incomparable* lets it be replaced. A model of the built-in sample is held to none of these.
    """
    check_data(new.model, is_sample(new), live)
    value = _measured(new, problem)
    if not math.isfinite(value):
        _refuse(new, problem, value, "a number is needed", "training has diverged: lower the learning rate")
    if is_sample(new):  # it is too small for its metric to mean anything
        return f"{problem.metric} {value:.4g}: no floor for the data '{new.provenance.get('data')}'"
    said = [_pass_floor(new, problem, value, floor), *_pass_baseline(new, problem, value)]
    if isinstance(compared, Comparison):
        said.append(_pass_comparison(new, problem, compared, tolerance))
    elif live and not is_sample(live):
        said.append(_pass_record(new, live, problem, value, tolerance, compared, replace_incomparable))
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


def same_data(live: Contract, name: str | None, sha256: str | None) -> bool:
    """Tell whether *live* was trained and measured on the data of this name and fingerprint."""
    known = (live.provenance.get("data"), live.provenance.get("data_sha256"))
    return None not in known and known == (name, sha256)


def refused_as_incomparable(model: str, measured: str, reason: str) -> GateRefused:
    """Make the refusal of a model that can't be compared with the live version, which does as *reason* says."""
    return GateRefused(
        model,
        measured,
        f"it can't be compared with the live version, which {reason}",
        "publish to another --models-dir, or replace the live version all the same by --replace-incomparable",
    )


def _pass_floor(new: Contract, problem: Problem, value: float, floor: float | None) -> str:
    if floor is None:
        return f"no floor for the data '{new.provenance.get('data')}'"
    if _shortfall(problem, value, floor) > 0:
        needed = f"the task's floor needs {_at_least(problem)} {floor:.4g}"
        _refuse(new, problem, value, needed, "train another recipe, or change the task's floor if this will do")
    return f"the floor is {floor:.4g}"


def _pass_baseline(new: Contract, problem: Problem, value: float) -> list[str]:
    baseline = new.evaluation.get("baseline", {})
    naive = baseline.get(problem.metric)
    if naive is None:  # only a contract that no job has made
        return []
    told = f"the naive baseline ({baseline.get('name')}) has {naive:.4g}"
    if not _shortfall(problem, value, naive) < 0:
        _refuse(new, problem, value, f"{told}, which must be beaten", "look at the data, or train another recipe")
    return [told]


def _pass_comparison(new: Contract, problem: Problem, compared: Comparison, tolerance: float) -> str:
    told = f"live version {compared.version} has {compared.live:.4g} on the same {compared.rows} rows"
    chance = f"{compared.test}, one-sided: p = {compared.p:.2g}"
    _pass_tolerance(new, problem, compared.new, compared.live, tolerance, told)
    if _shortfall(problem, compared.new, compared.live) > 0 and compared.significant:
        needed = f"{told}, and chance does not explain that ({chance})"
        _refuse(new, problem, compared.new, needed, "train another recipe, or look what has changed in the data")
    return f"{told} ({chance})"


def _pass_record(
    new: Contract,
    live: Contract,
    problem: Problem,
    value: float,
    tolerance: float,
    why_not: Incomparable | None,
    replace_incomparable: bool,
) -> str:
    """Go by what the live version's contract says where it could not be asked itself."""
    before, provenance = _measured(live, problem), new.provenance
    known = same_data(live, provenance.get("data"), provenance.get("data_sha256")) and math.isfinite(before)
    asked = f", which {why_not}," if why_not else ""
    if known:
        told = f"the live version{asked} has {before:.4g} on the same test data"
        _pass_tolerance(new, problem, value, before, tolerance, told)
        return told
    reason = str(why_not or "was measured on other data")
    if not replace_incomparable:
        raise refused_as_incomparable(new.model, f"{problem.metric} on the test rows is {value:.4g}", reason)
    return f"not compared with the live version, which {reason}: replaced as --replace-incomparable says"


def _pass_tolerance(new: Contract, problem: Problem, value: float, before: float, tolerance: float, told: str) -> None:
    shortfall = _shortfall(problem, value, before)
    if shortfall > tolerance and not math.isclose(shortfall, tolerance):  # 0.91 - 0.90 is more than 0.01
        worst = before - tolerance if problem.higher_is_better else before + tolerance
        needed = f"{_at_least(problem)} {worst:.4g} is needed: {told}, and the tolerance is {tolerance:.4g}"
        _refuse(new, problem, value, needed, "train another recipe, or change the task's tolerance if this will do")


def _refuse(new: Contract, problem: Problem, value: float, needed: str, advice: str) -> NoReturn:
    raise GateRefused(new.model, f"{problem.metric} on the test rows is {value:.4g}", needed, advice)


def _measured(contract: Contract, problem: Problem) -> float:
    """Give the metric on the test rows; NaN if it is not there."""
    value = contract.evaluation.get("test", {}).get(problem.metric, math.nan)
    return float(value) if isinstance(value, int | float) else math.nan


def _shortfall(problem: Problem, value: float, wanted: float) -> float:
    """By how much *value* is worse than *wanted*; negative where it is better."""
    return wanted - value if problem.higher_is_better else value - wanted


def _at_least(problem: Problem) -> str:
    return "at least" if problem.higher_is_better else "at most"
