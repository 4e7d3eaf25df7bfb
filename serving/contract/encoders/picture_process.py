"""The process that decodes large pictures. It gives way to others, and is the first that is killed for its memory.

Once it has started, it writes an empty line. Standard input has requests, each a line of JSON and a file; standard
output a reply to each, and perhaps pixels:

    {"picture": an encoder's state, "deadline": by time.perf_counter, "bytes": of the file}
    {"size": [width, height] that the picture had, "bytes": of the pixels}, or {"is_late": whether it took too long}
"""

import json
import os
import sys
from dataclasses import replace
from typing import Any, BinaryIO

from serving.contract import deadline
from serving.contract.deadline import DeadlinePassed
from serving.contract.encoders.image import Picture
from serving.contract.faults import Faults
from serving.process import memory

_NICENESS = 10
"""Beside one busy thread of usual priority it gets a tenth of a processor, so it goes on even there."""


def main() -> None:
    """Answer requests until standard input is closed, as it is when the process that sends them is gone."""
    os.nice(_NICENESS)
    memory.be_killed_first()
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints does not get between the replies
    try:
        replies.write(b"\n")
        replies.flush()
        answer_all(sys.stdin.buffer, replies)
    except BrokenPipeError:
        os._exit(0)


def answer_all(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer one request after another."""
    for line in requests:
        request = json.loads(line)
        data = requests.read(request["bytes"])
        if len(data) == request["bytes"]:
            picture = replace(Picture.from_state(request["picture"]), max_bytes=len(data))  # it was checked
            _answer(picture, data, request["deadline"], replies)
            del data
            memory.trim()


def _answer(picture: Picture, data: bytes, moment: float, replies: BinaryIO) -> None:
    pixels, faults = b"", Faults()
    try:
        with deadline.until(moment):
            ((image, size),) = picture.read([data], faults)
        reply: dict[str, Any] = {"is_late": False}
        if not faults.count:
            pixels = image.tobytes()
            reply = {"size": size, "bytes": len(pixels)}
    except DeadlinePassed:
        reply = {"is_late": True}
    replies.write(json.dumps(reply).encode() + b"\n" + pixels)
    replies.flush()


if __name__ == "__main__":
    main()
