"""The real data sets, as raw instances: exactly what a client would send to the gateway.

Keras downloads and caches them in `KERAS_HOME`; MNIST is also read from a local copy in `data_dir`.
"""

import base64
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from serving.contract.encoders.fitting import plain_values
from training.data.instances import Instance as Instance
from training.data.instances import Selected
from training.errors import BadRequest, DataUnavailable, TrainingError

Targets = np.ndarray | Mapping[str, np.ndarray]
"""The targets of some rows: of the only head, or by the name of each."""

HOUSE_FIELDS = ("CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT")
DISTRICT_FIELDS = ("MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude")
RACE = (
    "The column B of the Boston housing data was computed from the share of Black residents of a town: it encodes "
    "race. Suitable for learning machine learning, not for decisions about people."
)


@dataclass(frozen=True)
class Part:
    """Instances and their targets, row by row: an array, or for several heads one for each, by the head's name.

    Rows of the same number in *groups* belong together: a split for validation never parts them.
    """

    instances: Sequence[Instance]
    targets: Targets
    groups: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Take lists as arrays."""
        of_heads = (
            {head: np.asarray(it) for head, it in self.targets.items()} if isinstance(self.targets, Mapping) else None
        )
        object.__setattr__(self, "targets", np.asarray(self.targets) if of_heads is None else of_heads)

    def __len__(self) -> int:
        return len(self.instances)

    def targets_of(self, head: str) -> np.ndarray:
        """Return the targets of *head*. Raises BadRequest if there are none."""
        if isinstance(self.targets, np.ndarray):
            return self.targets
        if head not in self.targets:
            raise BadRequest(f"targets: expected some for the head '{head}', got {', '.join(self.targets) or 'none'}")
        return self.targets[head]

    def rows(self, index: np.ndarray) -> "Part":
        """Return the rows with the indices *index*; instances are only taken when they are asked for."""
        instances = Selected(self.instances, np.asarray(index))
        groups = None if self.groups is None else self.groups[index]
        if isinstance(self.targets, np.ndarray):
            return Part(instances, self.targets[index], groups)
        return Part(instances, {head: targets[index] for head, targets in self.targets.items()}, groups)


@dataclass(frozen=True)
class Dataset:
    """A training part, and a test part that is used only once. *labels* are the names of the classes, if any.

    *word_ranks* is the word index that was published with the data set (word -> rank, from 1). *notes* are what users
    of a model that was trained on it should know.
    """

    name: str
    train: Part
    test: Part
    labels: tuple[str, ...] = ()
    word_ranks: Mapping[str, int] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()

    def sha256(self) -> str:
        """Return a hash of all instances and targets, in their order."""
        return self._sha256

    @cached_property
    def _sha256(self) -> str:
        digest = hashlib.sha256()
        for part in (self.train, self.test):
            for instance in part.instances:
                digest.update(repr(sorted(instance.items())).encode())
            targets = {"": part.targets} if isinstance(part.targets, np.ndarray) else part.targets
            for head, of_head in targets.items():
                digest.update(head.encode())
                digest.update(np.ascontiguousarray(of_head).tobytes())
            if part.groups is not None:
                digest.update(np.ascontiguousarray(part.groups).tobytes())
        return digest.hexdigest()


def imdb() -> Dataset:
    """Load film reviews, 25,000 for training and 25,000 for the test; target 1 is positive. Raises DataUnavailable."""
    return _texts("imdb", keras.datasets.imdb, ("negative", "positive"))


def reuters() -> Dataset:
    """Load newswires of 46 topics, 8,982 for training and 2,246 for the test. Raises DataUnavailable."""
    return _texts("reuters", keras.datasets.reuters, tuple(keras.datasets.reuters.get_label_names()))


def boston_housing() -> Dataset:
    """Load suburbs of Boston, 404 for training and 102 for the test; the target is the median price in $1000.

    Raises DataUnavailable.
    """
    parts = download("boston_housing", keras.datasets.boston_housing.load_data)
    train, test = (Part(named(rows, HOUSE_FIELDS), np.asarray(prices, np.float32)) for rows, prices in parts)
    return Dataset("boston_housing", train, test, notes=(RACE,))


def california_housing() -> Dataset:
    """Load districts of California, 16,512 for training and 4,128 for the test; the target is the price in $1000.

    Raises DataUnavailable.
    """
    parts = download("california_housing", keras.datasets.california_housing.load_data)
    train, test = (
        Part(named(rows, DISTRICT_FIELDS), np.asarray(dollars / 1000, np.float32)) for rows, dollars in parts
    )
    return Dataset("california_housing", train, test)


def mnist(data_dir: Path | None) -> Dataset:
    """Load handwritten digits, 28x28 grey: 60,000 for training and 10,000 for the test. Raises DataUnavailable."""
    if data_dir and (path := data_dir / "mnist.npz").exists():
        arrays = np.load(path)
        parts = [(arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in ("train", "test")]
    else:
        parts = download("mnist", keras.datasets.mnist.load_data)
    train, test = (Part([{"image": png(pixels)} for pixels in x], y.astype(np.int64)) for x, y in parts)
    return Dataset("mnist", train, test, tuple("0123456789"))


def download(name: str, load: Callable[[], Any]) -> Any:
    """Call *load*, which reads Keras's cache or fills it. Raises DataUnavailable."""
    try:
        return load()
    except TrainingError:
        raise
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise DataUnavailable(f"{name} is not in KERAS_HOME, and can't be downloaded: {error}") from error


def named(rows: np.ndarray, names: Sequence[str]) -> list[Instance]:
    """Return an instance for each row of `rows: [n, len(names)]`."""
    return [dict(zip(names, row, strict=True)) for row in rows.tolist()]


def as_json(instance: Instance) -> dict[str, Any]:
    """Return the instance as a client writes it in JSON: bytes become base64, and NaN null."""
    return {
        name: base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else plain(value)
        for name, value in instance.items()
    }


def plain(value: Any) -> Any:
    """Return a value of a training row as a client would have it: NumPy's become Python's, and NaN becomes None."""
    return value if isinstance(value, str | bytes) else plain_values([value])[0]


def png(pixels: np.ndarray) -> bytes:
    """Encode `uint8[height, width]` or `uint8[height, width, 3]` as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _texts(name: str, module: Any, labels: tuple[str, ...]) -> Dataset:
    # Keras returns word ranks; the text is restored from them, so that a single tokeniser makes all features.
    parts = download(name, lambda: module.load_data(start_char=None, index_from=0))
    ranks = download(name, module.get_word_index)
    words = {rank: word for word, rank in ranks.items()}
    train, test = (
        Part([{"text": " ".join(words[rank] for rank in row)} for row in x], y.astype(np.int64)) for x, y in parts
    )
    return Dataset(name, train, test, labels, ranks)
