"""A version's lite form in LiteRT."""

from collections import deque
from contextlib import suppress
from typing import Any

from ai_edge_litert.interpreter import Interpreter

from serving.contract import Features
from serving.contract.arrays import Array
from serving.process.engines import LITE
from serving.process.quiet_import import quiet_import
from serving.runtime.engine import DEFAULT_SIGNATURE
from serving.runtime.errors import ServingError, invalid_argument
from serving.tfserving.codes import Code


class LiteEngine:
    """Computes with as many interpreters as there are computations at a time, each on the calling thread."""

    name = LITE

    def __init__(self, document: bytes) -> None:
        """Load the file's content. Raise ServingError."""
        self._document = document  # the interpreters read the weights in it
        self._idle: deque[Any] = deque()
        try:
            with quiet_import():
                self._idle.append(self._new())
        except (ValueError, RuntimeError) as error:
            raise ServingError(Code.DATA_LOSS, f"LiteRT can't load it: {error}") from error

    def compute(self, features: Features) -> dict[str, Array]:
        """Return all outputs by name. Raise ServingError."""
        runner = self._take()
        try:
            outputs: dict[str, Array] = runner(**features)
        except (RuntimeError, ValueError) as error:  # the interpreter may not be sound any more: it is not put back
            raise invalid_argument(str(error)) from error
        self._idle.append(runner)
        return outputs

    def _take(self) -> Any:
        with suppress(IndexError):
            return self._idle.pop()
        return self._new()

    def _new(self) -> Any:
        interpreter = Interpreter(model_content=self._document, num_threads=1)
        interpreter.allocate_tensors()  # here, for it logs at the first time
        return interpreter.get_signature_runner(DEFAULT_SIGNATURE)
