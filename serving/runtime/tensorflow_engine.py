"""A version's SavedModel in TensorFlow."""

from pathlib import Path

from serving.contract import Features
from serving.contract.arrays import Array
from serving.process.engines import TENSORFLOW
from serving.runtime.engine import DEFAULT_SIGNATURE
from serving.runtime.saved_model import Parallelism, load
from serving.runtime.servable import Servable
from serving.runtime.tensorflow_c import register_operations

__all__ = ["TensorFlowEngine", "load_tensorflow", "register_operations"]


class TensorFlowEngine:
    """Computes with the session of *servable*."""

    name = TENSORFLOW

    def __init__(self, servable: Servable) -> None:
        self._servable = servable

    def compute(self, features: Features) -> dict[str, Array]:
        """Return all outputs by name. Raise ServingError."""
        return self._servable.ask(DEFAULT_SIGNATURE, features)


def load_tensorflow(version: Path, threads: int) -> TensorFlowEngine:
    """Load the SavedModel in a folder; each operation may use so many threads. Raise ServingError."""
    return TensorFlowEngine(Servable.of(*load(version, Parallelism(intra_op=threads))))
