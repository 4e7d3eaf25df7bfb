"""The batching parameters file; it is read before TensorFlow is imported, so that a mistake is reported at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from typing import Any

from serving.runtime.errors import invalid_argument
from serving.runtime.text_protos import read_text_proto
from serving.tfserving import rebuilt_messages


@dataclass(frozen=True)
class BatchingParameters:
    """TensorFlow Serving's BatchingParameters, with its defaults."""

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = cpu_count() or 1
    thread_pool_name: str = "batch_threads"
    allowed_batch_sizes: tuple[int, ...] = ()
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int = 0
    pad_variable_length_inputs: bool = False

    def __post_init__(self) -> None:
        if self.pad_variable_length_inputs:
            raise invalid_argument("pad_variable_length_inputs is not supported by this server")
        for problem in self._problems():
            raise invalid_argument(problem)

    def _problems(self) -> Iterator[str]:
        """Yield what TensorFlow Serving refuses, in its order and its words."""
        last = self.allowed_batch_sizes[-1] if self.allowed_batch_sizes else self.max_batch_size
        if last != self.max_batch_size:  # even if large batches are split
            yield (
                f"Last entry in allowed_batch_sizes must match max_batch_size; last entry was {last}; "
                f"expected {self.max_batch_size}"
            )
        if self.num_batch_threads < 1:
            yield f"num_batch_threads must be positive; was {self.num_batch_threads}"
        if self.max_batch_size < 1:
            yield f"input_batch_size_limit must be positive; was {self.max_batch_size}"
        if self.batch_timeout_micros < 0:
            yield f"batch_timeout_micros must be non-negative; was {self.batch_timeout_micros}"
        if self.max_enqueued_batches < 1:
            yield f"max_enqueued_batches must be positive; was {self.max_enqueued_batches}"
        if self.enable_large_batch_splitting and not 0 <= self.max_execution_batch_size <= self.max_batch_size:
            yield (
                "When enable_large_batch_splitting is true, input_batch_size_limit must be greater than or equal to "
                f"max_execution_batch_size. They are {self.max_batch_size} and {self.max_execution_batch_size}"
            )

    @property
    def largest_batch(self) -> int:
        """The maximum rows that are run at once; larger requests must be split."""
        split = self.enable_large_batch_splitting and self.max_execution_batch_size
        return self.max_execution_batch_size if split else self.max_batch_size


def read_batching_parameters(path: Path) -> BatchingParameters:
    """Read a text BatchingParameters; raises ServingError."""
    message = read_text_proto(path, rebuilt_messages.BatchingParameters())
    return BatchingParameters(**{field.name: _plain(value) for field, value in message.ListFields()})


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return value.value if hasattr(value, "value") else tuple(value)
