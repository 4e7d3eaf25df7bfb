"""An ensemble of dense networks over tf-idf, in one model.

A word's weight is the logarithm of its count times that of its rarity (Salton & Buckley 1988, "Term-weighting
approaches in automatic text retrieval"); the weights of each text are normalised. Label smoothing: Szegedy et al. 2016,
"Rethinking the Inception Architecture".
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from training.errors import BadRequest
from training.fitting.fit import Fit
from training.networks.ensembles import scores_of, train_members
from training.networks.lite import RowByRow, is_traced_for_lite, unpadded, weighed_rows, word_counts
from training.networks.schedules import step_count
from training.problem_types import Problem
from training.task import Curves, Fold, Trained

NORM = 7.0
"""Euclidean norm of a text's weights: in a text of about fifty words, a weight is about 1."""


@dataclass(frozen=True, kw_only=True)
class TfIdfEnsemble:
    """*members* networks with one hidden layer each, for texts that belong to one of several classes.

    *word_dropout* is the share of words dropped in training, *dropout* that of hidden units. *smoothing* is the share
    of a label that is spread over all classes. The learning rate falls from *rate* to 0 along a cosine.

    The served model favours rare classes by *balance* (0: not at all, 1: as if all were equally frequent; Menon et al.
    2021, "Long-tail learning via logit adjustment"). A *temperature* below 1 makes it more confident, to undo the
    effect of smoothed labels (Guo et al. 2017, "On Calibration of Modern Neural Networks").

    Raises BadRequest if a setting is out of range.
    """

    num_words: int = 10_000
    length: int = 512
    members: int = 3
    units: int = 256
    word_dropout: float = 0.5
    dropout: float = 0.5
    smoothing: float = 0.1
    balance: float = 0.3
    temperature: float = 0.6
    rate: float = 2e-3
    epochs: int = 8
    batch_size: int = 256

    def __post_init__(self) -> None:
        if not (self.members >= 1 and self.units >= 1 and self.epochs >= 1 and self.batch_size >= 1):
            raise BadRequest("members, units, epochs and batch_size must be at least 1")
        if not (self.rate > 0 and self.temperature > 0):
            raise BadRequest("rate and temperature must be more than 0")
        if not (0 <= self.word_dropout < 1 and 0 <= self.dropout < 1 and 0 <= self.smoothing < 1):
            raise BadRequest("word_dropout, dropout and smoothing must be at least 0 and less than 1")

    def train(self, problem: Problem, width: int, fold: Fold) -> Trained:
        """Train all members at once on `ids: int32[batch, length]`."""
        ids = keras.Input((self.length,), dtype="int32", name="ids")
        words = TfIdfDense(self.num_words, self.members * self.units, self.word_dropout)
        hidden = keras.layers.Reshape((self.members, self.units))(words(ids))
        words.adapt(fold.features["ids"])
        hidden = keras.layers.Dropout(self.dropout)(keras.layers.Activation("relu")(hidden))
        scores = scores_of(problem, width, hidden)
        steps = step_count(self.epochs, len(fold.targets), self.batch_size)
        optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(self.rate, steps))
        one_hot = dataclasses.replace(problem, loss="categorical_crossentropy")
        fit = Fit(self.epochs, self.batch_size, optimizer=optimizer)
        trained = train_members(one_hot, ids, scores, self._one_hot(fold, width), fit)
        return Trained(self._adjusted(trained.model, fold.targets), trained.curves)

    def settled(self, folds: Sequence[Mapping[str, Curves]]) -> Self:
        """Return the recipe unchanged: its number of epochs is fixed."""
        return self

    def _one_hot(self, fold: Fold, width: int) -> Fold:
        """Return *fold* with one-hot targets: smoothed for training, plain for validation."""
        classes = np.eye(width, dtype=np.float32)
        smooth = classes * (1 - self.smoothing) + self.smoothing / width
        validation = fold.validation and (fold.validation[0], classes[fold.validation[1]])
        targets = smooth[fold.targets].astype(np.float32)
        return dataclasses.replace(fold, targets=targets, validation=validation)

    def _adjusted(self, model: keras.Model, targets: np.ndarray) -> keras.Model:
        """Return *model* with its scores adjusted by balance and temperature."""
        counts = np.maximum(np.bincount(targets, minlength=model.output.shape[-1]), 1)
        handicap = (self.balance * np.log(counts / len(targets))).astype(np.float32)
        logits = keras.ops.log(keras.ops.maximum(model.output, keras.config.epsilon())) - handicap
        return keras.Model(model.input, keras.ops.softmax(logits / self.temperature))


@keras.saving.register_keras_serializable("plumbline")
class TfIdfDense(RowByRow, keras.layers.Layer):  # type: ignore[misc]
    """A dense layer over tf-idf: maps word ids `int32[batch, length]` to `float32[batch, units]`. Id 0 is padding.

    Of the *num_words* rows it reads only those of words that occur, so neither training nor serving multiplies by
    zeros.
    """

    def __init__(self, num_words: int, units: int, dropout: float = 0.0, **options: Any) -> None:
        super().__init__(**{"dtype": "float32", **options})  # sparse matrix products need it
        self.num_words, self.units, self.dropout = num_words, units, dropout

    def build(self, shape: Any) -> None:
        """Create the weights."""
        self.rarity = self.add_weight(shape=(self.num_words,), initializer="ones", trainable=False, name="rarity")
        self.kernel = self.add_weight(shape=(self.num_words, self.units), initializer="he_uniform", name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def adapt(self, ids: np.ndarray) -> None:
        """Set each word's rarity from the number of texts in `ids: int32[n, length]` that contain it."""
        texts = np.bincount(np.concatenate([np.unique(row) for row in ids]), minlength=self.num_words)
        rarity = 1 + np.log((1 + len(ids)) / (1 + texts))
        rarity[0] = 0
        self.rarity.assign(rarity)

    def call(self, ids: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the product of the normalised tf-idf weights and the kernel, plus the bias."""
        if is_traced_for_lite():
            return self._in_lite(unpadded(ids))
        counts = tf.sparse.bincount(ids, minlength=self.num_words, maxlength=self.num_words, axis=-1)
        texts, words = counts.indices[:, 0], counts.indices[:, 1]
        weights = tf.math.log1p(tf.cast(counts.values, tf.float32)) * tf.gather(self.rarity, words)
        rows = tf.shape(ids, tf.int64)[0]
        squares = tf.math.unsorted_segment_sum(tf.square(weights), texts, rows)
        weights *= NORM * tf.gather(tf.math.rsqrt(tf.maximum(squares, 1e-9)), texts)
        if training:
            weights = tf.nn.dropout(weights, self.dropout)
        present = tf.SparseTensor(counts.indices, weights, [rows, self.num_words])
        return tf.ensure_shape(tf.sparse.sparse_dense_matmul(present, self.kernel) + self.bias, [None, self.units])

    def _in_lite(self, ids: tf.Tensor) -> tf.Tensor:
        """Return the same, computed by place: each place of a word has its share of the word's weight."""
        counts = tf.gather(word_counts(ids, self.num_words), ids, axis=1, batch_dims=1)
        weights = tf.math.log(1 + counts) * tf.gather(self.rarity, ids)
        squares = tf.reduce_sum(tf.square(weights) / counts, axis=1, keepdims=True)
        weights *= NORM * tf.math.rsqrt(tf.maximum(squares, 1e-9)) / counts
        return weighed_rows(weights, self.kernel, ids) + self.bias

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the output."""
        return (shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        settings = {"num_words": self.num_words, "units": self.units, "dropout": self.dropout}
        return {**super().get_config(), **settings}
