"""A recurrent network over series and texts."""

from dataclasses import dataclass
from typing import Any

import keras

from training.errors import BadRequest
from training.networks.mixed import Mixed

CELLS = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


@dataclass(frozen=True, kw_only=True)
class Recurrent(Mixed):
    """Reads each series and text step by step, and joins what it remembers at the end with all other inputs.

    *cell* is "gru" or "lstm", with a state of *state* numbers; a *bidirectional* one reads backwards too. Raises
    BadRequest if a setting is out of range.
    """

    cell: str = "gru"
    state: int = 32
    bidirectional: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cell not in CELLS or self.state < 1:
            raise BadRequest(f"cell must be one of {', '.join(CELLS)}, state at least 1")

    def _text(self, tokens: Any, counts: Any) -> Any:
        return self._steps(tokens, counts)

    def _steps(self, steps: Any, counts: Any | None) -> Any:
        # Without cuDNN's kernels, on a GPU too: the graph must run wherever it is served.
        cell = CELLS[self.cell](self.state, use_cudnn=False, kernel_regularizer=self._penalty())
        return (keras.layers.Bidirectional(cell) if self.bidirectional else cell)(steps, mask=counts)
