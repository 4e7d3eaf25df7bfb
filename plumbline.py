"""Plumbline's public names: all that task files and scripts need, `from plumbline import Task, Dense, ...`.

Modules below `training` and `serving` may move between releases; these names stay. Each is loaded when it is first
used, so that `import plumbline` itself loads neither TensorFlow nor anything else.
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

_NAMES = {
    "serving.contract": "Answers Contract Input InstanceLimits Record",
    "serving.contract.encoders": "Category Date Number NumberArray Picture Raw Tags Text",
    "serving.contract.heads": "Interval Labels TagSet Value Values Vector",
    "serving.registry": "RegistryError Version live_version model_names read_versions",
    "training.data.datasets": (
        "Dataset Instance Part boston_housing california_housing download imdb mnist named png reuters"
    ),
    "training.data.photos": "cats_and_dogs read_classes",
    "training.data.preprocessing": "glyph_resizer photo_resizer tabular_scaler text_vectorizer",
    "training.data.records": "record_fitter",
    "training.errors": "BadRequest DataUnavailable TrainingError",
    "training.fitting.fit": "Fit",
    "training.networks.augmentation": "Augmentation",
    "training.networks.convolutions": "ConvNet",
    "training.networks.dense": "BagOfWords Dense Network scores_of",
    "training.networks.ensembles": "DenseEnsemble",
    "training.networks.mixed": "Mixed",
    "training.networks.multi_hot": "MultiHot",
    "training.networks.ngrams": "NGramBag",
    "training.networks.recurrent": "Recurrent",
    "training.networks.sequence_convolutions": "SequenceConvNet",
    "training.networks.tfidf": "TfIdfEnsemble",
    "training.networks.transfer": "Transfer",
    "training.problem_types": (
        "BALANCED_BINARY BALANCED_MULTICLASS BINARY MULTICLASS MULTILABEL QUANTILES REGRESSION STANDARDISED_REGRESSION "
        "UNIT_REGRESSION VALUES MultiOutput Problem"
    ),
    "training.task": "Curves Fold Question Recipe Task Trained find_task task_names",
    "training.validation": "HoldOut KFold RepeatedKFold TimeOrdered",
}
HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}
"""Public name -> the module that has it now."""

__all__ = sorted(HOMES)


def __getattr__(name: str) -> Any:
    """Load the public *name*; raises ImportError if that needs an extra, or if another package hides ours."""
    if name not in HOMES:
        raise AttributeError(f"module 'plumbline' has no attribute '{name}'")
    home = HOMES[name]
    top = home.partition(".")[0]
    check_own(top)
    try:
        value = getattr(importlib.import_module(home), name)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"plumbline.{name} needs {error.name}, which is not installed here: pip install 'plumbline[train]'"
        ) from error
    globals()[name] = value  # so that this function is not called for it again
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def check_own(package: str, path: Sequence[str] | None = None) -> None:
    """Raise ImportError if Python would import another *package* than ours, from *path* (by default, its own)."""
    spec = importlib.util.find_spec(package) if path is None else PathFinder.find_spec(package, path)
    if spec is None or spec.origin is None or not _own(package).exists():  # not installed: that is another matter
        return
    if Path(spec.origin).resolve() != _own(package) / "__init__.py":
        raise ImportError(clash(package, path))


def clash(package: str, path: Sequence[str] | None = None) -> str:
    """Return what to do about a file or folder on Python's path with the name of our *package*; "" if there is none."""
    for entry in sys.path if path is None else path:
        for found in (Path(entry, package).resolve(), Path(entry, f"{package}.py").resolve()):
            if found.exists() and found != _own(package):
                return (
                    f"{found} has the name of Plumbline's own package '{package}', and Python can import only one of "
                    f"the two: rename yours"
                )
    return ""


def _own(package: str) -> Path:
    return Path(__file__).resolve().parent / package
