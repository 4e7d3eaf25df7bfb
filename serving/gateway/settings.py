"""The gateway's settings, and the one function that reads them from the environment."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from serving.contract import InstanceLimits

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_SHARE = re.compile(rf"({_NAME.pattern}):([0-9]{{1,18}})=([0-9]{{1,3}}(?:\.[0-9]+)?)%?", re.ASCII)


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
    max_text_characters: int = 100_000
    max_image_pixels: int = 50_000_000
    max_image_bytes: int = 10 * 1024 * 1024
    max_json_depth: int = 32
    bind: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    threads: int = 64
    max_concurrency: int = 32
    max_queue: int = 24
    max_batch_rows: int = 64
    max_batch_bytes: int = 64 * 1024
    max_batch_calls: int = 1
    canary: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    metrics_dir: Path | None = None

    @property
    def instance_limits(self) -> InstanceLimits:
        """How large an instance may be."""
        return InstanceLimits(self.max_text_characters, self.max_image_pixels, self.max_image_bytes)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the environment; raises InvalidSettings, with all that is wrong at once.

        `metrics_dir` is PROMETHEUS_MULTIPROC_DIR, since prometheus_client reads that too.
        """
        values: dict[str, Any] = {}
        problems = []
        for name in (setting.name for setting in fields(cls)):
            variable = "PROMETHEUS_MULTIPROC_DIR" if name == "metrics_dir" else name.upper()
            text = environ.get(variable, "")
            if text:  # an empty variable is as good as none: that is how compose files leave one out
                try:
                    values[name] = _READERS[name](text)
                except ValueError as error:
                    problems.append(f"{variable}={text!r}: {error}")
        unknown = sorted(values.get("canary", {}).keys() - set(values.get("models", cls.models)))
        if unknown:
            problems.append(f"CANARY={environ['CANARY']!r}: {unknown[0]} is not one of MODELS")
        if problems:
            raise InvalidSettings("\n".join(problems))
        return cls(**values)


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if text.startswith(("unix:", "ipv4:", "ipv6:", "dns:")) or (
        colon and host and "://" not in text and _is_port(port)
    ):
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


def _canary(text: str) -> dict[str, dict[int, float]]:
    """Read `model:version=percent,...`."""
    shares: dict[str, dict[int, float]] = {}
    for part in text.split(","):
        found = _SHARE.fullmatch(part.strip())
        if not found:
            raise ValueError(
                f"expected model:version=percent, such as sentiment:4=5, separated by commas; got {part!r}"
            )
        model, version, percent = found[1], int(found[2]), float(found[3])
        if version in shares.setdefault(model, {}):
            raise ValueError(f"version {version} of {model} stands there twice")
        shares[model][version] = percent
        if percent <= 0 or sum(shares[model].values()) > 100:
            raise ValueError(f"expected shares of {model} of more than 0 and at most 100 percent together")
    return shares


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


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("expected a whole number, at least 0")
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
    "max_text_characters": _count,
    "max_image_pixels": _count,
    "max_image_bytes": _count,
    "max_json_depth": _count,
    "bind": str,
    "port": _port,
    "workers": _count,
    "threads": _count,
    "max_concurrency": _count,
    "max_queue": _whole,
    "max_batch_rows": _count,
    "max_batch_bytes": _count,
    "max_batch_calls": _count,
    "canary": _canary,
    "metrics_dir": Path,
}
