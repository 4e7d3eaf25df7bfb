"""Is a tumour malignant? Thirty measures of the cells of 569 of them (scikit-learn, `load_breast_cancer`).

    plumbline train breast_cancer --tasks examples
    python -m examples.breast_cancer          the baseline: logistic regression on the same rows

Every fourth tumour is for the test.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from plumbline import BINARY, Dataset, Dense, KFold, Labels, Part, Task, tabular_scaler


def tumours(data_dir: Path | None = None) -> Dataset:
    """Load the tumours; target 1 is benign."""
    table = load_breast_cancer()
    names = [name.replace(" ", "_") for name in table.feature_names.tolist()]
    rows = Part([dict(zip(names, row, strict=True)) for row in table.data.tolist()], table.target.astype(np.int64))
    tested = np.arange(len(table.target)) % 4 == 0
    labels = (*table.target_names.tolist(),)
    return Dataset("breast cancer", rows.rows(np.flatnonzero(~tested)), rows.rows(np.flatnonzero(tested)), labels)


def rivals(data: Dataset) -> dict[str, np.ndarray]:
    """Return the scores of a logistic regression on the test rows."""
    train, test = ([[*row.values()] for row in part.instances] for part in (data.train, data.test))
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(train, data.train.targets)
    return {"logistic regression": model.predict_proba(test)[:, 1:]}


def baseline(data: Dataset) -> float:
    """Return its accuracy."""
    return float(BINARY.measure(data.test.targets, rivals(data)["logistic regression"]))


TASK = Task(
    problem=BINARY,
    output=lambda data: Labels(data.labels, top=2),
    load=tumours,
    load_sample=tumours,
    fit=tabular_scaler,
    protocol=KFold(4),
    recipes={"baseline": Dense(units=(32,), epochs=40, batch_size=16, l2=0.001)},
    sample_recipes={"baseline": Dense(units=(16,), epochs=6, batch_size=16)},
    floor=0.93,
    rivals=rivals,
)

if __name__ == "__main__":
    print(f"accuracy of the baseline: {baseline(tumours()):.4f}")
