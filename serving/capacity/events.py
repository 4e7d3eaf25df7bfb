"""A clock of discrete events: it goes from one to the next."""

import heapq
import itertools
from collections.abc import Callable
from typing import Any


class Clock:
    """Calls what is due in the order of time, and what is due at the same time in the order of asking."""

    def __init__(self) -> None:
        self.now = 0.0
        self._number = itertools.count()
        self._due: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []

    def at(self, time: float, action: Callable[..., object], *arguments: Any) -> None:
        """Call *action* at *time*, in seconds."""
        heapq.heappush(self._due, (time, next(self._number), action, arguments))

    def after(self, seconds: float, action: Callable[..., object], *arguments: Any) -> None:
        """Call *action* when *seconds* have passed."""
        self.at(self.now + seconds, action, *arguments)

    def run(self) -> None:
        """Go on until nothing is due any more."""
        while self._due:
            self.now, _, action, arguments = heapq.heappop(self._due)
            action(*arguments)
