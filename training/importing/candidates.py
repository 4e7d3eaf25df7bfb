"""Encoders that compute what a preprocessing layer of Keras does, by the layer's own documentation; others prove it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

from serving.contract.encoders import Category, Encoder, Number
from serving.contract.encoders.scaling import Scaling
from serving.contract.encoders.vocabulary import Vocabulary

_MOST_PROBED = 1_000


@dataclass(frozen=True)
class Candidate:
    """The *encoders* of the fields that a layer reads, one each, and values to *probe* them with besides examples."""

    encoders: tuple[Encoder, ...]
    probes: tuple[Any, ...] = ()


def candidate_of(chain: Sequence[Any], width: int) -> Candidate | None:
    """Return what might replace the layers of *chain*, which follow each other behind an input of *width* fields."""
    first, *rest = chain
    if isinstance(first, layers.StringLookup | layers.IntegerLookup) and width == 1:
        return _of_lookup(first, rest)
    find = next((find for kind, find in _OF_NUMBERS.items() if type(first) is kind), None)
    return find(first, width) if find and not rest else None


def _of_lookup(lookup: Any, rest: Sequence[Any]) -> Candidate | None:
    config = lookup.get_config()
    # A mask token would have to be what is missing, and several buckets for unknown values are hashed.
    if lookup.mask_token is not None or lookup.num_oov_indices > 1 or lookup.invert or config["pad_to_max_tokens"]:
        return None
    output = _output(lookup.output_mode, lookup.vocabulary_size(), rest)
    if output is None:
        return None
    values = [_plain(value) for value in lookup.get_vocabulary(include_special_tokens=False)]
    vocabulary = Vocabulary(tuple(values), unknown="bucket" if lookup.num_oov_indices else "error")
    unknown = ("not one of these", -987_654_321)[isinstance(values[0], int)]
    probes = [*values[:_MOST_PROBED], *([unknown] if lookup.num_oov_indices and unknown not in values else [])]
    return Candidate((Category(vocabulary, output),), tuple(probes))  # type: ignore[arg-type]


def _output(mode: str, size: int, rest: Sequence[Any]) -> str | None:
    if not rest:
        return {"int": "id", "one_hot": "onehot", "multi_hot": "onehot"}.get(mode)
    (encoding,) = rest
    is_same = mode == "int" and encoding.num_tokens == size and encoding.output_mode in ("one_hot", "multi_hot")
    return "onehot" if is_same else None


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _of_normalization(layer: Any, width: int) -> Candidate | None:
    means, variances = (keras.ops.convert_to_numpy(part).ravel() for part in (layer.mean, layer.variance))
    if layer.invert or len(means) != width:
        return None
    deviations = np.maximum(np.sqrt(variances), keras.config.epsilon())
    return _scaled(means.tolist(), deviations.tolist())


def _of_rescaling(layer: Any, width: int) -> Candidate | None:
    if isinstance(layer.scale, int | float) and isinstance(layer.offset, int | float) and layer.scale > 0:
        return _scaled([-layer.offset / layer.scale] * width, [1 / layer.scale] * width)
    return None


def _scaled(offsets: Sequence[float], divisors: Sequence[float]) -> Candidate:
    scalings = [Scaling("standard", *each) for each in zip(offsets, divisors, strict=True)]
    return Candidate(tuple(map(Number, scalings)))


_OF_NUMBERS: dict[type, Callable[[Any, int], Candidate | None]] = {
    layers.Normalization: _of_normalization,
    layers.Rescaling: _of_rescaling,
}
