"""Learning rates that change from step to step."""

import math

import keras


def cosine(peak: float, epochs: int, rows: int, batch_size: int) -> keras.optimizers.schedules.CosineDecay:
    """Rise from a tenth of *peak* in the first tenth of the steps, then fall to 0 as a cosine does (SGDR, 2017)."""
    steps = epochs * math.ceil(rows / batch_size)
    rise = steps // 10
    return keras.optimizers.schedules.CosineDecay(
        peak / 10, max(1, steps - rise), warmup_target=peak, warmup_steps=rise
    )
