"""Whether the contract beside a graph is the one that the graph carries, told without TensorFlow.

Who serves a version in its own process reads the contract's file. A model server gives the one in the graph, a
constant whose bytes stand in `saved_model.pb` after their number.
"""

import mmap
import os
from pathlib import Path

from serving.errors import ContractError
from serving.registry.versions import CONTRACT, SAVED_MODEL, read_contract


def carried_contract(version: Path) -> bytes:
    """Read the JSON of the contract of the version in a folder. Raise ContractError if its graph lacks it, OSError."""
    document = read_contract(version)
    if not _contains(version / SAVED_MODEL, _varint(len(document)) + document):
        raise ContractError(
            f"{CONTRACT}: expected the contract that the graph carries, got another: publish the version again"
        )
    return document


def _contains(path: Path, content: bytes) -> bool:
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:  # which can't be mapped
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return mapped.find(content) >= 0


def _varint(number: int) -> bytes:
    """Write a number as protobuf writes the length of a text."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)
