"""Learning rates that change from step to step."""

import math

import keras


def step_count(epochs: int, rows: int, batch_size: int) -> int:
    """Count the steps in which *rows* are learnt from, *batch_size* at a time, in so many epochs."""
    return epochs * math.ceil(rows / batch_size)


def cosine(peak: float, epochs: int, rows: int, batch_size: int) -> keras.optimizers.schedules.CosineDecay:
    """Rise from a tenth of *peak* in the first tenth of the steps, then fall to 0 as a cosine does (SGDR, 2017)."""
    steps = step_count(epochs, rows, batch_size)
    rise = steps // 10
    return keras.optimizers.schedules.CosineDecay(
        peak / 10, max(1, steps - rise), warmup_target=peak, warmup_steps=rise
    )
