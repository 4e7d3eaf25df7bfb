"""Reads the settings of captures. Each function raises ValueError with what it expected."""

import re
from datetime import timedelta
from importlib import import_module
from pathlib import Path

from serving.gateway.setting_readers import EVERY, file
from serving.process.masking import has_password
from serving.registry.versions import MODEL_NAME

_AGE = re.compile(r"([0-9]{1,5})([hd])")
_UNITS = {"h": "hours", "d": "days"}
_LEAST_KEY_BYTES = 16


def place(text: str) -> str:
    """Read a folder, which is made if need be, or a URL."""
    if "://" in text:
        if has_password(text):
            raise ValueError("expected an address without user and password")
        _check_scheme(text.partition("://")[0])
    elif Path(text).exists() and not Path(text).is_dir():
        raise ValueError("expected a folder or a URL, got a file")
    return text


def _check_scheme(scheme: str) -> None:
    """Raise ValueError if there is no package for it. Nothing is opened, since processes are forked after this."""
    try:
        import_module("fsspec").get_filesystem_class(scheme)
    except ImportError as error:
        raise ValueError(f"{error}: pip install 'plumbline[batch]'; for s3:// 'plumbline[s3]'") from error


def share(text: str) -> float:
    """Read a share, 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:  # so written that NaN fails too
        raise ValueError(f"expected a share, 0 to 1, got {text!r}")
    return value


def shares(text: str) -> dict[str, float]:
    """Read `0.1`, `sentiment=1`, or such separated by commas: the share without a name is that of all other models."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, equals, value = part.strip().rpartition("=")
        name = name.strip() if equals else EVERY[0]
        if equals and not MODEL_NAME.fullmatch(name):
            raise ValueError(f"expected shares such as 0.1,sentiment=1, got {part.strip()!r}")
        if name in found:
            raise ValueError(f"the share of {name} is there twice")
        found[name] = share(value)
    return found


def low_score(text: str) -> tuple[float, float]:
    """Read `0.6=1`: the score below which requests are taken with a share of their own."""
    score, equals, of_those = text.partition("=")
    if not equals:
        raise ValueError("expected score=share, such as 0.6=1")
    return share(score), share(of_those)


def age(text: str) -> timedelta:
    """Read hours or days, such as 30d."""
    found = _AGE.fullmatch(text)
    if not found or not int(found[1]):
        raise ValueError("expected hours or days, such as 12h or 30d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def key_file(text: str) -> Path:
    """Read the path of a file with a key: any bytes, enough that nobody finds them by trying."""
    path = file(text)
    if path.stat().st_size < _LEAST_KEY_BYTES:
        raise ValueError(f"expected at least {_LEAST_KEY_BYTES} bytes, such as of `openssl rand -hex 32`")
    return path
