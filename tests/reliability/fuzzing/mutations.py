"""Mutates bytes: anywhere, or, where they are JSON, at a place in the document."""

import copy
import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

MAX_BYTES = 200_000
"""What grows beyond is cut: large inputs have tests of their own."""

_TOKENS = [
    *(b"\x00", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r\n", b'"', b",", b";", b"[", b"]", b"{", b"}", b"\\"),
    *(
        b"NaN",
        b"Infinity",
        b"-1e999",
        b"null",
        b"true",
        b"\\ud800",
        b"9" * 400,
        b"-0",
        b"1e-400",
        b"''",
        b'""',
        b"=" * 9,
    ),
    *(b"--x", b"--x--", b"Content-Disposition: form-data", b"; filename=", b"\xe2\x80\xa8", b"\x1a", b"[[" * 50),
    *(b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00"),
]
_ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 1.5, 1e308, -1e308, 10**30, 2**63, "", "x", "\x00", "\ud800", "9" * 400, "x" * 3000),
    *(
        [],
        {},
        [[]],
        [None],
        [1, 2],
        {"a": 1},
        "NaN",
        "2026-02-30",
        "AAAA",
        "%%%",
        [[[[[[[[[[[[1]]]]]]]]]]]],
        ["x"] * 300,
    ),
]


def mutated(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return one of *seeds* with one to four mutations, drawn by *chance*."""
    data = chance.choice(seeds)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        document = _document(data) if chance.random() < 0.6 else None
        data = _bytes(chance, data, seeds) if document is None else _json(chance, document)
    return data[:MAX_BYTES]


def _document(data: bytes) -> Any:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict | list) else None


def _json(chance: random.Random, document: Any) -> bytes:
    document = copy.deepcopy(document)
    holder, key = chance.choice([*_places(document)] or [([document], 0)])
    match chance.randrange(5):
        case 0 if isinstance(holder, dict):
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        case 2 if isinstance(holder, dict):
            holder[chance.choice(["", "x", "instances", "inputs", "\x00", *holder])] = chance.choice(_ODD)
        case 3:
            other, place = chance.choice([*_places(document)] or [([document], 0)])
            holder[key] = copy.deepcopy(other[place])
        case _:
            holder[key] = chance.choice(_ODD)
    return json.dumps(document).encode()


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    waiting = [document]
    while waiting:
        holder = waiting.pop()
        for key, value in [*holder.items()] if isinstance(holder, dict) else [*enumerate(holder)]:
            yield holder, key
            if isinstance(value, dict | list):
                waiting.append(value)


def _bytes(chance: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    start = chance.randrange(len(data) + 1)
    end = min(len(data), start + chance.choice((1, 1, 2, 4, 16, 64, 1024)))
    match chance.randrange(7):
        case 0:
            return data[:start] + bytes([chance.randrange(256)]) + data[start + 1 :]
        case 1:
            return data[:start] + chance.choice(_TOKENS) + data[start:]
        case 2:
            return data[:start] + chance.choice(_TOKENS) + data[end:]
        case 3:
            return data[:start] + data[end:]
        case 4:
            return data[:end] + data[start:end] * chance.choice((1, 3, 50)) + data[end:]
        case 5:
            return data[:start]
        case _:
            other = chance.choice(seeds)
            return data[:start] + other[chance.randrange(len(other) + 1) :]
