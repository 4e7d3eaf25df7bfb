"""How measures are named and numbers are written, in the page and in the figures."""

import math

_NAMES = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "log_loss": "log loss",
    "ece": "ECE",
    "mae": "MAE",
    "rmse": "RMSE",
    "mse": "MSE",
    "r2": "R²",
}

MEANINGS = {
    "accuracy": "share of test rows that are answered rightly",
    "macro_f1": "F1 averaged over classes, rare ones counting as much as frequent ones",
    "log_loss": "mean cross-entropy in nats",
    "ece": "expected calibration error: how far confidence is from the share that is right",
    "mae": "mean absolute error",
    "rmse": "root of the mean squared error",
    "r2": "share of the variance that is explained",
}


def metric_name(key: str) -> str:
    """Give the name of a measure as people write it."""
    return _NAMES.get(key, key.replace("_", " "))


def figure_of(value: float | None) -> str:
    """Write a number with four digits that mean something; thousands have no decimals."""
    if value is None or not math.isfinite(value):
        return "n/a"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4f}" if abs(value) < 1 else f"{value:#.4g}"


def share_of(value: float) -> str:
    """Write a share of one."""
    return f"{value:.3f}" if math.isfinite(value) else "n/a"


def duration(seconds: float) -> str:
    """Write a time in the unit that fits."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
