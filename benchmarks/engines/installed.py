"""What a package takes on disk, with all that it needs; NumPy aside, which serving needs anyway.

It runs in the environment of the package, its only argument, and prints JSON.
"""

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import cache_from_source
from pathlib import Path

from benchmarks.environments import python_of

PACKAGES = {
    "TensorFlow": "tensorflow",
    "LiteRT": "ai-edge-litert",
    "ONNX Runtime": "onnxruntime",
    "OpenVINO": "openvino",
}
_ENVIRONMENTS = {"ONNX Runtime": "onnxruntime", "OpenVINO": "openvino"}
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def python_for(engine: str) -> Path:
    """Return the Python of the environment where an engine runs: its own, or ours."""
    return python_of(_ENVIRONMENTS.get(engine, ""))


def installed(package: str) -> dict[str, str | float]:
    """Return the version, and the size in MB, compiled bytecode included."""
    size = sum(_bytes(each) for each in _with_needed(package, {"numpy"}))
    return {"version": distribution(package).version, "mb": size / 1e6}


def _with_needed(name: str, seen: set[str]) -> Iterator[Distribution]:
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen:
        return
    seen.add(key)
    try:
        found = distribution(key)
    except PackageNotFoundError:  # for another system
        return
    yield found
    for requirement in found.requires or []:
        if "extra ==" not in requirement and (needed := _NAME.match(requirement)):
            yield from _with_needed(needed[0], seen)


def _bytes(package: Distribution) -> int:
    files = {Path(str(package.locate_file(file))) for file in package.files or []}
    files |= {Path(cache_from_source(str(file))) for file in files if file.suffix == ".py"}
    return sum(file.stat().st_size for file in files if file.is_file())


if __name__ == "__main__":
    print(json.dumps(installed(sys.argv[1])))
