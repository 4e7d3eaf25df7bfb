"""The pretrained bases of `keras.applications`, by name, each with the preparation of pixels that it learnt by."""

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
"""Weights that have learnt nothing, for trying things out without a download."""


def base_names() -> tuple[str, ...]:
    """List the bases there are."""
    return tuple(name for name, value in vars(keras.applications).items() if inspect.isfunction(value))


def check_base(name: str, alpha: float) -> None:
    """Raise BadRequest if there is no base *name*, or if it is of one width only and *alpha* is not 0."""
    if name not in base_names():
        raise BadRequest(f"no base '{name}' in keras.applications; there are {', '.join(base_names())}")
    if alpha and "alpha" not in inspect.signature(_maker(name)).parameters:
        raise BadRequest(f"the base {name} is of one width only: expected alpha 0, got {alpha}")


def pretrained(name: str, height: int, width: int, alpha: float, weights: str) -> keras.Model:
    """Make a base: pixels as `Prepared` gives them -> `float32[batch, rows, columns, channels]`.

    *alpha* is the share of its full number of channels; 0 is the base's own. *weights* are "imagenet", "random" or a
    file. Raises DataUnavailable, or BadRequest if the base takes no such size or weights.
    """
    options: dict[str, Any] = {"weights": None if weights == RANDOM else weights, "input_shape": (height, width, 3)}
    if alpha:
        options["alpha"] = alpha

    def make() -> keras.Model:
        try:
            return _maker(name)(include_top=False, **options)
        except ValueError as error:
            raise BadRequest(f"no base {name} of {height}x{width} pixels with weights '{weights}': {error}") from error

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`input_shape` is undefined or non-square")  # 224's weights fit any size
        base: keras.Model = download(f"{weights} weights of {name}", make)
    if weights == RANDOM:
        _let_through(base)
    return base


@keras.saving.register_keras_serializable("plumbline")
class Prepared(keras.layers.Layer):  # type: ignore[misc]
    """Pixels `uint8[batch, height, width, 3]` -> numbers in the range and order that the base *name* was trained on.

    Each module of `keras.applications` brings its own `preprocess_input`; that of a base which rescales by itself
    changes nothing.
    """

    def __init__(self, base: str, **options: Any) -> None:
        super().__init__(**options)
        self.base = base
        self._prepare = inspect.getmodule(_maker(base)).preprocess_input  # type: ignore[union-attr]

    def call(self, image: tf.Tensor) -> tf.Tensor:
        """Prepare the pixels."""
        return self._prepare(tf.cast(image, tf.float32))

    def compute_output_spec(self, image: Any) -> keras.KerasTensor:
        """Give shape and type of the output."""
        return keras.KerasTensor(image.shape, "float32")

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {**super().get_config(), "base": self.base}


def _let_through(base: keras.Model) -> None:
    """Bring random weights to the scale at which pictures don't fade from layer to layer (He et al. 2015)."""
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
