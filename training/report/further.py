"""What else is worth telling of a run than its metric, in a line: accuracy beside F1, RMSE beside MAE."""

import math

from training.experiments.record import RunRecord
from training.report.results import evaluate

_TOLD = ("accuracy", "macro_f1", "auc", "micro_f1", "exact_match", "mae", "rmse", "r2", "coverage", "width")


def further_measures(record: RunRecord) -> dict[str, float]:
    """Return measures on the test rows besides the metric, by name; those that these rows leave undefined are not."""
    evaluation = evaluate(record)
    measures = dict(evaluation.measures)
    if record.labels and "exact_match" not in measures:
        measures.setdefault("accuracy", 1 - evaluation.wrong / len(record.test_targets))
    told = {name: measures[name] for name in _TOLD if name in measures and name != record.metric}
    return {name: float(value) for name, value in told.items() if math.isfinite(value)}
