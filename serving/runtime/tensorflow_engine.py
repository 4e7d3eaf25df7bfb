"""A version's SavedModel in TensorFlow."""

from pathlib import Path

from serving.contract import Features
from serving.contract.arrays import Array
from serving.process.engines import TENSORFLOW
from serving.runtime.engine import DEFAULT_SIGNATURE
from serving.runtime.saved_model import Parallelism, load
from serving.runtime.servable import Servable


class TensorFlowEngine:
    """Computes with a session of its own."""

    name = TENSORFLOW

    def __init__(self, version: Path, threads: int) -> None:
        """Load the SavedModel in a folder; each operation may use so many threads. Raise ServingError."""
        self._servable = Servable.of(*load(version, Parallelism(intra_op=threads)))

    def compute(self, features: Features) -> dict[str, Array]:
        """Return all outputs by name. Raise ServingError."""
        return self._servable.ask(DEFAULT_SIGNATURE, features)
