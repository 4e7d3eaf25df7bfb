"""The progress of a run on standard error: a bar on a terminal, a line from time to time elsewhere."""

import sys
import time
from typing import Any, TextIO

import click

from serving.batch.jobs.row_counts import Statistics

_LINE_SECONDS = 10.0
_BAR_SECONDS = 0.1


class Progress:
    """Progress through *size* bytes. The `with` block's end closes the bar."""

    def __init__(self, model: str, size: int, stream: TextIO = sys.stderr) -> None:
        self._model = model
        self._size = max(size, 1)
        self._before = self._source_size = self._position = 0
        self._passed = 0
        self._shown = self._started = time.monotonic()
        self.statistics = Statistics()
        self._stream = stream
        self._bar: Any = None
        if stream.isatty():
            self._bar = click.progressbar(
                length=self._size,
                label=model,
                file=stream,
                show_eta=False,
                width=0,  # as wide as the terminal allows
                item_show_func=lambda item: self._figures(),
            )

    def __enter__(self) -> "Progress":
        if self._bar:
            self._bar.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar:
            self._show_bar()
            self._bar.__exit__(*error)

    @property
    def rows(self) -> int:
        """The rows that were scored or rejected."""
        return self.statistics.rows + self.statistics.rejected

    @property
    def seconds(self) -> float:
        """The time since the start."""
        return time.monotonic() - self._started

    def source(self, size: int) -> None:
        """Start on another source, of *size* bytes."""
        self._before += self._source_size
        self._source_size, self._position = size, self._before

    def passed(self, position: int) -> None:
        """Note that rows up to *position* in the source need no work."""
        self._passed += self._place(position) - self._position
        self._move(position)

    def scored(self, position: int, statistics: Statistics) -> None:
        """Note that rows up to *position* in the source are scored."""
        self.statistics.add(statistics)
        self._move(position)

    def _move(self, position: int) -> None:
        self._position = self._place(position)
        now = time.monotonic()
        if now - self._shown >= (_BAR_SECONDS if self._bar else _LINE_SECONDS):
            self._shown = now
            if self._bar:
                self._show_bar()
            else:
                percent = 100 * self._position // self._size
                click.echo(f"{self._model}: {percent}%, {self.rows:,} rows, {self._figures()}", file=self._stream)

    def _place(self, position: int) -> int:
        return self._before + min(position, self._source_size)

    def _show_bar(self) -> None:
        self._bar.update(self._position - self._bar.pos)
        self._bar.render_progress()

    def _figures(self) -> str:
        """Return rows per second, rejects and the remaining time as text."""
        seconds = max(self.seconds, 1e-9)
        figures = f"{self.rows / seconds:,.0f} rows/s, {self.statistics.rejected:,} rejected"
        done = self._position - self._passed
        if done > 0 and self._position < self._size:
            figures += f", {_clock(seconds * (self._size - self._position) / done)} left"
        return figures


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
