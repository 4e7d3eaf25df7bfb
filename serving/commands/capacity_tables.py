"""A plan, and what a simulation did to it, as text and as a picture."""

import math
from collections.abc import Sequence
from pathlib import Path

from serving.capacity.autoscaler import Autoscaler
from serving.capacity.plan import Plan
from serving.capacity.scaling import follow
from serving.capacity.scenarios import Outcome
from serving.commands.tables import table

_CALM, _HOUR = 900, 4500
"""Seconds: until a number has settled, and an hour more."""

_BARS = "▁▂▃▄▅▆▇█"


def described(plan: Plan) -> str:
    """Return a row for each tier, and the 99th percentile."""
    rows = [("", "REPLICAS", "OF THEM SPARE", "CPUS", "BUSY", "CPU MS A REQUEST", "MEMORY MB")]
    for tier in plan.tiers:
        busy = f"{tier.station(plan.load.rate).busy:.0%}"
        numbers = (str(tier.replicas), str(tier.spare), str(tier.replicas * tier.cpus))
        rows.append((tier.name, *numbers, busy, f"{1000 * tier.seconds:.3g}", f"{tier.memory_mb:.0f}"))
    with_spare, without = (f"{1000 * plan.p99_seconds(spare):.3g} ms" for spare in (True, False))
    return f"{table(rows)}\n\np99 {with_spare}, without the spare ones {without}\ncosts: {plan.costs.source}"


def simulated(outcomes: Sequence[Outcome]) -> str:
    """Return a row for each outcome, with the 99th percentile of each five seconds as bars."""
    rows: list[tuple[str, ...]] = [
        ("SIMULATED", "REQUESTS", "P50 MS", "P99 MS", "REFUSED", "FAILED", "MISSED FOR S", "P99 EACH 5 S")
    ]
    for each in outcomes:
        trace = each.trace
        percentiles = (f"{1000 * trace.percentile(percent):.3g}" for percent in (50, 99))
        counts = (str(trace.refused.sum()), str(trace.failed.sum()), f"{each.missed_for:.0f}")
        course = [part.percentile(99) for part in trace.windows()]
        rows.append((each.scenario.name, str(len(trace.came)), *percentiles, *counts, _bars(course)))
    return table(rows)


def _bars(values: Sequence[float]) -> str:
    """Return a bar for each value, by its share of the greatest; a space where there is none."""
    known = [value for value in values if not math.isnan(value)]
    heights = (" " if math.isnan(value) else _BARS[math.ceil(8 * value / max(known)) - 1] for value in values)
    return "".join(heights)


def scaled(rules: Autoscaler, plan: Plan, rise: int) -> str:
    """Return what an autoscaler does at the plan's rate, and when the rate has risen to it from a part of it."""
    rate, gateways = plan.load.rate, plan.gateways
    steady = follow(rules, plan.costs, gateways.cpus, lambda second: rate, _HOUR)
    risen = follow(rules, plan.costs, gateways.cpus, lambda second: rate / (rise if second < _CALM else 1), _HOUR)
    settled = sorted(set(steady.asked[_CALM:]))
    rows = [
        ("AUTOSCALER", ""),
        ("gateways at this rate", " to ".join(map(str, dict.fromkeys((settled[0], settled[-1]))))),
        ("changes of direction in the hour after", str(steady.turns(_CALM))),
        (f"seconds of overload after a rise from 1/{rise} of it", str(max(0, risen.overloaded_until() - _CALM))),
    ]
    return table(rows)


def draw(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write a picture of all courses; raises ImportError where there is no matplotlib, OSError or ValueError."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    for each in outcomes:
        course = [1000 * part.percentile(99) for part in each.trace.windows()]
        axes.plot(
            [5 * number for number in range(len(course))], course, drawstyle="steps-post", label=each.scenario.name
        )
    axes.axhline(1000 * outcomes[0].p99_seconds, color="grey", linestyle=":", label="target")
    axes.set(xlabel="seconds", ylabel="99th percentile, ms", yscale="log")
    axes.legend()
    figure.savefig(path)
