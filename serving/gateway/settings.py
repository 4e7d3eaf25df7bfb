"""The gateway's settings, and the one function that reads them from the environment."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class InvalidSettings(ValueError):
    """Some settings can't be used; the message has a line for each."""


@dataclass(frozen=True)
class Settings:
    """Each field is read from the environment variable of its name in capitals; `metrics_dir`, see `from_env`."""

    model_server: str = "localhost:8500"
    models: tuple[str, ...] = ("sentiment", "topic", "house_price", "image", "digits")
    deadline_seconds: float = 5.0
    refresh_seconds: float = 1.0
    max_body_bytes: int = 16 * 1024 * 1024
    max_instances: int = 512
    bind: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    threads: int = 8
    metrics_dir: Path | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the environment; raises InvalidSettings, with all that is wrong at once.

        `metrics_dir` is PROMETHEUS_MULTIPROC_DIR, since prometheus_client reads that too.
        """
        values: dict[str, Any] = {}
        problems = []
        for field in fields(cls):
            variable = "PROMETHEUS_MULTIPROC_DIR" if field.name == "metrics_dir" else field.name.upper()
            text = environ.get(variable, "")
            if text:  # an empty variable is as good as none: that is how compose files leave one out
                try:
                    values[field.name] = _READERS[field.name](text)
                except ValueError as error:
                    problems.append(f"{variable}={text!r}: {error}")
        if problems:
            raise InvalidSettings("\n".join(problems))
        return cls(**values)


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if text.startswith("unix:") or (colon and host and "://" not in text and _is_port(port)):
        return text
    raise ValueError("expected host:port, such as localhost:8500")


def _models(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    if wrong:
        raise ValueError(f"expected names of small letters, digits, _ and -, separated by commas; got {wrong[0]!r}")
    if len(set(names)) < len(names):
        raise ValueError("a name stands there twice")
    return names


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:  # written so that NaN fails too
        raise ValueError("expected seconds, more than 0 and at most 3600")
    return seconds


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise ValueError("expected a whole number, at least 1")
    return int(text)


def _port(text: str) -> int:
    if not _is_port(text):
        raise ValueError("expected a port, 1 to 65535")
    return int(text)


def _is_port(text: str) -> bool:
    return text.isdecimal() and 1 <= int(text) <= 65535


_READERS: dict[str, Callable[[str], Any]] = {
    "model_server": _address,
    "models": _models,
    "deadline_seconds": _seconds,
    "refresh_seconds": _seconds,
    "max_body_bytes": _count,
    "max_instances": _count,
    "bind": str,
    "port": _port,
    "workers": _count,
    "threads": _count,
    "metrics_dir": Path,
}
