"""A linear text classifier over hashed n-grams of word ids.

An n-gram's weight is its naive-Bayes log-count ratio times a learned factor (Wang & Manning 2012, "Baselines and
Bigrams"). The served model stores the product: one row of weights for each n-gram.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from training.errors import BadRequest
from training.fitting.fit import Fit
from training.networks.lite import RowByRow, is_traced_for_lite, unpadded, weighed_rows
from training.networks.schedules import cosine
from training.problem_types import Problem
from training.task import Curves, Fold, Trained

PRIME, MULTIPLIER, SPREAD = 2**31 - 1, 1_000_003_009, 48_271
"""Constants of the hash: products stay below 2**62, so int64 never overflows."""


@dataclass(frozen=True, kw_only=True)
class NGramBag:
    """N-grams of 1 to *orders* words; for each n from 2, they share *buckets* rows of weights.

    N-grams that occur in fewer than *least* texts are ignored. The learning rate rises to *rate*, and falls to 0 along
    a cosine. Raises BadRequest if a setting is out of range.
    """

    num_words: int = 88_588
    length: int = 1024
    orders: int = 3
    buckets: int = 2**22
    least: int = 3
    rate: float = 0.3
    epochs: int = 3
    batch_size: int = 256

    def __post_init__(self) -> None:
        if not (self.orders >= 1 and self.buckets >= 1 and self.epochs >= 1 and self.batch_size >= 1):
            raise BadRequest("orders, buckets, epochs and batch_size must be at least 1")
        if not self.rate > 0:
            raise BadRequest("rate must be more than 0")

    def train(self, problem: Problem, width: int, fold: Fold) -> Trained:
        """Train on `ids: int32[batch, length]`."""
        ngrams = NGrams(self.num_words, self.orders, self.buckets)
        learning = Ratios(log_count_ratios(ngrams, fold, width, self.least))
        rate = cosine(self.rate, self.epochs, fold.rows, self.batch_size)
        fit = Fit(self.epochs, self.batch_size, optimizer=keras.optimizers.Adam(rate))
        curves = fit.run(problem, self._model(problem, ngrams, learning), fold)
        served = Bag(ngrams.size, width)
        model = self._model(problem, ngrams, served)
        served.table.assign(learning.all_rows())
        served.bias.assign(learning.bias)
        return Trained(model, {"training": curves})

    def settled(self, folds: Sequence[Mapping[str, Curves]]) -> Self:
        """Return the recipe unchanged: its number of epochs is fixed."""
        return self

    def _model(self, problem: Problem, ngrams: "NGrams", bag: "Bag") -> keras.Model:
        ids = keras.Input((self.length,), dtype="int32", name="ids")
        scores = keras.layers.Activation(problem.activation, dtype="float32", name="scores")
        return keras.Model({"ids": ids}, scores(bag(ngrams(ids))))


@keras.saving.register_keras_serializable("plumbline")
class NGrams(RowByRow, keras.layers.Layer):  # type: ignore[misc]
    """Maps word ids `int32[batch, length]` to the numbers of the n-grams that occur, `int32[batch, n-grams]`.

    Each number occurs once; 0 is padding. A word's number is its id. Longer n-grams are hashed, for each n into its own
    range of *buckets* numbers.
    """

    def __init__(self, num_words: int, orders: int, buckets: int, **options: Any) -> None:
        super().__init__(**options)
        self.num_words, self.orders, self.buckets = num_words, orders, buckets
        self.size = num_words + (orders - 1) * buckets

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        """Return the numbers, in as many columns as the longest text needs."""
        last = hashed = tf.cast(unpadded(ids, least=self.orders), tf.int64)
        numbers = [last]
        for order in range(self.orders - 1):
            last = last[:, 1:]
            hashed = (hashed[:, :-1] * MULTIPLIER + last) % PRIME
            number = self.num_words + order * self.buckets + hashed * SPREAD % PRIME % self.buckets
            numbers.append(tf.where(last > 0, number, 0))
        ordered = tf.sort(tf.cast(tf.concat(numbers, axis=1), tf.int32), axis=1)
        again = tf.pad(ordered[:, 1:] == ordered[:, :-1], [[0, 0], [1, 0]])
        return tf.where(again, 0, ordered)

    def compute_output_spec(self, ids: Any) -> keras.KerasTensor:
        """Return shape and type of the output."""
        return keras.KerasTensor((ids.shape[0], None), "int32")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        settings = {"num_words": self.num_words, "orders": self.orders, "buckets": self.buckets}
        return {**super().get_config(), **settings}


@keras.saving.register_keras_serializable("plumbline")
class Bag(RowByRow, keras.layers.Layer):  # type: ignore[misc]
    """Maps n-gram numbers to the sum of their weights, divided by the square root of their count, plus a bias."""

    def __init__(self, size: int, width: int, **options: Any) -> None:
        super().__init__(**{"dtype": "float32", **options})  # thousands of weights are summed
        self.size, self.width = size, width

    def build(self, shape: Any) -> None:
        """Create the table of weights, and the bias."""
        self.table = self.add_weight(shape=(self.size, self.width), initializer="zeros", name="table")
        self.bias = self.add_weight(shape=(self.width,), initializer="zeros", name="bias")

    def call(self, numbers: tf.Tensor) -> tf.Tensor:
        """Return the sums: `float32[batch, width]`."""
        if is_traced_for_lite():
            return self._in_lite(numbers)
        places = tf.where(numbers > 0)  # most of a batch is padding
        rows = self.rows(tf.gather_nd(numbers, places))
        texts, of = tf.shape(numbers)[0], places[:, 0]
        counts = tf.math.unsorted_segment_sum(tf.ones_like(rows[:, :1]), of, texts)
        totals = tf.math.unsorted_segment_sum(rows, of, texts)
        return totals * tf.math.rsqrt(tf.maximum(counts, 1.0)) + self.bias

    def _in_lite(self, numbers: tf.Tensor) -> tf.Tensor:
        """Return the same sums, padding included by the weight 0."""
        there = tf.cast(numbers > 0, tf.float32)
        counts = tf.reduce_sum(there, axis=1, keepdims=True)
        return weighed_rows(there, self.table, numbers) * tf.math.rsqrt(tf.maximum(counts, 1.0)) + self.bias

    def rows(self, numbers: tf.Tensor) -> tf.Tensor:
        """Return the weights of the n-grams *numbers*."""
        return tf.gather(self.table, numbers)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "size": self.size, "width": self.width}


class Ratios(Bag):
    """Learns a factor for each log-count ratio."""

    def __init__(self, ratios: np.ndarray) -> None:
        super().__init__(*ratios.shape)
        self.ratios = tf.constant(ratios)

    def rows(self, numbers: tf.Tensor) -> tf.Tensor:
        """Return factor times ratio of the n-grams *numbers*."""
        return tf.gather(self.table, numbers) * tf.gather(self.ratios, numbers)

    def all_rows(self) -> tf.Tensor:
        """Return factor times ratio of all n-grams."""
        return self.table * self.ratios


def log_count_ratios(ngrams: NGrams, fold: Fold, width: int, least: int) -> np.ndarray:
    """Return the log-ratio of each n-gram's frequency in a class to that in all others: `float32[ngrams, width]`."""
    counts = np.ones((2, width, ngrams.size))  # others, class; from 1, so that no ratio is infinite
    targets = fold.targets if width == 1 else np.eye(width)[fold.targets]
    for start in range(0, len(targets), 1024):
        rows = slice(start, start + 1024)
        numbers = np.asarray(ngrams(fold.features["ids"][rows]))
        for column, of_class in enumerate(np.reshape(targets[rows], (-1, width)).T):
            for side in (0, 1):
                counts[side, column] += np.bincount(numbers[of_class == side].ravel(), minlength=ngrams.size)
    counts[:, :, 0] = 1
    shares = np.log(counts / counts.sum(axis=2, keepdims=True))
    rare = counts.sum(axis=0) < least + 2
    return np.where(rare, 0, shares[1] - shares[0]).T.astype(np.float32)
