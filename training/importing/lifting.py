"""Lifting: preprocessing layers at a model's beginning become encoders, where the examples prove them equal.

Pages and descriptions then know a field's values, and drift is measured of them; what is not lifted stays in the graph.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from serving.contract import Features, TensorSpec
from serving.contract.encoders import Encoder, Number, Raw
from serving.contract.faults import Faults
from training.importing.candidates import Candidate, candidate_of
from training.importing.keras_source import is_symbolic, of_model
from training.importing.layout import Layout
from training.importing.source import Source

_LEAST_ROWS = 3
_CLOSE = 1e-6
"""float32 has seven digits; the layer computes with them, an encoder with sixteen."""


@dataclass(frozen=True)
class Lifted:
    """The *source* behind the lifted layers, and the *encoders* of the fields in their place."""

    source: Source
    encoders: Mapping[str, Encoder]


def lift(path: Path, source: Source, layout: Layout, inputs: Features) -> Lifted | None:
    """Lift what the examples prove; *inputs* are those of the original. Return None if that is nothing."""
    model = source.model
    if model is None or not is_symbolic(model) or len(layout.instances) < _LEAST_ROWS:
        return None
    tensors = dict(zip(source.inputs, model.inputs, strict=True))
    encoders: dict[str, Encoder] = {}
    for name, tensor in list(tensors.items()):
        fields = layout.fields[name]
        if all(_is_plain(layout.encoders[field], source.inputs[name]) for field in fields):
            for chain, output in _chains(model, tensor):
                candidate = _proved(chain, tensor, output, layout, fields, inputs[name])
                if candidate:
                    encoders |= dict(zip(fields, candidate.encoders, strict=True))
                    tensors[name] = output
                    break
    if not encoders:
        return None
    outputs = model.outputs[0] if isinstance(model, keras.Sequential) else model.output
    rest = keras.Model([*tensors.values()], outputs)
    return Lifted(of_model(path, rest, source.facts, [*tensors]), encoders)


def _is_plain(encoder: Encoder, spec: TensorSpec) -> bool:
    """Return whether a field is one value as it came: no list, and nothing that the user has stated."""
    is_number = isinstance(encoder, Number) and encoder.scaling.scale == "none" and spec.dtype.startswith("float")
    return is_number or (isinstance(encoder, Raw) and encoder.shape == ())


def _chains(model: keras.Model, tensor: Any) -> Iterator[tuple[list[Any], Any]]:
    """Yield the layers that alone read an input, and their output: a lookup with the encoding behind it, then alone."""
    first = _only_reader(model, tensor)
    if first is None:
        return
    layer, output = first
    second = _only_reader(model, output)
    if second and type(second[0]) is layers.CategoryEncoding and not _is_output(model, second[1]):
        yield [layer, second[0]], second[1]
    if not _is_output(model, output):
        yield [layer], output


def _is_output(model: keras.Model, tensor: Any) -> bool:
    return any(tensor is output for output in model.outputs)


def _only_reader(model: keras.Model, tensor: Any) -> tuple[Any, Any] | None:
    """Return the layer that reads *tensor* and nothing else, with its output; None if others read it too."""
    if _is_output(model, tensor):
        return None
    nodes = [node for node in _nodes(model) if any(tensor is each for each in node.input_tensors)]
    if len(nodes) != 1 or len(nodes[0].input_tensors) != 1 or len(nodes[0].output_tensors) != 1:
        return None
    return nodes[0].operation, nodes[0].output_tensors[0]


def _nodes(model: keras.Model) -> list[Any]:
    """Return the calls of layers that the outputs are made of: a layer may have been called elsewhere as well."""
    found: dict[int, Any] = {}
    pending = [*model.outputs]
    while pending:
        operation, number, _ = pending.pop()._keras_history
        node = operation._inbound_nodes[number]
        if id(node) not in found:
            found[id(node)] = node
            pending += node.input_tensors
    return [*found.values()]


def _proved(
    chain: Sequence[Any], tensor: Any, output: Any, layout: Layout, fields: Sequence[str], given: Any
) -> Candidate | None:
    """Return the candidate for a chain if it gives what the layers give: for every example, and for its own probes."""
    try:
        candidate = candidate_of(chain, len(fields))
    except (ValueError, TypeError):  # a vocabulary that no encoder takes
        return None
    if candidate is None:
        return None
    part = keras.Model(tensor, output)
    part.jit_compile = False
    columns = [[row.get(field) for row in layout.instances] for field in fields]
    if any(len(set(column)) < 2 for column in columns):
        return None
    is_same = _same(candidate, columns, part.predict(keras.ops.convert_to_tensor(given), verbose=0))
    if is_same and candidate.probes:
        probes = np.array(candidate.probes, object if given.dtype == object else given.dtype)
        is_same = _same(candidate, [list(candidate.probes)], _asked(part, probes, given))
    return candidate if is_same else None


def _asked(part: keras.Model, probes: Any, given: Any) -> Any:
    encoded = [each.encode() for each in probes.tolist()] if probes.dtype == object else probes
    shaped = np.array(encoded, given.dtype).reshape(len(probes), *given.shape[1:])
    return part.predict(keras.ops.convert_to_tensor(shaped), verbose=0)


def _same(candidate: Candidate, columns: Sequence[Sequence[Any]], expected: Any) -> bool:
    faults = Faults()
    read = [encoder.read(column, faults) for encoder, column in zip(candidate.encoders, columns, strict=True)]
    if faults.count:
        return False
    blocks = [encoder.encode(column) for encoder, column in zip(candidate.encoders, read, strict=True)]
    got, wanted = np.concatenate(blocks, axis=1), np.asarray(expected).reshape(len(expected), -1)
    if got.shape != wanted.shape:
        return False
    is_float = isinstance(candidate.encoders[0], Number)
    return bool(np.allclose(got, wanted, rtol=_CLOSE, atol=_CLOSE) if is_float else (got == wanted).all())
