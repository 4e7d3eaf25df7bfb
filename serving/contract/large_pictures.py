"""Large pictures, decoded by a process of their own (`encoders.picture_process`), which gives way to other requests.

In a thread here one would take an equal share of the processor; and at a lower priority, a thread would keep all others
waiting whenever it holds the interpreter's lock.
"""

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import IO, Any

from PIL import Image

from serving.contract import deadline
from serving.contract.deadline import DeadlinePassed

_GRACE_SECONDS = 0.2
"""How long after the deadline the process may take to say so, before it is ended."""


class DecoderEnded(Exception):
    """The process ended while it decoded a picture: it crashed, or was killed."""


class NoDecoder(Exception):
    """No process can be started."""


class LargePictures:
    """Decodes one picture at a time, in a process that is started when it is first needed, and ends with this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False

    @property
    def pid(self) -> int | None:
        """The id of the process, if there is one."""
        return None if self._process is None else self._process.pid

    def developed(
        self, state: Mapping[str, Any], data: bytes, size: tuple[int, int]
    ) -> tuple[Image.Image, tuple[int, int]] | None:
        """Return the picture of *size* that the encoder of this *state* makes of a file, and the size that it had.

        Returns nothing for a file that is broken. Raises DeadlinePassed, DecoderEnded or NoDecoder. Not for several
        threads at a time.
        """
        try:
            process = self._started()
            timer = threading.Timer(deadline.remaining() + _GRACE_SECONDS, process.kill)
            timer.start()
        except (OSError, RuntimeError) as error:  # no process can be started, or no thread
            raise NoDecoder from error
        try:
            if not self._is_ready:
                _line(_open(process.stdout))
                self._is_ready = True
            return _asked(process, state, data, size)
        except (BrokenPipeError, EOFError) as error:
            was_ready = self._is_ready
            self.end()
            deadline.check()
            raise (DecoderEnded if was_ready else NoDecoder) from error
        except DeadlinePassed:
            raise
        except BaseException:
            self.end()  # what it would say next could be the answer to this
            raise
        finally:
            timer.cancel()

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is not None:
            self.end()
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "serving.contract.encoders.picture_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # NumPy starts threads that nothing here needs
                process_group=0,  # signals for the gateway's are for that to handle
            )
            atexit.register(self.end)
        return self._process

    def end(self) -> None:
        """End the process, if there is one."""
        process, self._process, self._is_ready = self._process, None, False
        if process is not None:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):  # of what could not be written
                    _open(pipe).close()
            process.wait()
            atexit.unregister(self.end)


def _asked(
    process: "subprocess.Popen[bytes]", state: Mapping[str, Any], data: bytes, size: tuple[int, int]
) -> tuple[Image.Image, tuple[int, int]] | None:
    request = {"picture": state, "deadline": deadline.moment(), "bytes": len(data)}
    requests, replies = _open(process.stdin), _open(process.stdout)
    requests.write(json.dumps(request).encode() + b"\n")
    requests.write(data)
    requests.flush()
    reply = json.loads(_line(replies))
    if "size" not in reply:
        if reply["is_late"]:
            raise DeadlinePassed
        return None
    return Image.frombytes(state["colour"], size, _exactly(replies, reply["bytes"])), tuple(reply["size"])


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 - both were asked for
    return pipe


def _line(replies: IO[bytes]) -> bytes:
    line = replies.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return line


def _exactly(replies: IO[bytes], count: int) -> bytes:
    pixels = replies.read(count)
    if len(pixels) != count:
        raise EOFError
    return pixels
