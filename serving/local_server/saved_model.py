"""A SavedModel in a TensorFlow session: the one place that calls into TensorFlow's runtime.

The session of TensorFlow 1 is used on purpose. It is what TensorFlow Serving runs on, so graphs fail with the same
errors; it computes only what is fetched; and a prepared callable costs 12 us a call where the signature function of
`tf.saved_model.load` costs 365 us (measured, a small MLP, a batch of one). Imported by its inner names, which is all
that `lean_tensorflow` leaves.
"""

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import grpc
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.client.session import Session as _Session
from tensorflow.python.framework.errors import OpError
from tensorflow.python.framework.ops import Graph
from tensorflow.python.platform import tf_logging
from tensorflow.python.saved_model import loader, tag_constants

from serving.local_server.errors import CODES, ServingError, not_found
from serving.local_server.tensors import Array

tf_logging.get_logger().setLevel("ERROR")  # or each load logs that the loader is deprecated

Names = tuple[str, ...]
Runnable = Callable[..., list[Array]]
_MOST_CALLABLES = 64
_ONE_AT_A_TIME = threading.Lock()
"""Held to load. Five first loads at the same moment have ended in a segmentation fault, if only once in some 200."""


class Session(Protocol):
    """Something that computes a graph's outputs from its inputs."""

    def run(self, feeds: Names, fetches: Names, arrays: Sequence[Array], deadline: float | None) -> list[Array]:
        """Compute `fetches` (tensor names) from `arrays`, given for `feeds`; `deadline` is in monotonic seconds."""


@dataclass(frozen=True)
class Parallelism:
    """TensorFlow's thread pools; 0 leaves it to the machine."""

    intra_op: int = 0
    inter_op: int = 0


class TensorFlowSession:
    """Runs at once, on the calling thread, whose GIL TensorFlow releases.

    It needs no `close`: with the last reference, so after the last request, its variables are freed.
    """

    def __init__(self, session: Any, inter_op: int) -> None:
        # The cache holds the TensorFlow session, never `self`: a cycle would put off freeing the model.
        self._callable = functools.lru_cache(_MOST_CALLABLES)(functools.partial(_make_callable, session, inter_op))

    def run(self, feeds: Names, fetches: Names, arrays: Sequence[Array], deadline: float | None = None) -> list[Array]:
        """Compute; raises ServingError with the code and text of the operation that failed."""
        try:
            return self._callable(feeds, fetches)(*arrays)
        except OpError as error:
            raise ServingError(CODES[error.error_code], error.message) from error


def _make_callable(session: Any, inter_op: int, feeds: Names, fetches: Names) -> Runnable:
    # Pool -1 is the calling thread, which saves two switches of thread, 28 of 40 us.
    run_options = config_pb2.RunOptions(inter_op_thread_pool=0 if inter_op > 1 else -1)
    options = config_pb2.CallableOptions(feed=feeds, fetch=fetches, run_options=run_options)
    run: Runnable = session._make_callable_from_options(options)
    return run


def load(path: Path, parallelism: Parallelism) -> tuple[TensorFlowSession, Mapping[str, Any]]:
    """Load the graph tagged `serve`; returns its session and its SignatureDefs."""
    if not ((path / "saved_model.pb").is_file() or (path / "saved_model.pbtxt").is_file()):
        raise not_found(
            "Specified file path does not appear to contain a SavedModel bundle (should have a file called "
            f"`saved_model.pb`)\nSpecified file path: {path}"
        )
    config = config_pb2.ConfigProto(
        intra_op_parallelism_threads=parallelism.intra_op,
        inter_op_parallelism_threads=parallelism.inter_op,
    )
    try:
        with _ONE_AT_A_TIME, Graph().as_default() as graph:
            session = _Session(graph=graph, config=config)
            meta_graph = loader.load(session, [tag_constants.SERVING], str(path))
    except OpError as error:
        raise ServingError(CODES[error.error_code], error.message) from error
    except OSError as error:  # the loader's word for a file that does not parse
        raise ServingError(grpc.StatusCode.OUT_OF_RANGE, str(error)) from error
    except RuntimeError as error:  # and for a tag that is not there
        raise not_found(str(error)) from error
    return TensorFlowSession(session, parallelism.inter_op), meta_graph.signature_def
