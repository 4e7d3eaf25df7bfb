"""Warm-up's TFRecord files: a record is its length, its bytes, and a checksum of each."""

import struct
from collections.abc import Iterator
from pathlib import Path

from serving.runtime.errors import ServingError
from serving.tfserving.codes import Code

_LENGTH = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
_CASTAGNOLI = 0x82F63B78


def read_records(path: Path) -> Iterator[bytes]:
    """Yield the records of a file; raises ServingError (DATA_LOSS) at a damaged one."""
    with path.open("rb") as file:
        while head := file.read(_LENGTH.size):
            start = file.tell() - len(head)
            if len(head) < _LENGTH.size:
                raise _lost(f"truncated record at {start}")
            length, checksum = _LENGTH.unpack(head)
            if _masked(_crc32c(head[:8])) != checksum:
                raise _lost(f"corrupted record at {start} (Is this even a TFRecord file?)")
            record, end = file.read(length), file.read(_CHECKSUM.size)
            if len(record) < length or len(end) < _CHECKSUM.size:
                raise _lost(f"truncated record at {start}")
            if _masked(_crc32c(record)) != _CHECKSUM.unpack(end)[0]:
                raise _lost(f"corrupted record at {start}")
            yield record


def _lost(what: str) -> ServingError:
    return ServingError(Code.DATA_LOSS, f"{what}. Please verify your warmup data is in TFRecord format.")


def _row(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (_CASTAGNOLI if value & 1 else 0)
    return value


_TABLE = [_row(value) for value in range(256)]


def _crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _masked(crc: int) -> int:
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
