"""The same 50 fields by pandas and scikit-learn: a ColumnTransformer, and beside it what a model takes on its own.

It runs in an environment of its own. Its arguments are the numbers of rows and rounds; it prints what it measured.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    MultiLabelBinarizer,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    StandardScaler,
)

from benchmarks.fifty_fields import (
    DATE_PARTS,
    KINDS,
    PACKED,
    TIME_PARTS,
    ZONE,
    Row,
    encoded,
    fitted_record,
    later_rows,
    training_rows,
)
from benchmarks.tables import RECORD_WAYS

FIELDS = {kind.name: kind.fields for kind in KINDS}
_WORD = r"\w+"  # words of one letter too
_ONE_HOT: dict[str, Any] = {"sparse_output": False, "dtype": np.float32}


class TagSets(TransformerMixin, BaseEstimator):
    """A MultiLabelBinarizer that a ColumnTransformer takes."""

    def fit(self, column: Any, y: Any = None) -> "TagSets":
        """Learn the tags."""
        self.binarizer_ = MultiLabelBinarizer().fit(column)
        return self

    def transform(self, column: Any) -> Any:
        """Make the block."""
        return self.binarizer_.transform(column)


class DateParts(TransformerMixin, BaseEstimator):
    """Days, scaled, and sine and cosine of the *parts* of the year, week and day, in a time zone."""

    def __init__(self, parts: Sequence[str], zone: str | None) -> None:
        self.parts = parts
        self.zone = zone

    def fit(self, column: Any, y: Any = None) -> "DateParts":
        """Learn the scale of days."""
        self.scaler_ = StandardScaler().fit(self._days(self._times(column)))
        return self

    def transform(self, column: Any) -> Any:
        """Make the block."""
        times = self._times(column)
        shares = {
            "day_of_year": lambda: (times.day_of_year - 1) / (365 + times.is_leap_year),
            "weekday": lambda: times.day_of_week / 7,
            "time_of_day": lambda: (times - times.normalize()) / pd.Timedelta(days=1),
        }
        angles = np.array([2 * np.pi * shares[part]().to_numpy() for part in self.parts if part in shares])
        circles = np.stack((np.sin(angles), np.cos(angles)), axis=1).reshape(-1, len(times)).T
        return np.hstack((self.scaler_.transform(self._days(times)), circles))

    def _times(self, column: Any) -> Any:
        times = pd.DatetimeIndex(pd.to_datetime(column, format="ISO8601"))
        return times.tz_convert(self.zone).tz_localize(None) if self.zone else times

    def _days(self, times: Any) -> Any:
        return ((times - pd.Timestamp(0)) / pd.Timedelta(days=1)).to_numpy()[:, None]


class Columns:
    """All of it, fitted to *rows*; *known* has the categories of the field that becomes an id."""

    def __init__(self, rows: Sequence[Row], known: Sequence[str]) -> None:
        frame = pd.DataFrame(rows)
        self.packed = _column_transformer().fit(frame)
        ordinal = {"handle_unknown": "use_encoded_value", "unknown_value": -1, "dtype": np.int32}
        self.ids = OrdinalEncoder(categories=[list(known)], **ordinal).fit(frame[FIELDS["id"]])
        self.texts = {name: CountVectorizer(token_pattern=_WORD).fit(frame[name]) for name in FIELDS["text"]}
        self.series = {name: StandardScaler().fit(_stacked(frame[name]).reshape(-1, 1)) for name in FIELDS["series"]}

    def transform(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return the model's inputs."""
        frame = pd.DataFrame(rows)
        inputs = {PACKED: self.packed.transform(frame).astype(np.float32)}
        inputs["id_0"] = self.ids.transform(frame[FIELDS["id"]])
        for name, vectorizer in self.texts.items():
            inputs[name] = vectorizer.transform(frame[name])
        for name, scaler in self.series.items():
            stacked = _stacked(frame[name])
            inputs[name] = scaler.transform(stacked.reshape(-1, 1)).reshape(stacked.shape).astype(np.float32)
        return inputs | {name: _stacked(frame[name]).astype(np.float32) for name in FIELDS["raw"]}


def _column_transformer() -> Any:
    log = FunctionTransformer(lambda x: np.copysign(np.log1p(np.abs(x)), x))
    singles = [(name, TagSets(), name) for name in FIELDS["tags"]]
    singles += [(name, DateParts(DATE_PARTS, None), name) for name in FIELDS["date"]]
    singles += [(name, DateParts(TIME_PARTS, ZONE), name) for name in FIELDS["time"]]
    one_hot = OneHotEncoder(**_ONE_HOT)
    rare = OneHotEncoder(**_ONE_HOT, min_frequency=20, handle_unknown="infrequent_if_exist")
    return ColumnTransformer(
        [
            ("standard", StandardScaler(), FIELDS["standard"]),
            ("minmax", MinMaxScaler(), FIELDS["minmax"]),
            ("log", make_pipeline(log, StandardScaler()), FIELDS["log"]),
            ("quantile", QuantileTransformer(n_quantiles=100, subsample=None), FIELDS["quantile"]),
            ("flagged", make_pipeline(StandardScaler(), SimpleImputer(add_indicator=True)), FIELDS["flagged"]),
            ("filled", make_pipeline(StandardScaler(), SimpleImputer(strategy="median")), FIELDS["filled"]),
            ("onehot", one_hot, FIELDS["onehot"] + FIELDS["optional"] + FIELDS["whole"] + FIELDS["truth"]),
            ("rare", rare, FIELDS["rare"]),
            *singles,
        ]
    )


def _stacked(column: Any) -> Any:
    return np.array(column.to_list(), np.float64)


def check_equal(columns: Columns, record: Any, rows: Sequence[Row]) -> None:
    """Raise ValueError unless both ways give the same numbers, in whatever order of the columns."""
    theirs, ours = columns.transform(rows), encoded(record, rows)
    for name in (PACKED, *FIELDS["series"], *FIELDS["raw"]):
        if not np.allclose(_ordered(theirs[name]), _ordered(ours[name]), rtol=1e-5, atol=1e-6):
            raise ValueError(f"{name}: the two ways differ")
    if not np.array_equal(theirs["id_0"], ours["id_0"] - 1):
        raise ValueError("id_0: the two ways differ")
    for name, vectorizer in columns.texts.items():
        words = record.fields[name].tokenizer.words
        places = np.array([vectorizer.vocabulary_[word] for word in words])
        counts = np.array([np.bincount(row, minlength=len(words) + 2)[2:] for row in ours[name]])
        if not np.array_equal(theirs[name].toarray()[:, places], counts):
            raise ValueError(f"{name}: the two ways differ")


def _ordered(block: Any) -> Any:
    """Return the columns sorted by what is in them."""
    flat = block.reshape(len(block), -1)
    return flat[:, np.lexsort(flat.round(4)[::-1])]


def _timed(work: Callable[[Sequence[Row]], Any], document: str) -> float:
    rows = json.loads(document)  # each time: a text that was looked up before is looked up faster
    started = time.process_time()
    work(rows)
    return time.process_time() - started


def main() -> None:
    """Print the seconds of the processor that both ways took in each round, as JSON."""
    count, rounds = map(int, sys.argv[1:])
    rows, document = training_rows(), later_rows(count)
    record = fitted_record(rows)
    columns = Columns(rows, record.fields["id_0"].vocabulary.values)
    check_equal(columns, record, json.loads(document))
    ours = partial(encoded, record)
    ways: dict[str, Callable[[Sequence[Row]], Any]] = dict(zip(RECORD_WAYS, (ours, columns.transform), strict=True))
    seconds = [{way: _timed(work, document) for way, work in ways.items()} for _ in range(rounds + 1)]
    json.dump(seconds[1:], sys.stdout)  # the first is the warm-up


if __name__ == "__main__":
    main()
