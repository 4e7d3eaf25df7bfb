"""How much carbon dioxide will be in the air next week? Mauna Loa, weekly from 1958 to 2001 (statsmodels, `co2`).

    plumbline train co2 --tasks examples
    python -m examples.co2                    the baseline: linear regression on the same windows

An instance is the 26 weeks before; in 59 weeks of the series nothing was measured, and these are gaps in the windows.
The last fifth is for the test, and has more carbon dioxide than all years before: so a network sees each window
relative to its last measure.
"""

from pathlib import Path

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from statsmodels.datasets import co2

from plumbline import (
    STANDARDISED_REGRESSION,
    Dataset,
    NumberArray,
    Part,
    Recurrent,
    SequenceConvNet,
    Task,
    TimeOrdered,
    Value,
    record_fitter,
)

WEEKS = 26


def weeks(data_dir: Path | None = None) -> Dataset:
    """Load a window for each week that was measured; NaN stands in it for a week that was not."""
    series = co2.load_pandas().data["co2"].to_numpy(np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(series[:-1], WEEKS)
    measured = np.flatnonzero(~np.isnan(series[WEEKS:]) & ~np.isnan(windows).all(axis=1))
    rows = Part([{"ppm": windows[week].tolist()} for week in measured], series[WEEKS:][measured].astype(np.float32))
    order, first = np.arange(len(measured)), len(measured) * 4 // 5
    return Dataset("co2", rows.rows(order[:first]), rows.rows(order[first:]))


def sample() -> Dataset:
    """Take the first weeks only."""
    data = weeks()
    return Dataset("co2", data.train.rows(np.arange(300)), data.test.rows(np.arange(60)))


def rivals(data: Dataset) -> dict[str, np.ndarray]:
    """Return what a linear regression answers to the test rows."""
    train, test = ([row["ppm"] for row in part.instances] for part in (data.train, data.test))
    model = make_pipeline(SimpleImputer(), LinearRegression()).fit(train, data.train.targets)
    return {"linear regression": model.predict(test)[:, None]}


def baseline(data: Dataset) -> float:
    """Return its mean absolute error."""
    return float(STANDARDISED_REGRESSION.measure(data.test.targets, rivals(data)["linear regression"]))


SHARED = {"units": (), "batch_size": 32, "relative": True, "skip_zeros": True, "rate": 0.003}

TASK = Task(
    problem=STANDARDISED_REGRESSION,
    output=lambda data: Value("ppm"),
    load=weeks,
    load_sample=sample,
    fit=record_fitter({"ppm": NumberArray.fit}),
    protocol=TimeOrdered(0.15),
    recipes={
        "recurrent": Recurrent(state=16, epochs=40, **SHARED),
        "convolutions": SequenceConvNet(convolutions=(16, 16), kernel=5, epochs=40, **SHARED),
    },
    sample_recipes={
        "recurrent": Recurrent(state=8, epochs=2, **SHARED),
        "convolutions": SequenceConvNet(convolutions=(8,), kernel=5, epochs=3, **SHARED),
    },
    tolerance=0.01,  # ppm, of some 350
    rivals=rivals,
)

if __name__ == "__main__":
    print(f"mean absolute error of the baseline: {baseline(weeks()):.3f} ppm")
