"""Small records of runs, one for each kind of problem."""

import dataclasses
import io
from typing import Any

import numpy as np
from PIL import Image

from serving.contract.heads import Interval, Labels, TagSet, Value, Values
from training.experiments.record import FoldRecord, RunRecord
from training.problem_types import BINARY, MULTICLASS, MULTILABEL, QUANTILES, REGRESSION, VALUES

CURVES = {
    "loss": [0.9, 0.5, 0.3, 0.2],
    "accuracy": [0.5, 0.7, 0.8, 0.9],
    "val_loss": [0.8, 0.6, 0.7, 0.9],
    "val_accuracy": [0.6, 0.7, 0.65, 0.6],
}
FINAL = {"loss": [0.8, 0.4], "accuracy": [0.6, 0.8]}


def binary(**changes: Any) -> RunRecord:
    record = RunRecord(
        model="sentiment",
        problem=BINARY,
        recipe="best",
        settings={"units": (16, 16), "augmentation": {"flip": True}},
        data="imdb",
        data_sha256="0123abcd",
        seed=1,
        protocol={"name": "kfold", "folds": 2},
        folds=[fold(0.7), fold(0.9)],
        final={"training": FINAL},
        train_rows=40,
        test_instances=[{"text": f"review {row} " + "good film " * 20} for row in range(4)],
        test_targets=np.array([0, 1, 1, 0]),
        test_scores=np.array([[0.1], [0.8], [0.4], [0.9]], np.float32),
        head=Labels(("negative", "positive"), top=2),
        baselines={"most frequent class": 0.5},
        seconds={"folds": 75.0, "test": 7400.0},
        versions={"keras": "3.15.1"},
        notes=["English only"],
    )
    return dataclasses.replace(record, **changes)


def multiclass(classes: int = 3, **changes: Any) -> RunRecord:
    targets = np.arange(2 * classes) % classes
    scores = np.full((len(targets), classes), 0.1 / (classes - 1))
    scores[np.arange(len(targets)), np.append(targets[:-1], 0)] = 0.9
    return binary(
        model="digits",
        problem=MULTICLASS,
        head=Labels(tuple(f"class {index}" for index in range(classes)), top=min(5, classes)),
        test_instances=[{"image": image_file()}] * len(targets),
        test_targets=targets,
        test_scores=scores,
        **changes,
    )


def multilabel() -> RunRecord:
    return binary(
        folds=[fold(0.7, _curves("macro_f1"))],
        problem=dataclasses.replace(MULTILABEL, thresholds=(0.5, 0.5, 0.5)),
        head=TagSet(("a", "b", "c"), (0.5, 0.5, 0.5)),
        test_targets=np.array([[1, 0, 0], [0, 0, 0], [1, 1, 0], [0, 1, 0]]),
        test_scores=np.array([[0.9, 0.1, 0.2], [0.2, 0.1, 0.6], [0.7, 0.8, 0.1], [0.1, 0.3, 0.2]]),
    )


def regression(**changes: Any) -> RunRecord:
    metric = changes.get("problem", REGRESSION).metric
    changes = {
        "folds": [FoldRecord(stages={"training": _curves(metric)}, metric=2.5, train_rows=30, validation_rows=10)],
        "final": {"training": {"loss": [400.0, 4.0], "mae": [20.0, 2.0]}},
        "problem": REGRESSION,
        "head": Value("$1000"),
        "test_targets": np.array([10, 20, 30, 40], np.float32),
        "test_scores": np.array([[12], [20], [29], [37]], np.float32),
        **changes,
    }
    return binary(
        model="house_price",
        test_instances=[{"RM": 6.5, "AGE": None, "TOWN": "Lynn"}] * 4,
        baselines={"mean": 10.0},
        **changes,
    )


def quantiles(**changes: Any) -> RunRecord:
    scores = [[9, 12, 14], [18, 20, 22], [30, 29, 26], [35, 37, 41]]
    return regression(
        problem=QUANTILES, head=Interval("$1000", 0.9), test_scores=np.array(scores, np.float32), **changes
    )


def values(**changes: Any) -> RunRecord:
    targets = np.array([[1, 100], [2, 200], [3, 300], [4, 450]], np.float32)
    return regression(
        problem=VALUES,
        head=Values(("w", "h"), ("mm", "")),
        test_targets=targets,
        test_scores=targets + np.array([1, 25], np.float32),
        **changes,
    )


def several() -> RunRecord:
    """Record of a model with a head of each kind; labels are the main one."""
    others = {"mass": regression(), "range": quantiles(), "sizes": values(), "tags": multilabel()}
    return binary(
        head_name="kind",
        folds=[fold(0.7, _curves("kind_accuracy"))],
        others={
            name: dataclasses.replace(other, head_name=name, folds=(), final={}, model="sentiment")
            for name, other in others.items()
        },
    )


def fold(metric: float, curves: Any = CURVES) -> FoldRecord:
    return FoldRecord(stages={"training": curves}, metric=metric, train_rows=30, validation_rows=10)


def image_file(side: int = 28, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (side, side), 128).save(buffer, kind)
    return buffer.getvalue()


def _curves(metric: str) -> dict[str, list[float]]:
    return {key.replace("accuracy", metric): values for key, values in CURVES.items()}
