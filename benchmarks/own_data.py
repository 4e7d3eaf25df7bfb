"""Data sets that need no download, as the files that a user would bring: those of the examples, and others."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

Rows = Iterable[Mapping[str, Any]]


def _loaded(name: str) -> Rows:
    """Return the rows of one of scikit-learn's data sets, those of the target last."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    names = [str(each).replace("/", "_") for each in bunch.feature_names]
    labels = bunch.target_names[bunch.target] if hasattr(bunch, "target_names") else bunch.target
    for row, target in zip(bunch.data.tolist(), labels.tolist(), strict=True):
        yield {**dict(zip(names, row, strict=True)), "target": f"class {target}" if name == "digits" else target}


def _boston() -> Rows:
    (x, y), (x_test, y_test) = keras.datasets.boston_housing.load_data()
    for row, target in zip(np.vstack([x, x_test]).tolist(), np.append(y, y_test).tolist(), strict=True):
        yield {**{f"x{number}": value for number, value in enumerate(row)}, "target": target}


def _penguins() -> Rows:
    from palmerpenguins import load_penguins

    rows = load_penguins().drop(columns="year")
    return [dict(row) for row in rows.astype(object).where(rows.notna(), None).to_dict("records")]


def _of_statsmodels(name: str, target: str, most: int = 8_000) -> Callable[[], Rows]:
    def rows() -> Rows:
        from statsmodels import datasets

        table = getattr(datasets, name).load_pandas().data
        table = table.sample(min(most, len(table)), random_state=1)
        ordered = table[[*(column for column in table if column != target), target]]
        return [dict(row) for row in ordered.astype(object).where(ordered.notna(), None).to_dict("records")]

    return rows


def _affairs() -> Rows:
    return [
        {**row, "affairs": "some" if row["affairs"] > 0 else "none"} for row in _of_statsmodels("fair", "affairs")()
    ]


def _windows(module: str, field: str) -> Callable[[], Rows]:
    def rows() -> Rows:
        data = _example(module)
        for part in (data.train, data.test):
            for row, target in zip(part.instances, part.targets.tolist(), strict=True):
                window = [None if value != value else value for value in row[field]]
                yield {field: window, "target": target}

    return rows


def _texts(module: str) -> Callable[[], Rows]:
    def rows() -> Rows:
        data = _example(module)
        for part in (data.train, data.test):
            for row, target in zip(part.instances, part.targets.tolist(), strict=True):
                yield {"text": row["text"], "target": data.labels[target]}

    return rows


def _wires() -> Rows:
    data = _example("newswire_areas")
    rows = [*zip(data.train.instances, data.train.targets, strict=True)][:4_000]
    for row, tags in rows:
        yield {"text": row["text"], "areas": [label for label, on in zip(data.labels, tags, strict=True) if on]}


def _reviews() -> Rows:
    from training.data.datasets import imdb

    data = imdb()
    for row, target in [*zip(data.train.instances, data.train.targets_of("").tolist(), strict=True)][:4_000]:
        yield {"text": row["text"], "target": data.labels[target]}


def _example(name: str) -> Any:
    from training.task import find_task

    return find_task(name, "examples").load(None)


DATA: dict[str, tuple[str, str, Callable[[], Rows]]] = {
    "penguins": ("csv", "species", _penguins),
    "penguins_mass": ("csv", "body_mass_g", _penguins),
    "wine": ("csv", "target", lambda: _loaded("wine")),
    "breast_cancer": ("csv", "target", lambda: _loaded("breast_cancer")),
    "iris": ("csv", "target", lambda: _loaded("iris")),
    "digits": ("csv", "target", lambda: _loaded("digits")),
    "diabetes": ("csv", "target", lambda: _loaded("diabetes")),
    "boston_housing": ("csv", "target", _boston),
    "affairs": ("csv", "affairs", _affairs),
    "doctor_visits": ("csv", "mdvis", _of_statsmodels("randhie", "mdvis")),
    "votes_1996": ("csv", "vote", _of_statsmodels("anes96", "vote")),
    "schools": ("csv", "NABOVE", _of_statsmodels("star98", "NABOVE")),
    "sunspots": ("jsonl", "target", _windows("sunspots", "years")),
    "co2": ("jsonl", "target", _windows("co2", "ppm")),
    "german_complaints": ("jsonl", "target", _texts("german_complaints")),
    "chinese_meals": ("jsonl", "target", _texts("chinese_meals")),
    "newswire_areas": ("jsonl", "areas", _wires),
    "reviews": ("jsonl", "target", _reviews),
}
"""Kind of file, target, and rows by name. Of some that are large, a part."""


def write_data(name: str, folder: Path) -> tuple[Path, str]:
    """Write the file of a data set to *folder*. Return its path and the name of its target."""
    kind, target, rows_of = DATA[name]
    path, rows = folder / f"{name}.{kind}", [*rows_of()]
    with path.open("w", encoding="utf-8", newline="") as file:
        if kind == "jsonl":
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        else:
            _write_csv(file, rows)
    return path, target


def _write_csv(file: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    writer = csv.DictWriter(file, [*rows[0]])
    writer.writeheader()
    writer.writerows(rows)
