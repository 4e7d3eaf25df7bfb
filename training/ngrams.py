"""Text by its n-grams: two linear classifiers over hashed n-grams of word ids, averaged into one table of weights.

One weighs each n-gram by its naive-Bayes log-count ratio (Wang & Manning 2012, "Baselines and Bigrams"), the other
learns a vector for each (Joulin et al. 2016, "Bag of Tricks for Efficient Text Classification", fastText). Both look
at which n-grams are there, and both are linear: what is served is one row of weights for each n-gram.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from training.fitting import Fit
from training.problems import Problem
from training.task import Curves, Fold, Trained

PRIME, MULTIPLIER, SPREAD = 2**31 - 1, 1_000_003_009, 48_271
"""Of the hash: products stay below 2**62, so int64 never overflows."""


@dataclass(frozen=True, kw_only=True)
class NGramBag:
    """N-grams of 1 to *orders* words; those of two words and more share *buckets* for each n.

    *word_dropout* leaves out n-grams at random while training. Ratios count n-grams of *least* texts and more.
    Vectors of *dimensions* numbers are learnt for n-grams of up to *vector_orders* words.
    """

    num_words: int = 88_588
    length: int = 1024
    orders: int = 3
    buckets: int = 2**20
    least: int = 2
    word_dropout: float = 0.5
    ratio_epochs: int = 3
    ratio_rate: float = 0.15
    dimensions: int = 16
    vector_orders: int = 2
    vector_epochs: int = 6
    vector_rate: float = 3e-3
    batch_size: int = 256

    def train(self, problem: Problem, width: int, fold: Fold) -> Trained:
        """Train both classifiers on `ids`, and average them."""
        ngrams = NGrams(self.num_words, self.orders, self.buckets)
        ratios = log_count_ratios(ngrams, fold, width, self.least)
        vectors = self.num_words + (self.vector_orders - 1) * self.buckets
        stages = {
            "log-count ratios": (Ratios(ratios, self.word_dropout), self.ratio_epochs, self.ratio_rate),
            "vectors": (
                Vectors(vectors, self.dimensions, width, self.word_dropout),
                self.vector_epochs,
                self.vector_rate,
            ),
        }
        curves = {}
        for name, (bag, epochs, rate) in stages.items():
            fit = Fit(epochs, self.batch_size, optimizer=keras.optimizers.Adam(rate))
            curves[name] = fit.run(problem, self._model(problem, ngrams, bag), fold)
        mean = Weights(ngrams.size, width)
        model = self._model(problem, ngrams, mean)
        mean.average([bag for bag, _, _ in stages.values()])
        return Trained(model, curves)

    def settled(self, folds: Sequence[Mapping[str, Curves]]) -> Self:
        """Keep the recipe: its stages have a set length."""
        return self

    def _model(self, problem: Problem, ngrams: "NGrams", bag: "Bag") -> keras.Model:
        ids = keras.Input((self.length,), dtype="int32", name="ids")
        return keras.Model({"ids": ids}, keras.layers.Activation(problem.activation, name="scores")(bag(ngrams(ids))))


@keras.saving.register_keras_serializable("plumbline")
class NGrams(keras.layers.Layer):  # type: ignore[misc]
    """Word ids `int32[batch, length]` -> the numbers of the n-grams that are there, each once; 0 is none.

    A word's number is its id. Longer n-grams are hashed, for each n into *buckets* numbers of its own.
    """

    def __init__(self, num_words: int, orders: int, buckets: int, **options: Any) -> None:
        super().__init__(**options)
        self.num_words, self.orders, self.buckets = num_words, orders, buckets
        self.size = num_words + (orders - 1) * buckets

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        """Make the numbers, no more than the longest text needs."""
        longest = tf.maximum(tf.reduce_max(tf.math.count_nonzero(ids, axis=1)), self.orders)
        last = hashed = tf.cast(ids[:, :longest], tf.int64)
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
        """Give shape and type of the output."""
        return keras.KerasTensor((ids.shape[0], None), "int32")

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        settings = {"num_words": self.num_words, "orders": self.orders, "buckets": self.buckets}
        return {**super().get_config(), **settings}


class Bag(keras.layers.Layer):  # type: ignore[misc]
    """N-gram numbers -> the sum of their rows of weights by the root of their count, and a bias."""

    def __init__(self, size: int, width: int, dropout: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.size, self.width, self.dropout = size, width, dropout

    def build(self, shape: Any) -> None:
        """Make the bias."""
        self.bias = self.add_weight(shape=(self.width,), initializer="zeros", name="bias")

    def call(self, numbers: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Add up."""
        there = tf.cast(numbers > 0, tf.float32)
        if training:
            there = tf.nn.dropout(there, self.dropout)
        scale = tf.math.rsqrt(tf.maximum(tf.reduce_sum(there, axis=1, keepdims=True), 1.0))
        known = numbers < self.size
        return self.total(tf.where(known, numbers, 0), tf.where(known, there, 0.0)) * scale + self.bias

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {**super().get_config(), "size": self.size, "width": self.width, "dropout": self.dropout}


@keras.saving.register_keras_serializable("plumbline")
class Weights(Bag):
    """What is served: one row of weights for each n-gram."""

    def build(self, shape: Any) -> None:
        """Make the table of weights."""
        super().build(shape)
        self.table = self.add_weight(shape=(self.size, self.width), initializer="zeros", name="table")

    def total(self, numbers: tf.Tensor, there: tf.Tensor) -> tf.Tensor:
        """Sum the rows."""
        return tf.linalg.matvec(tf.gather(self.table, numbers), there, transpose_a=True)

    def average(self, bags: Sequence[Any]) -> None:
        """Compute from now on the mean of what *bags* compute."""
        tables = [np.pad(bag.weights_of_ngrams(), ((0, self.size - bag.size), (0, 0))) for bag in bags]
        self.table.assign(np.mean(tables, axis=0))
        self.bias.assign(np.mean([bag.bias.numpy() for bag in bags], axis=0))


class Ratios(Weights):
    """Learns a factor for each log-count ratio."""

    def __init__(self, ratios: np.ndarray, dropout: float) -> None:
        size, width = ratios.shape
        super().__init__(size, width, dropout)
        self.ratios = tf.constant(ratios)

    def total(self, numbers: tf.Tensor, there: tf.Tensor) -> tf.Tensor:
        """Sum the rows."""
        rows = tf.gather(self.table, numbers) * tf.gather(self.ratios, numbers)
        return tf.linalg.matvec(rows, there, transpose_a=True)

    def weights_of_ngrams(self) -> np.ndarray:
        """Give the product."""
        return np.asarray(self.table * self.ratios)


class Vectors(Bag):
    """Learns a vector for each n-gram, and one for each score."""

    def __init__(self, size: int, dimensions: int, width: int, dropout: float) -> None:
        super().__init__(size, width, dropout)
        self.dimensions = dimensions

    def build(self, shape: Any) -> None:
        """Make the vectors."""
        super().build(shape)
        self.vectors = self.add_weight(shape=(self.size, self.dimensions), initializer="uniform", name="vectors")
        self.head = self.add_weight(shape=(self.dimensions, self.width), name="head")

    def total(self, numbers: tf.Tensor, there: tf.Tensor) -> tf.Tensor:
        """Sum the vectors, and score the sum."""
        return tf.linalg.matvec(tf.gather(self.vectors, numbers), there, transpose_a=True) @ self.head

    def weights_of_ngrams(self) -> np.ndarray:
        """Give the product."""
        return np.asarray(self.vectors @ self.head)


def log_count_ratios(ngrams: NGrams, fold: Fold, width: int, least: int) -> np.ndarray:
    """Compare how often each n-gram is in texts of a class and in all others: `float32[ngrams.size, width]`."""
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
