"""What any file of a model is once it is read: named inputs, a graph of them, and the original's own predictions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from serving.contract import Features, TensorSpec
from serving.contract.arrays import Array

Tensors = Mapping[str, tf.Tensor]


@dataclass(frozen=True)
class Source:
    """A model that was trained elsewhere.

    *inputs* may have axes of any size, None, behind that of the batch. *call* is traced into the served graph.
    *predict* is the original's own. *holders* have what the graph refers to. *facts* is the provenance that the file
    tells. *model* is the Keras model, of which layers may be lifted; other formats have none. Without *has_types*, the
    inputs are of any type: their examples tell it.
    """

    inputs: Mapping[str, TensorSpec]
    call: Callable[[Tensors], Tensors]
    predict: Callable[[Features], Mapping[str, Array]]
    holders: tuple[Any, ...]
    facts: Mapping[str, Any]
    model: Any = None
    has_types: bool = True
