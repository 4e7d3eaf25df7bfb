"""How many sunspots will next year have, at least and at most? Yearly means, 1700 to 2008.

    plumbline train sunspots --tasks examples
    python -m examples.sunspots               the baseline: linear quantile regression on the same windows

The data come with statsmodels. An instance is the 22 years before; the answer is an interval that should hold nine of
ten years. The last 60 years are for the test.
"""

from pathlib import Path

import numpy as np
from sklearn.linear_model import QuantileRegressor
from statsmodels.datasets import sunspots

from plumbline import (
    QUANTILES,
    Dataset,
    Interval,
    NumberArray,
    Part,
    Recurrent,
    SequenceConvNet,
    Task,
    TimeOrdered,
    record_fitter,
)

YEARS = 22  # two cycles of the sun


def years(data_dir: Path | None = None) -> Dataset:
    """Load a window for each year that has as many years before it."""
    series = sunspots.load_pandas().data["SUNACTIVITY"].to_numpy(np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(series[:-1], YEARS)
    rows = Part([{"years": window} for window in windows.tolist()], series[YEARS:].astype(np.float32))
    order = np.arange(len(windows))
    return Dataset("sunspots", rows.rows(order[:-60]), rows.rows(order[-60:]))


def rivals(data: Dataset) -> dict[str, np.ndarray]:
    """Return what linear regressions of the same quantiles answer to the test rows."""
    train, test = ([row["years"] for row in part.instances] for part in (data.train, data.test))
    models = [QuantileRegressor(quantile=level, alpha=0).fit(train, data.train.targets) for level in QUANTILES.levels]
    return {"linear quantile regression": np.stack([model.predict(test) for model in models], axis=1)}


def baseline(data: Dataset) -> float:
    """Return their pinball loss."""
    return float(QUANTILES.measure(data.test.targets, rivals(data)["linear quantile regression"]))


SHARED = {"units": (), "batch_size": 16, "rate": 0.005}

TASK = Task(
    problem=QUANTILES,
    output=lambda data: Interval("sunspots", coverage=0.9),
    load=years,
    load_sample=years,
    fit=record_fitter({"years": NumberArray.fit}),
    protocol=TimeOrdered(0.1),
    recipes={
        "convolutions": SequenceConvNet(convolutions=(16, 16), kernel=3, epochs=30, **SHARED),
        "recurrent": Recurrent(state=24, epochs=80, **SHARED),
    },
    rivals=rivals,
    sample_recipes={
        "convolutions": SequenceConvNet(convolutions=(8,), kernel=3, epochs=8, **SHARED),
        "recurrent": Recurrent(state=8, epochs=8, **SHARED),
    },
)

if __name__ == "__main__":
    print(f"pinball loss of the baseline: {baseline(years()):.3f} sunspots")
