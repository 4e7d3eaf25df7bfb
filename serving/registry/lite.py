"""A version's lite form: the graph of its SavedModel for LiteRT, in a file beside it.

The contract's provenance has the file's digest. So a file that was cut or replaced is never computed, and a version
without such a digest has no lite form.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from serving.errors import ContractError
from serving.registry.versions import read_contract

LITE_FILE = "assets.extra/model.tflite"
"""The file in a version's folder."""

_MOST_BYTES = 2**31 - 1
"""FlatBuffers, the format of LiteRT's files, has 32-bit offsets."""


def read_lite(version: Path) -> bytes | None:
    """Read the lite form of the version in a folder; None if it has none. Raise OSError or ContractError."""
    digest = lite_facts(read_contract(version)).get("sha256")
    if digest is None:
        return None
    path = version / LITE_FILE
    if not path.is_file() or path.stat().st_size > _MOST_BYTES:
        raise ContractError(f"{LITE_FILE}: expected the file that its contract names, of at most {_MOST_BYTES} bytes")
    document = path.read_bytes()
    if hashlib.sha256(document).hexdigest() != digest:
        raise ContractError(f"{LITE_FILE}: expected the SHA-256 {digest}, which its contract names, got another file")
    return document


def lite_facts(document: bytes) -> dict[str, Any]:
    """Return what the JSON of a contract says about the lite form; nothing if it can't be read."""
    try:
        facts = json.loads(document)["provenance"]["lite"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}
