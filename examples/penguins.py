"""Which species is a penguin, and how heavy is it? Measures of 342 around Palmer Station, the sex of some unknown.

    plumbline train penguins --tasks examples
    python -m examples.penguins               the baseline: linear models on the same rows

Two questions to one model: its answers have the heads `species` and `mass`. The data are in the package
`palmerpenguins`; two penguins of which only the island is known are left out. Every fifth is for the test. No measure
is missing in training, but one may be in a request: it then counts as the median.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from palmerpenguins import load_penguins
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from plumbline import (
    MULTICLASS,
    REGRESSION,
    Category,
    Dataset,
    KFold,
    Labels,
    Mixed,
    Number,
    Part,
    Question,
    Task,
    Value,
    record_fitter,
)

NUMBERS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm"]
CATEGORIES = ["island", "sex"]
SPECIES = ("Adelie", "Chinstrap", "Gentoo")


def penguins(data_dir: Path | None = None) -> Dataset:
    """Load the penguins. An unknown sex is NaN, as pandas has it."""
    table = load_penguins().dropna(subset="body_mass_g")
    species = table["species"].map(SPECIES.index).to_numpy(np.int64)
    targets = {"species": species, "mass": table["body_mass_g"].to_numpy(np.float32)}
    rows = Part(table[NUMBERS + CATEGORIES].to_dict("records"), targets)
    tested = np.arange(len(table)) % 5 == 0
    return Dataset("penguins", rows.rows(np.flatnonzero(~tested)), rows.rows(np.flatnonzero(tested)), SPECIES)


def rivals(data: Dataset) -> dict[str, dict[str, np.ndarray]]:
    """Return what a logistic and a linear regression answer to the test rows, by the head that they answer for."""
    columns = make_column_transformer(
        (StandardScaler(), NUMBERS),
        (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), CATEGORIES),
    )
    train, test = (pd.DataFrame(part.instances) for part in (data.train, data.test))
    species = make_pipeline(columns, LogisticRegression()).fit(train, data.train.targets_of("species"))
    mass = make_pipeline(columns, LinearRegression()).fit(train, data.train.targets_of("mass"))
    return {
        "logistic regression": {"species": species.predict_proba(test)},
        "linear regression": {"mass": mass.predict(test)[:, None]},
    }


def baseline(data: Dataset) -> dict[str, float]:
    """Return the accuracy of the one and the mean absolute error of the other, in g."""
    answered = {head: scores for of in rivals(data).values() for head, scores in of.items()}
    problems = {head: question.problem for head, question in TASK.heads.items()}
    return {head: problems[head].measure(data.test.targets_of(head), scores) for head, scores in answered.items()}


TASK = Task(
    heads={
        "species": Question(MULTICLASS, lambda data: Labels(data.labels, top=3)),
        "mass": Question(REGRESSION, lambda data: Value("g")),
    },
    load=penguins,
    load_sample=penguins,
    fit=record_fitter(
        {name: partial(Number.fit, missing="median") for name in NUMBERS}
        | dict.fromkeys(CATEGORIES, Category.fit)  # "missing" is one of the sexes: it is so in training
    ),
    protocol=KFold(4),
    recipes={"baseline": Mixed(units=(16,), epochs=60, batch_size=16)},
    sample_recipes={"baseline": Mixed(units=(16,), epochs=15, batch_size=16)},
    floor=0.95,
    rivals=rivals,
)

if __name__ == "__main__":
    print("baseline:", baseline(penguins()))
