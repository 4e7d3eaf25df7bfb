"""What a version's contract says of the measures that truth has too: those of its test rows."""

import math
from collections.abc import Mapping
from typing import Any

from serving.contract import Contract
from serving.truth.comparing import ACCURACY, EXACT_MATCH, INTERVAL_COVERAGE, MAE, MICRO_F1

_IN_CONTRACTS = {
    ACCURACY: ACCURACY,
    EXACT_MATCH: EXACT_MATCH,
    MICRO_F1: MICRO_F1,
    MAE: MAE,
    INTERVAL_COVERAGE: "coverage",
}
"""The names that evaluations have for them."""


def of_test_rows(contract: Contract) -> dict[tuple[str, str], float]:
    """Return the measures on the test rows by head ("" for the only one) and name, as far as they are known."""
    heads = [""] if contract.answers.only else [*contract.answers.heads]
    evaluations = [contract.evaluation, *contract.evaluation.get("heads", {}).values()]
    return {
        (head, name): float(test[known])
        for head, evaluation in zip(heads, evaluations, strict=False)
        for test in [_test(evaluation)]
        for name, known in _IN_CONTRACTS.items()
        if isinstance(test.get(known), int | float) and math.isfinite(test[known])
    }


def _test(evaluation: Mapping[str, Any]) -> Mapping[str, Any]:
    test = evaluation.get("test")
    return test if isinstance(test, Mapping) else {}
