"""Learning rate schedules."""

import math

import keras


def step_count(epochs: int, rows: int, batch_size: int) -> int:
    """Return the number of training steps in *epochs* epochs of *rows* rows, *batch_size* at a time."""
    return epochs * math.ceil(rows / batch_size)


def cosine(peak: float, epochs: int, rows: int, batch_size: int) -> keras.optimizers.schedules.CosineDecay:
    """Return a rate that rises from a tenth of *peak* in the first tenth of the steps, then falls to 0 along a cosine.

    Source: Loshchilov & Hutter 2017, "SGDR".
    """
    steps = step_count(epochs, rows, batch_size)
    rise = steps // 10
    return keras.optimizers.schedules.CosineDecay(
        peak / 10, max(1, steps - rise), warmup_target=peak, warmup_steps=rise
    )
