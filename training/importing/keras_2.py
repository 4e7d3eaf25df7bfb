"""Brings `.h5` files of Keras 2 to what Keras 3 reads, where nothing but the description of the layers differs."""

import json
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.importing.archives import Description


@contextmanager
def as_keras_3(path: Path, described: Description) -> Iterator[Path]:
    """Yield *path*, or for a file of Keras 2 a copy of it whose description Keras 3 understands."""
    config = _upgraded(described.config)
    if not (described.keras_version or "").startswith("2.") or config == described.config:
        yield path
        return
    import h5py  # comes with Keras

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        with h5py.File(copy, "r+") as file:
            file.attrs["model_config"] = json.dumps(config)
        yield copy


def _upgraded(state: Any) -> Any:
    if isinstance(state, list):
        return [_upgraded(each) for each in state]
    if not isinstance(state, dict):
        return state
    state = {name: _upgraded(each) for name, each in state.items()}
    if isinstance(config := state.get("config"), dict):
        state["config"] = _options(state.get("class_name"), config)
    return state


def _options(kind: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a layer without those that Keras 3 lacks, as far as they say what it does anyway."""
    options = dict(config)
    if options.get("time_major") is False:
        del options["time_major"]
    if kind == "DepthwiseConv2D" and options.get("groups") == 1:
        del options["groups"]
    dtype = options.get("dtype")
    if isinstance(dtype, dict) and dtype.get("class_name") == "Policy":
        options["dtype"] = dtype["config"]["name"]
    return _recounted(options) if isinstance(options.get("layers"), list) else options


def _recounted(options: dict[str, Any]) -> dict[str, Any]:
    """Refer to calls of Sequentials within as Keras 3 does: Keras 2 counted how one was made as its first call."""
    inner = {each["config"]["name"] for each in options["layers"] if each.get("class_name") == "Sequential"}
    graph = {
        "nodes": [each.get("inbound_nodes", []) for each in options["layers"]],
        "outputs": options.get("output_layers"),
    }
    made = inner - {name for name, call in _calls(graph) if call == 0}
    layers = [
        {**each, "inbound_nodes": _counted_from_0(each["inbound_nodes"], made)} if "inbound_nodes" in each else each
        for each in options["layers"]
    ]
    outputs = {"output_layers": _counted_from_0(graph["outputs"], made)} if "output_layers" in options else {}
    return {**options, "layers": layers, **outputs}


def _is_call(nodes: Any) -> bool:
    """Return whether *nodes* is a reference to the result of a call: name, number of the call, number of the tensor."""
    return isinstance(nodes, list) and len(nodes) >= 3 and isinstance(nodes[0], str) and isinstance(nodes[1], int)


def _calls(nodes: Any) -> Iterator[tuple[str, int]]:
    if _is_call(nodes):
        yield nodes[0], nodes[1]
    elif isinstance(nodes, dict | list):
        for each in nodes.values() if isinstance(nodes, dict) else nodes:
            yield from _calls(each)


def _counted_from_0(nodes: Any, made: Collection[str]) -> Any:
    if _is_call(nodes) and nodes[0] in made:
        return [nodes[0], nodes[1] - 1, *nodes[2:]]
    if isinstance(nodes, dict):
        return {name: _counted_from_0(each, made) for name, each in nodes.items()}
    return [_counted_from_0(each, made) for each in nodes] if isinstance(nodes, list) else nodes
