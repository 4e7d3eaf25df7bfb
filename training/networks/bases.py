"""The pretrained bases of `keras.applications`, by name, each with the preprocessing that it was trained with."""

import inspect
import math
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from training.data.datasets import download
from training.errors import BadRequest

RANDOM = "random"
"""Untrained weights, for experiments without a download."""


def base_names() -> tuple[str, ...]:
    """Return the names of the available bases."""
    return tuple(name for name, value in vars(keras.applications).items() if inspect.isfunction(value))


def check_base(name: str, alpha: float) -> None:
    """Raise BadRequest if there is no base *name*, or if it has only one width and *alpha* is not 0."""
    if name not in base_names():
        raise BadRequest(f"unknown base '{name}' in keras.applications; available: {', '.join(base_names())}")
    if alpha and "alpha" not in inspect.signature(_maker(name)).parameters:
        raise BadRequest(f"base {name} has only one width: expected alpha 0, got {alpha}")


def pretrained(name: str, height: int, width: int, alpha: float, weights: str) -> keras.Model:
    """Return a base, which maps pixels from `Prepared` to `float32[batch, rows, columns, channels]`.

    *alpha* is a fraction of its full number of channels; 0 is the base's default. *weights* are "imagenet", "random" or
    the path of a file. Raises DataUnavailable, or BadRequest if the base does not support the size or the weights.
    """
    options: dict[str, Any] = {"weights": None if weights == RANDOM else weights, "input_shape": (height, width, 3)}
    if alpha:
        options["alpha"] = alpha

    def make() -> keras.Model:
        try:
            return _maker(name)(include_top=False, **options)
        except ValueError as error:
            raise BadRequest(
                f"can't make base {name} of {height}x{width} pixels, weights '{weights}': {error}"
            ) from error

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`input_shape` is undefined or non-square")  # 224's weights fit any size
        base: keras.Model = download(f"{weights} weights of {name}", make)
    if weights == RANDOM:
        _scale_random_weights(base)
    return base


@keras.saving.register_keras_serializable("plumbline")
class Prepared(keras.layers.Layer):  # type: ignore[misc]
    """Maps pixels `uint8[batch, height, width, 3]` to the range and channel order that *base* was trained on.

    It applies `preprocess_input` of the base's module in `keras.applications`, which changes nothing if the base
    rescales by itself.
    """

    def __init__(self, base: str, **options: Any) -> None:
        super().__init__(**options)
        self.base = base
        self._prepare = inspect.getmodule(_maker(base)).preprocess_input  # type: ignore[union-attr]

    def call(self, image: tf.Tensor) -> tf.Tensor:
        """Return the prepared pixels: `float32[batch, height, width, 3]`."""
        return self._prepare(tf.cast(image, tf.float32))

    def compute_output_spec(self, image: Any) -> keras.KerasTensor:
        """Return shape and type of the output."""
        return keras.KerasTensor(image.shape, "float32")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "base": self.base}


def _scale_random_weights(base: keras.Model) -> None:
    """Scale random weights so that the signal does not fade from layer to layer (He et al. 2015)."""
    for layer in base.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D | keras.layers.Conv2D):
            kernel = layer.kernel
            inputs = math.prod(
                kernel.shape[:2] if isinstance(layer, keras.layers.DepthwiseConv2D) else kernel.shape[:3]
            )
            kernel.assign(kernel * (math.sqrt(2 / inputs) / np.std(kernel)))


def _maker(name: str) -> Callable[..., Any]:
    maker: Callable[..., Any] = getattr(keras.applications, name)
    return maker
