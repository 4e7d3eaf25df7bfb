"""Reads settings from the text of environment variables. Each function raises ValueError with what it expected."""

import os
import re
from importlib.util import find_spec
from pathlib import Path

from serving.catalog.weights_file import read_weights
from serving.gateway.middleware.key_file import read_keys
from serving.gateway.middleware.rates import parse_rates
from serving.registry.signing_keys import read_public_key
from serving.registry.versions import MODEL_NAME

_SHARE = re.compile(rf"({MODEL_NAME.pattern}):([0-9]{{1,18}})=([0-9]{{1,3}}(?:\.[0-9]+)?)%?", re.ASCII)
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:]+\])(:(?P<port>[0-9]{1,5}))?", re.ASCII
)
"""Host names are in lower case, and those of other scripts in Punycode."""
EVERY = ("*",)
"""The setting MODELS for every model in the models folder."""
_SWITCH = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
_MAX_SECONDS = 3600
_LEAST_BUDGET, _MAX_BUDGET = 4, 100_000


def address(text: str) -> str:
    """Read `host:port`, or a target with a gRPC scheme."""
    host, colon, port = text.rpartition(":")
    if text.startswith(("unix:", "ipv4:", "ipv6:", "dns:")) or (
        colon and host and "://" not in text and _is_port(port)
    ):
        return text
    raise ValueError("expected host:port, such as localhost:8500")


def models_dir(text: str) -> Path:
    """Read the path of the models folder."""
    if not os.path.isdir(text):
        raise ValueError("there is no such folder")
    return Path(text)


def models(text: str) -> tuple[str, ...]:
    """Read names separated by commas, or `*` for every model in the models folder."""
    if text.strip() == EVERY[0]:
        return EVERY
    names = tuple(name.strip() for name in text.split(","))
    wrong = [name for name in names if not MODEL_NAME.fullmatch(name)]
    if wrong:
        raise ValueError(
            f"expected names of lower-case letters, digits, _ and -, separated by commas, got {wrong[0]!r}"
        )
    if len(set(names)) < len(names):
        raise ValueError("a name is listed twice")
    return names


def canary(text: str) -> dict[str, dict[int, float]]:
    """Read `model:version=percent,...`, each above 0."""
    shares = shadow(text)
    if none := [model for model, versions in shares.items() if not all(versions.values())]:
        raise ValueError(_expected_shares(none[0], "above 0"))
    return shares


def shadow(text: str) -> dict[str, dict[int, float]]:
    """Read `model:version=percent,...`, where 0 is a share too."""
    shares: dict[str, dict[int, float]] = {}
    for part in text.split(","):
        found = _SHARE.fullmatch(part.strip())
        if not found:
            raise ValueError(
                f"expected model:version=percent, such as sentiment:4=5, separated by commas, got {part!r}"
            )
        model, version, percent = found[1], int(found[2]), float(found[3])
        if version in shares.setdefault(model, {}):
            raise ValueError(f"version {version} of {model} is listed twice")
        shares[model][version] = percent
        if sum(shares[model].values()) > 100:
            raise ValueError(_expected_shares(model, "from 0 on"))
    return shares


def _expected_shares(model: str, least: str) -> str:
    return f"expected shares of {model} {least}, and at most 100 percent in total"


def weights_file(text: str) -> Path:
    """Read the path of a weights document."""
    read_weights(Path(text))
    return Path(text)


def seconds(text: str) -> float:
    """Read seconds, above 0 and at most an hour."""
    seconds = _float(text)
    if not 0 < seconds <= _MAX_SECONDS:  # so written that NaN fails too
        raise ValueError(f"expected seconds, above 0 and at most {_MAX_SECONDS}")
    return seconds


def pause(text: str) -> float:
    """Read seconds, which may be 0."""
    seconds = _float(text)
    if not 0 <= seconds <= _MAX_SECONDS:
        raise ValueError(f"expected seconds, at least 0 and at most {_MAX_SECONDS}")
    return seconds


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0


def count(text: str) -> int:
    """Read a whole number, at least 1."""
    if not (text.isdecimal() and int(text) > 0):
        raise ValueError("expected a whole number, at least 1")
    return int(text)


def whole(text: str) -> int:
    """Read a whole number, at least 0."""
    if not text.isdecimal():
        raise ValueError("expected a whole number, at least 0")
    return int(text)


def budget(text: str) -> int:
    """Read how many instances an explanation may have answered; 0 for no explanations."""
    number = whole(text)
    if 0 < number < _LEAST_BUDGET or number > _MAX_BUDGET:
        raise ValueError(f"expected {_LEAST_BUDGET} to {_MAX_BUDGET:,} predictions, or 0 for no explanations")
    return number


def port(text: str) -> int:
    """Read a port."""
    if not _is_port(text):
        raise ValueError("expected a port, 1 to 65535")
    return int(text)


def _is_port(text: str) -> bool:
    return text.isdecimal() and 1 <= int(text) <= 65535


def switch(text: str) -> bool:
    """Read `on` or `off`."""
    if text.lower() not in _SWITCH:
        raise ValueError("expected on or off")
    return _SWITCH[text.lower()]


def pinning(text: str) -> bool:
    """Read `on` or `off`; on requires that a process may choose its processors."""
    if (pinned := switch(text)) and not hasattr(os, "sched_setaffinity"):
        raise ValueError("this system does not let a process choose its processors")
    return pinned


def tracing(text: str) -> bool:
    """Read `on` or `off`; on requires OpenTelemetry."""
    wanted = switch(text)
    if wanted and not _has_opentelemetry():
        raise ValueError("needs OpenTelemetry: pip install 'plumbline[serve,otel]'")
    return wanted


def _has_opentelemetry() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.grpc") is not None
    except ModuleNotFoundError:
        return False


def log_format(text: str) -> str:
    """Read the form of the log, `text` or `json`."""
    if text not in ("text", "json"):
        raise ValueError("expected text or json")
    return text


def file(text: str) -> Path:
    """Read the path of a readable file."""
    try:
        with open(text, "rb") as opened:
            opened.read(1)
    except OSError as error:
        raise ValueError(f"expected a file that can be read: {error.strerror}") from error
    return Path(text)


def keys_file(text: str) -> Path:
    """Read the path of a file with hashes of API keys."""
    read_keys(file(text))
    return Path(text)


def public_keys(text: str) -> tuple[Path, ...]:
    """Read the paths of files of public keys, separated by commas."""
    paths = tuple(file(part.strip()) for part in text.split(","))
    for path in paths:
        try:
            read_public_key(path)
        except ImportError as error:
            raise ValueError("needs cryptography: pip install 'plumbline[signing]'") from error
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    return paths


def origins(text: str) -> tuple[str, ...]:
    """Read origins separated by commas, each written as browsers send it, or `*` alone."""
    found = tuple(part.strip() for part in text.split(","))
    if found == ("*",):
        return found
    if wrong := [origin for origin in found if not _is_origin(origin)]:
        expected = "expected origins as browsers send them, such as https://app.example or http://localhost:3000"
        raise ValueError(f"{expected}, separated by commas, or * alone, got {wrong[0]!r}")
    if len(set(found)) < len(found):
        raise ValueError("an origin is listed twice")
    return found


def _is_origin(text: str) -> bool:
    """Return whether *text* is an origin as the HTML standard serialises it: never with a default port or a slash."""
    found = _ORIGIN.fullmatch(text)
    if not found:
        return False
    scheme, port = found["scheme"], found["port"]
    return port is None or (_is_port(port) and port[0] != "0" and port != {"http": "80", "https": "443"}[scheme])


def rate(text: str) -> str:
    """Read a rate such as 100/second."""
    parse_rates(text)
    return text
