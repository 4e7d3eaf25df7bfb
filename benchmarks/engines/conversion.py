"""A version's graph in each engine's own form, by the converters of its makers. TensorFlow takes the SavedModel itself.

As a command, it converts with an engine that has no command of its own; it runs in the environment of that engine.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import ROOT, python_of

_SIGNATURE = "serving_default"
_SECONDS = 600
_UNSUPPORTED = "Unsupported ops: "
_OPERATIONS = re.compile(rf"(?:Select ops: *|Custom ops: *|for operations: *|{_UNSUPPORTED}Counter)(.+)")
_FAULT = re.compile(r"error: ('tf\.\w+' op .+)")
_LITE = "assets.extra/model.tflite"
"""A version's own form for LiteRT, if training has made one."""


@dataclass(frozen=True)
class Converter:
    """The *environment* with a converter, and the command for Python there, for a graph and the file to write."""

    environment: str
    command: str
    file: str


_OWN = "benchmarks.engines.conversion {engine} {source} {file}"
CONVERTERS = {
    "LiteRT": Converter("", _OWN, "model.tflite"),
    "ONNX Runtime": Converter(
        "tf2onnx",
        f"tf2onnx.convert --saved-model {{source}} --output {{file}} --tag serve --signature_def {_SIGNATURE} "
        "--opset 18",
        "model.onnx",
    ),
    "OpenVINO": Converter("openvino", _OWN, "model.xml"),
}


class NotConverted(Exception):
    """The converter refuses; the text is why."""


def convert(engine: str, version: Path, folder: Path, onnx: Path | None = None) -> tuple[Path, str]:
    """Return the folder with the graph of *version* for *engine*, and which way it was made, if another than usual.

    It is *folder*, unless the engine takes SavedModels. Where OpenVINO refuses the SavedModel, it takes the folder
    *onnx* of what ONNX Runtime takes. Raise NotConverted.
    """
    if engine not in CONVERTERS:
        return version, ""
    converter = CONVERTERS[engine]
    folder.mkdir(parents=True, exist_ok=True)
    if engine == "LiteRT" and (version / _LITE).is_file():
        shutil.copy(version / _LITE, folder / converter.file)
        return folder, "the version's own"
    try:
        _run(engine, converter, version, folder)
    except NotConverted:
        if engine != "OpenVINO" or onnx is None:
            raise
        _run(engine, converter, onnx / CONVERTERS["ONNX Runtime"].file, folder)
        return folder, "through ONNX"
    return folder, ""


def _run(engine: str, converter: Converter, source: Path, folder: Path) -> None:
    places = {"engine": engine, "source": source, "file": folder / converter.file}
    arguments = [word.format(**places) for word in converter.command.split()]
    command: list[str | Path] = [python_of(converter.environment), "-m", *arguments]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotConverted(f"not ready after {_SECONDS} s") from None
    if done.returncode or _UNSUPPORTED in done.stderr:  # with these, tf2onnx writes a file that can't be loaded
        raise NotConverted(reason(done.stderr))


def reason(log: str) -> str:
    """Return the operations that a converter's log says it lacks, else what is wrong with one, else the last line."""
    if found := _OPERATIONS.search(log):
        return f"no operation {found[1].strip()}"
    if found := _FAULT.search(log):
        return found[1].strip()
    return (log.strip() or "no word why").splitlines()[-1]


def _convert_for_litert(saved_model: str, file: str) -> None:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model, signature_keys=[_SIGNATURE])
    Path(file).write_bytes(converter.convert())


def _convert_for_openvino(source: str, file: str) -> None:
    import openvino

    # By default it writes weights as float16.
    openvino.save_model(openvino.convert_model(source), file, compress_to_fp16=False)


if __name__ == "__main__":
    {"LiteRT": _convert_for_litert, "OpenVINO": _convert_for_openvino}[sys.argv[1]](*sys.argv[2:])
