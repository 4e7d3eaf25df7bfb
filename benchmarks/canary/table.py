"""Simulated canaries as records of results, and these as a table."""

from collections.abc import Callable

import numpy as np

from benchmarks.canary.simulation import UNDECIDED, Outcomes, simulate
from benchmarks.canary.traffic import FAULTS
from benchmarks.results import Record, Results, of_kind
from benchmarks.tables import markdown
from serving.canary.settings import Plan, Settings

RATES = (10.0, 100.0, 1000.0)
"""Requests a second, of both versions together."""


def simulate_canaries(runs: int, seed: int, results: Results, say: Callable[[str], None]) -> None:
    """Record what became of *runs* canaries with each fault and at each rate."""
    plan, settings = Plan(), Settings()
    for fault in FAULTS:
        for rate in RATES:
            outcomes = simulate(fault, rate, runs, seed, plan, settings)
            record = {"fault": fault.name, "rate": rate, "runs": runs, **summary(outcomes, plan)}
            results.add("canary", **record)
            say(f"{fault.name}, {rate:g}/s: {record['rolled_back']} of {runs} rolled back")


def summary(outcomes: Outcomes, plan: Plan) -> Record:
    """Return counts of ends, and what it took those that were rolled back, or the others if these are more."""
    back = outcomes.is_rolled_back
    of = back if back.mean() >= 0.5 else ~back
    minutes, requests = (np.quantile(each[of], (0.5, 0.9)) for each in (outcomes.seconds / 60, outcomes.requests))
    return {
        "rolled_back": int(back.sum()),
        "by_step": [int((outcomes.steps == step).sum()) for step in range(len(plan.percents))],
        "undecided": int((outcomes.steps == UNDECIDED).sum()),
        "minutes": minutes.round(1).tolist(),
        "requests": requests.round().tolist(),
    }


def canaries(records: list[Record]) -> str:
    """Return a row for each fault and rate."""
    rows = [
        [
            "canary",
            "requests/s",
            "rolled back (95 %)",
            "at 1 / 5 / 25 / 100 %",
            "not decided in 4 h",
            "minutes until then",
            "requests of the canary",
        ]
    ]
    for record in of_kind(records, "canary"):
        share, low, high = (100 * each for each in interval(record["rolled_back"], record["runs"]))
        steps = " / ".join(f"{100 * count / record['runs']:.3g}" for count in record["by_step"])
        took = [f"{record[each][0]:,.0f} ({record[each][1]:,.0f})" for each in ("minutes", "requests")]
        undecided = f"{100 * record['undecided'] / record['runs']:.3g} %"
        rows.append(
            [
                record["fault"],
                f"{record['rate']:,.0f}",
                f"{share:.3g} % ({low:.1f}-{high:.1f})",
                steps,
                undecided,
                *took,
            ]
        )
    return markdown(rows)


def interval(count: int, of: int, z: float = 1.96) -> tuple[float, float, float]:
    """Return a share with its 95 % interval (Wilson 1927, J. Am. Stat. Assoc. 22)."""
    share = count / of
    middle, half = share + z * z / 2 / of, z * np.sqrt(share * (1 - share) / of + z * z / 4 / of**2)
    return share, max(0.0, (middle - half) / (1 + z * z / of)), min(1.0, (middle + half) / (1 + z * z / of))
