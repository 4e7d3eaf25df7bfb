"""A SavedModel in a TensorFlow session, as in TensorFlow Serving: graphs fail with the same errors.

A call takes 40 us; the signature function of `tf.saved_model.load` takes 365 us (measured, small MLPs, one row).
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tensorflow.core.protobuf.config_pb2 import ConfigProto, RunOptions
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

from serving.process.turns import Turns
from serving.runtime.errors import ServingError, invalid_argument, not_found
from serving.runtime.tensor_messages import Array
from serving.runtime.tensorflow_c import SavedModel, TensorFlowError

Names = tuple[str, ...]
_TAG = "serve"
_MAX_CACHED_OUTPUTS = 64
_loading = Turns(60)
"""Five simultaneous first loads ended in a segmentation fault about once in 200 times."""


class Session(Protocol):
    """Something that computes a graph's outputs from its inputs."""

    def run(self, feeds: Names, fetches: Names, arrays: Sequence[Array], deadline: float | None) -> list[Array]:
        """Compute `fetches` (tensor names) from `arrays`, given for `feeds`; `deadline` is in monotonic seconds."""


@dataclass(frozen=True)
class Parallelism:
    """The sizes of TensorFlow's thread pools; 0 is TensorFlow's default for the machine."""

    intra_op: int = 0
    inter_op: int = 0


class TensorFlowSession:
    """Runs immediately on the calling thread, without Python's lock.

    It needs no `close`: its variables are freed with the last reference, that is, after the last request.
    """

    def __init__(self, model: SavedModel) -> None:
        self._model = model
        # The cache holds the model, never `self`: a cycle would put off freeing it.
        self._outputs = functools.lru_cache(_MAX_CACHED_OUTPUTS)(model.outputs)

    def run(self, feeds: Names, fetches: Names, arrays: Sequence[Array], deadline: float | None = None) -> list[Array]:
        """Compute; raises ServingError with the code and text of the operation that failed."""
        try:
            return self._model.run(self._outputs(feeds), self._outputs(fetches), arrays)
        except TensorFlowError as error:
            raise ServingError(error.code, error.message) from error


def load(path: Path, parallelism: Parallelism) -> tuple[TensorFlowSession, Mapping[str, Any]]:
    """Load the graph tagged `serve`; returns its session and its SignatureDefs."""
    if not ((path / "saved_model.pb").is_file() or (path / "saved_model.pbtxt").is_file()):
        raise not_found(
            "Specified file path does not appear to contain a SavedModel bundle (should have a file called "
            f"`saved_model.pb`)\nSpecified file path: {path}"
        )
    for file in path.rglob("*"):
        if file.exists() and not (file.is_file() or file.is_dir()):  # reading a pipe would never end
            raise invalid_argument(f"{file}: expected a file")
    config = ConfigProto(
        intra_op_parallelism_threads=parallelism.intra_op,
        inter_op_parallelism_threads=parallelism.inter_op,
    )
    # Pool -1 is the calling thread: it saves two thread switches, 28 us per call.
    run_options = RunOptions(inter_op_thread_pool=0 if parallelism.inter_op > 1 else -1)
    try:
        with _loading.one():
            model, meta_graph = SavedModel.load(path, _TAG, config.SerializeToString(), run_options.SerializeToString())
    except TensorFlowError as error:
        place = "" if str(path) in error.message else f"{path}: "  # such as for a truncated saved_model.pb
        raise ServingError(error.code, place + error.message) from error
    return TensorFlowSession(model), _signature_defs(meta_graph)


def _signature_defs(meta_graph: bytes) -> dict[str, Any]:
    # Copies: otherwise each would keep the whole graph's message in memory.
    found = MetaGraphDef.FromString(meta_graph).signature_def.items()
    return {name: type(each).FromString(each.SerializeToString()) for name, each in found}
