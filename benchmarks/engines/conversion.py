"""A version's graph in each engine's own form, by the converters of its makers. TensorFlow takes the SavedModel itself.

As a command, it converts with an engine that has no command of its own; it runs in the environment of that engine.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import ROOT, python_of

_SIGNATURE = "serving_default"
_SECONDS = 600
_OPERATIONS = re.compile(r"(?:Select ops|Custom ops|for operations): *(.+)")


@dataclass(frozen=True)
class Converter:
    """The *environment* with a converter, and the command for Python there, for a SavedModel and the file to write."""

    environment: str
    command: str
    file: str


_OWN = "benchmarks.engines.conversion {engine} {saved_model} {file}"
CONVERTERS = {
    "LiteRT": Converter("", _OWN, "model.tflite"),
    "ONNX Runtime": Converter(
        "tf2onnx",
        f"tf2onnx.convert --saved-model {{saved_model}} --output {{file}} --tag serve --signature_def {_SIGNATURE} "
        "--opset 18",
        "model.onnx",
    ),
    "OpenVINO": Converter("openvino", _OWN, "model.xml"),
}


class NotConverted(Exception):
    """The converter refuses; the text is why."""


def convert(engine: str, saved_model: Path, folder: Path) -> Path:
    """Return the folder with the graph for *engine*, written to *folder* unless it is the SavedModel's own.

    Raise NotConverted.
    """
    if engine not in CONVERTERS:
        return saved_model
    converter = CONVERTERS[engine]
    folder.mkdir(parents=True, exist_ok=True)
    places = {"engine": engine, "saved_model": saved_model, "file": folder / converter.file}
    arguments = [word.format(**places) for word in converter.command.split()]
    command: list[str | Path] = [python_of(converter.environment), "-m", *arguments]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotConverted(f"not ready after {_SECONDS} s") from None
    if done.returncode:
        raise NotConverted(reason(done.stderr))
    return folder


def reason(log: str) -> str:
    """Return the operations that a converter names in its log as those that it lacks, else the log's last line."""
    if found := _OPERATIONS.search(log):
        return f"no operation {found[1].strip()}"
    return (log.strip() or "no word why").splitlines()[-1]


def _convert_for_litert(saved_model: str, file: str) -> None:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model, signature_keys=[_SIGNATURE])
    Path(file).write_bytes(converter.convert())


def _convert_for_openvino(saved_model: str, file: str) -> None:
    import openvino

    # By default it writes weights as float16.
    openvino.save_model(openvino.convert_model(saved_model), file, compress_to_fp16=False)


if __name__ == "__main__":
    {"LiteRT": _convert_for_litert, "OpenVINO": _convert_for_openvino}[sys.argv[1]](*sys.argv[2:])
