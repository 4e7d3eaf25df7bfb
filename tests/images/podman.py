"""Containers as the tests want them: locked down, and gone afterwards."""

import contextlib
import json
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVE, LITE, BATCH, TRAIN = (f"localhost/plumbline-{name}" for name in ("serve", "lite", "batch", "train"))
READY_SECONDS = 120

LOCKED = (
    "--read-only --read-only-tmpfs=false --tmpfs=/tmp:mode=1777 --cap-drop=ALL --security-opt=no-new-privileges".split()
)
"""What a restricted pod with a read-only root has: one place to write to, /tmp, and no privilege."""


@dataclass(frozen=True)
class Gateway:
    """A running container of the serve image."""

    name: str
    url: str

    def ask(self, path: str, body: Any = None) -> Any:
        """Get *path*, or post *body* to it, as JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            with contextlib.suppress(OSError):
                if self.ask("/readyz")["ready"]:
                    return
            assert time.monotonic() < deadline, log(self.name)
            time.sleep(0.2)


def podman(*words: str, code: int = 0) -> str:
    """Run podman, expect its exit *code*, and give what it said; of a failure, standard error too."""
    done = subprocess.run(["podman", *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"podman {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + (done.stderr if code else "")


@contextlib.contextmanager
def container(image: str, *words: str, options: Sequence[str] = ()) -> Iterator[str]:
    """Start *image* with the arguments *words*, and give the container's name."""
    name = f"plumbline-test-{uuid.uuid4().hex[:12]}"
    try:
        podman("run", "--detach", "--name", name, *LOCKED, *options, image, *words)
        yield name
    finally:
        podman("rm", "--force", "--volumes", "--ignore", "--time", "0", name)


def once(image: str, *words: str, options: Sequence[str] = (), code: int = 0) -> str:
    """Run *image* with the arguments *words* to its end, expect its exit *code*, and give what it said."""
    return podman("run", "--rm", *LOCKED, *options, image, *words, code=code)


def wait_until_it_says(name: str, words: str) -> None:
    """Wait until *words* stand in a container's log; without words, until something does."""
    deadline = time.monotonic() + READY_SECONDS
    while not ((said := log(name)) and words in said):
        assert state(name)["Status"] in ("running", "stopping"), said
        assert time.monotonic() < deadline, said
        time.sleep(0.1)


def log(name: str) -> str:
    """Give what a container has said, on standard output and standard error."""
    done = subprocess.run(["podman", "logs", name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout


def state(name: str) -> dict[str, Any]:
    (found,) = json.loads(podman("container", "inspect", name))
    return dict(found["State"])


def inspect(image: str) -> dict[str, Any]:
    (found,) = json.loads(podman("image", "inspect", image))
    return dict(found)


def layers(image: str) -> list[Path]:
    """Give the folders with the image's layers, the newest first."""
    data = inspect(image)["GraphDriver"]["Data"]
    return [Path(folder) for folder in (data["UpperDir"], *data.get("LowerDir", "").split(":")) if folder]
