"""Names of measures and formats of numbers, in the page and in the figures."""

import math
from datetime import UTC, datetime

_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "log_loss": "log loss",
    "ece": "ECE",
    "mae": "MAE",
    "rmse": "RMSE",
    "mse": "MSE",
    "r2": "R²",
    "auc": "AUC",
    "micro_f1": "micro-F1",
    "pinball": "pinball loss",
    "width": "mean width",
}

MEANINGS = {
    "accuracy": "share of test rows that are answered correctly",
    "balanced_accuracy": "share of right answers of each class, averaged: rare classes count as much as frequent ones",
    "macro_f1": "F1 averaged over classes, with equal weight for rare and frequent ones",
    "log_loss": "mean cross-entropy in nats",
    "ece": "expected calibration error: mean distance between confidence and share of correct answers",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "r2": "share of the variance that is explained",
    "auc": "how often a row of the second class scores higher than one of the first",
    "micro_f1": "F1 over all tags at once",
    "exact_match": "share of test rows whose tags are all right, and none too many",
    "pinball": "mean loss of the quantiles: errors weighted by how likely they should be on each side",
    "coverage": "share of test rows whose true value lies within the interval",
    "width": "mean distance from the interval's lower to its upper end",
}


def metric_name(key: str) -> str:
    """Return the display name of a measure."""
    return _NAMES.get(key, key.replace("_", " "))


def figure_of(value: float | None) -> str:
    """Return a number with about four significant digits, without decimals from 1,000; "n/a" if it is not finite."""
    if value is None or not math.isfinite(value):
        return "n/a"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4f}" if abs(value) < 1 else f"{value:#.4g}"


def share_of(value: float) -> str:
    """Return a share of one with three decimals; "n/a" if it is not finite."""
    return f"{value:.3f}" if math.isfinite(value) else "n/a"


def percent(value: float) -> str:
    """Return a share of one as a percentage; "n/a" if it is not finite."""
    return f"{100 * value:.1f} %" if math.isfinite(value) else "n/a"


def duration(seconds: float) -> str:
    """Return a duration of *seconds* in units that fit."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def moment(at: datetime | str) -> str:
    """Return a moment to the minute, in UTC; a text that is none as it is."""
    try:
        read = datetime.fromisoformat(at) if isinstance(at, str) else at
    except ValueError:
        return str(at)
    return f"{read.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
