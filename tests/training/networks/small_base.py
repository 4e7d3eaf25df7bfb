"""A base for recipes of transfer, where a real one is not the point."""

from typing import Any

import keras


def small_base(name: str, height: int, width: int, alpha: float, weights: Any) -> keras.Model:
    """Return a base with MobileNet's kinds of layers, but 3 blocks for its 13, which Keras takes seconds to compile."""
    image = hidden = keras.Input((height, width, 3))
    for block in (1, 2, 3):
        hidden = keras.layers.DepthwiseConv2D(3, use_bias=False, name=f"conv_dw_{block}")(hidden)
        hidden = keras.layers.ReLU()(keras.layers.BatchNormalization()(hidden))
        hidden = keras.layers.Conv2D(8, 1, use_bias=False, name=f"conv_pw_{block}")(hidden)
        hidden = keras.layers.ReLU()(keras.layers.BatchNormalization()(hidden))
    return keras.Model(image, hidden)
