"""When a process accepts its first connection: not before it can answer. Others, which can, take them meanwhile."""

from collections.abc import Callable

from flask import Flask

_EXTENSION = "plumbline_can_answer"


def register_can_answer(app: Flask, can_answer: Callable[[], bool]) -> None:
    """Let *app* say by *can_answer* whether waiting alone would make it answer more. `can_answer` asks it."""
    app.extensions[_EXTENSION] = can_answer


def can_answer(app: Flask) -> bool:
    """Return whether *app* answers as well as it will by waiting alone."""
    return bool(app.extensions[_EXTENSION]())
