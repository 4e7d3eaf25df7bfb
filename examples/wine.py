"""Which of three cultivars is a wine from? Thirteen chemical measures of 178 wines (scikit-learn, `load_wine`).

    plumbline train wine --tasks examples
    python -m examples.wine                   the baseline: logistic regression on the same rows

Every fourth wine is for the test.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from plumbline import MULTICLASS, Dataset, Dense, KFold, Labels, Part, Task, tabular_scaler


def wines(data_dir: Path | None = None) -> Dataset:
    """Load the wines."""
    table = load_wine()
    names = [name.replace("/", "_") for name in table.feature_names]
    rows = Part([dict(zip(names, row, strict=True)) for row in table.data.tolist()], table.target.astype(np.int64))
    tested = np.arange(len(table.target)) % 4 == 0
    return Dataset(
        "wine", rows.rows(np.flatnonzero(~tested)), rows.rows(np.flatnonzero(tested)), (*table.target_names,)
    )


def rivals(data: Dataset) -> dict[str, np.ndarray]:
    """Return the scores of a logistic regression on the test rows."""
    train, test = ([[*row.values()] for row in part.instances] for part in (data.train, data.test))
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(train, data.train.targets)
    return {"logistic regression": model.predict_proba(test)}


def baseline(data: Dataset) -> float:
    """Return its accuracy."""
    return float(MULTICLASS.measure(data.test.targets, rivals(data)["logistic regression"]))


TASK = Task(
    problem=MULTICLASS,
    output=lambda data: Labels(data.labels, top=3),
    load=wines,
    load_sample=wines,
    fit=tabular_scaler,
    protocol=KFold(4),
    recipes={"baseline": Dense(units=(32,), epochs=60, batch_size=16)},
    sample_recipes={"baseline": Dense(units=(16,), epochs=15, batch_size=8)},
    floor=0.9,
    rivals=rivals,
)

if __name__ == "__main__":
    print(f"accuracy of the baseline: {baseline(wines()):.4f}")
