"""Progress of long fits in a few plain lines, which read as well in a pod's log as in a terminal."""

import time
from typing import Any

import click
import keras

LINES = 10


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """Prints loss and metrics after about a tenth of the epochs each."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Print a line, if it is time for one."""
        epochs = self.params["epochs"]
        if (epoch + 1) % max(1, epochs // LINES) and epoch + 1 < epochs:
            return
        figures = "  ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items())
        click.echo(f"  epoch {epoch + 1}/{epochs}  {figures}  ({time.monotonic() - self._started:.0f} s)")
