"""Judges a canary at each look: wait, advance, roll back, or done, and why.

Each measure has odds of the canary being worse (`comparisons`), which stay valid however often one looks. It is rolled
back once they exceed what `Settings.false_roll_backs` allows, shared among all measures and steps (Bonferroni). A step
is passed once it has been held, and a canary that is worse by twice the margin is excluded for each measure, with odds
of 1 to `Settings.missed`. This is Wald's sequential test of "equal" against "worse by twice the margin".
"""

from collections.abc import Sequence
from math import inf

from serving.canary.evidence import Decision, Evidence, Kind
from serving.canary.findings import MEASURES, TRUTH, Finding, findings
from serving.canary.settings import Plan, Settings

FEWEST_LOOKS = 3
"""Fewer don't show whether requests fail together."""


def judge(looks: Sequence[Evidence], plan: Plan, step: int, settings: Settings | None = None) -> Decision:
    """Return what to do after all *looks* of this *step* of *plan*, the last of which is now.

    In a step that the canary has for itself, the stable side of a look is what it did in the step before.
    """
    settings = settings or Settings()
    name = f"step {plan.percents[step]:g} %"
    if not looks:
        return Decision(Kind.WAIT, f"{name} waits: nothing is known yet")
    if looks[-1].canary.parity_failures:
        return Decision(Kind.ROLL_BACK, f"rolled back at {name}: the canary does not compute what training computed")
    is_alone = plan.is_alone(step)
    found = findings(looks, settings.coarser() if is_alone else settings, is_alone)
    worst = max(found, key=lambda finding: finding.worse)
    if _is_enough(looks, settings) and worst.worse >= settings.strength_for_worse(len(MEASURES) * len(plan.percents)):
        return Decision(Kind.ROLL_BACK, f"rolled back at {name}: {worst.facts}")
    unknown = (
        []
        if is_alone
        else [finding for finding in found if finding.tells and finding.margin > -settings.strength_for_equal]
    )
    if missing := _missing(looks, plan, step, settings, unknown):
        return Decision(Kind.WAIT, f"{name} waits: {missing}")
    kind = Kind.DONE if step == len(plan.percents) - 1 else Kind.ADVANCE
    return Decision(kind, f"{name} is passed after {looks[-1].seconds:,.0f} s: {_passed(found, unknown, settings)}")


def _is_enough(looks: Sequence[Evidence], settings: Settings) -> bool:
    is_long = sum(look.canary.requests > 0 for look in looks) >= FEWEST_LOOKS
    return is_long and looks[-1].canary.requests >= settings.minimum_requests


def _missing(looks: Sequence[Evidence], plan: Plan, step: int, settings: Settings, unknown: Sequence[Finding]) -> str:
    """Return what is to be waited for, or nothing."""
    now = looks[-1]
    if now.seconds < plan.hold:
        return f"it is held for {plan.hold:,.0f} s, of which {now.seconds:,.0f} are over"
    if not _is_enough(looks, settings):
        return (
            f"the canary had {now.canary.requests:,.0f} requests in {len(looks)} looks, and at least "
            f"{settings.minimum_requests} in {FEWEST_LOOKS} are judged"
        )
    if now.seconds >= settings.patience * plan.hold:
        unknown = [each for each in unknown if plan.is_last_comparison(step) and each.measure != TRUTH]
    return "; ".join(_needed(finding, settings) for finding in unknown)


def _needed(finding: Finding, settings: Settings) -> str:
    needed = finding.needed(settings.strength_for_equal)
    if needed == inf:
        return f"{finding.measure} can't be compared yet"
    return f"{finding.measure} by {finding.of:,.0f} of about {needed:,.0f} {finding.unit}"


def _passed(found: Sequence[Finding], unknown: Sequence[Finding], settings: Settings) -> str:
    excluded = ", ".join(finding.measure for finding in found if finding.tells and finding not in unknown)
    absent = [measure for measure in MEASURES if measure not in {finding.measure for finding in found}]
    parts = [f"no worse in {excluded}"] if excluded else []
    parts += (
        ["not judged for lack of evidence: " + "; ".join(_needed(each, settings) for each in unknown)]
        if unknown
        else []
    )
    parts += [f"not known: {', '.join(absent)}"] if absent else []
    return "; ".join(parts)
