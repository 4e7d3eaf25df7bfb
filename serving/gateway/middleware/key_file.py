"""The file of API keys: a line `name sha256:<hex>` for each. The keys themselves are stored nowhere.

A line may end with what its key may do: `models=sentiment,topic`, `rate=10/second,burst=50` and `captures=read`.

A key has 32 random bytes, so nobody can find it from its SHA-256. Slow hashes are for passwords.
"""

import hashlib
import hmac
import logging
import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from serving.gateway.middleware.rates import Rate, parse_rates
from serving.registry.versions import MODEL_NAME

_log = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
_MAX_KEYS = 1000
_LINE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63})\s+sha256:([0-9a-f]{64})((?:\s+[a-z]+=\S+)*)")
_EVERY = "*"
_EXPECTED = "`name sha256:<64 hex digits>`, after which `models=a,b`, `rate=10/second` and `captures=read` may follow,"
_READ = "read"


@dataclass(frozen=True)
class KeyLine:
    """A key's owner and hash, the models that it may use, or None for all, and its own rates, if it has any.

    *reads_captures* is whether it may see what callers of these models sent.
    """

    owner: str
    digest: bytes
    models: frozenset[str] | None = None
    rates: tuple[Rate, ...] = ()
    reads_captures: bool = False

    def __str__(self) -> str:
        models = () if self.models is None else (f"models={','.join(sorted(self.models))}",)
        rates = (f"rate={';'.join(rate.text for rate in self.rates)}",) if self.rates else ()
        captures = (f"captures={_READ}",) if self.reads_captures else ()
        return " ".join([f"{self.owner} sha256:{self.digest.hex()}", *models, *rates, *captures])


def make_key(owner: str, models: str = _EVERY, rate: str = "", reads_captures: bool = False) -> tuple[str, KeyLine]:
    """Make a key and its line in the file. Raise ValueError if *owner*, *models* or *rate* can't stand there."""
    key = f"plumbline_{secrets.token_urlsafe(32)}"
    line = KeyLine(owner, _digest(key), _models(models), parse_rates(rate) if rate else (), reads_captures)
    if not _LINE.fullmatch(str(line)):
        raise ValueError(f"expected a name of at most 64 letters, digits, '.', '_' and '-', got {owner!r}")
    return key, line


def read_keys(path: Path) -> tuple[KeyLine, ...]:
    """Read the file, whose lines may be empty or start with #. Raise ValueError or OSError."""
    lines = enumerate(path.read_text("utf-8").splitlines(), 1)
    used = [(number, line.strip()) for number, line in lines if line.strip() and not line.startswith("#")]
    found = [(number, _read(line)) for number, line in used]
    if wrong := [str(number) for number, line in found if not line]:
        # The line itself is not shown: it may contain a key.
        raise ValueError(f"expected {_EXPECTED} in line {', '.join(wrong[:5])}")
    if len(found) > _MAX_KEYS:
        raise ValueError(f"expected at most {_MAX_KEYS} keys, got {len(found)}")
    return tuple(line for _, line in found if line)


def _read(text: str) -> KeyLine | None:
    """Read a line, or return None if it is not valid."""
    if not (match := _LINE.fullmatch(text)):
        return None
    rights = [right.split("=", 1) for right in match[3].split()]
    named = dict(rights)
    if len(named) < len(rights) or named.keys() - {"models", "rate", "captures"}:
        return None
    if named.get("captures", _READ) != _READ:
        return None
    try:
        rates = parse_rates(named["rate"]) if "rate" in named else ()
        return KeyLine(
            match[1], bytes.fromhex(match[2]), _models(named.get("models", _EVERY)), rates, "captures" in named
        )
    except ValueError:
        return None


def _models(text: str) -> frozenset[str] | None:
    if text == _EVERY:
        return None
    names = frozenset(text.split(","))
    if wrong := [name for name in names if not MODEL_NAME.fullmatch(name)]:
        raise ValueError(f"expected names of models, separated by commas, or {_EVERY}, got {wrong[0]!r}")
    return names


class KeyFile:
    """The keys in a file, which is read again within a second after it changes. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._stat()
        self._keys = read_keys(path)
        self._check_at = 0.0

    def find(self, key: str) -> KeyLine | None:
        """Return the line of *key*, or None. Every line is compared, so that the time taken reveals nothing."""
        self._follow()
        digest, found = _digest(key), None
        for line in self._keys:
            if hmac.compare_digest(line.digest, digest):
                found = line
        return found

    def _follow(self) -> None:
        now = time.monotonic()
        if now < self._check_at:
            return
        self._check_at = now + CHECK_SECONDS
        try:
            stamp = self._stat()
            if stamp != self._stamp:
                self._keys = self._read_again(stamp)
        except (OSError, ValueError) as error:
            _log.error("%s can't be read again; the API keys read before stay valid: %s", self._path, error)

    def _read_again(self, stamp: tuple[int, int, int]) -> tuple[KeyLine, ...]:
        try:
            keys = read_keys(self._path)
        except ValueError:
            self._stamp = stamp  # logged once; a file that can't be opened is tried, and logged, until it can
            raise
        self._stamp = stamp
        _log.info("%s was read again: %d API keys", self._path, len(keys))
        return keys

    def _stat(self) -> tuple[int, int, int]:
        stat = os.stat(self._path)  # of the file behind Kubernetes' links, which are replaced as a whole
        return stat.st_mtime_ns, stat.st_ino, stat.st_size


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
