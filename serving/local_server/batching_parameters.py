"""How to batch, as the parameters file says; read before TensorFlow is imported, so that a mistake shows at once."""

from dataclasses import dataclass
from os import cpu_count

from serving.local_server.errors import invalid_argument


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
        if min(self.max_batch_size, self.max_enqueued_batches, self.num_batch_threads) < 1:
            raise invalid_argument("max_batch_size, max_enqueued_batches and num_batch_threads must be positive")
        if self.allowed_batch_sizes and self.allowed_batch_sizes[-1] != self.largest_batch:
            raise invalid_argument(
                "Last entry in allowed_batch_sizes must match max_batch_size; last entry was "
                f"{self.allowed_batch_sizes[-1]}; expected {self.largest_batch}"
            )

    @property
    def largest_batch(self) -> int:
        """The most rows that are run at once; requests may be larger only if they are split."""
        split = self.enable_large_batch_splitting and self.max_execution_batch_size
        return self.max_execution_batch_size if split else self.max_batch_size
