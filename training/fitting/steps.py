"""Runs many steps in one call of TensorFlow: small ones take less time than the call that starts them."""

import time
from collections.abc import Callable

import tensorflow as tf

SECONDS = 0.5
"""Calls are to take about so long: while TensorFlow computes, Python can't handle the signal that ends a job."""


class Steps:
    """A graph that takes *step* with the numbers of batches, in their order. It is traced once, for any number."""

    def __init__(self, step: Callable[[tf.Tensor, tf.Tensor], None]) -> None:
        def following(order: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
            step(order, number)
            return number + 1

        def taken(order: tf.Tensor, first: tf.Tensor, end: tf.Tensor) -> None:
            tf.while_loop(lambda number: number < end, lambda number: [following(order, number)], [first])

        index = tf.TensorSpec([], tf.int32)
        self._taken = tf.function(taken, [tf.TensorSpec([None], tf.int32), index, index], autograph=False)
        self._most = 1

    def __call__(self, order: tf.Tensor, count: int) -> None:
        """Take *count* steps, in each call as many as it may take, which the calls before it have shown.

        *order* has the numbers of the rows, in the order in which batches take them.
        """
        first = 0
        while first < count:
            number = min(count - first, self._most)
            started = time.monotonic()
            self._taken(order, first, first + number)
            first += number
            self._learn(number, time.monotonic() - started)

    def _learn(self, number: int, seconds: float) -> None:
        if seconds > SECONDS:
            self._most = max(1, number // 2)
        elif number == self._most and seconds < SECONDS / 4:
            self._most *= 2
