"""Each engine's way to load a graph in its form, and to compute. A call returns all outputs by name.

The engines are imported when they are used: each is installed in an environment of its own, and memory is measured.
"""

from collections.abc import Callable
from pathlib import Path

from benchmarks.engines.arrays import Arrays

Call = Callable[[Arrays], Arrays]


def load_saved_model(path: Path, threads: int) -> Call:
    """Load a SavedModel as the gateway does where it computes models itself."""
    from serving.process.quiet_import import quiet_import
    from serving.runtime.lean_tensorflow import skip_public_api

    skip_public_api()
    with quiet_import():
        from serving.runtime.tensorflow_engine import TensorFlowEngine

        engine = TensorFlowEngine(path, threads)
    return engine.compute


def load_litert(path: Path, threads: int) -> Call:
    """Load what TensorFlow's converter wrote."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(path / "model.tflite"), num_threads=threads).get_signature_runner()
    return lambda features: runner(**features)


def load_onnxruntime(path: Path, threads: int) -> Call:
    """Load what tf2onnx wrote."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path / "model.onnx", options, ["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda features: dict(zip(names, session.run(names, features), strict=True))


def load_openvino(path: Path, threads: int) -> Call:
    """Load what OpenVINO wrote. It computes in float32, not in the bfloat16 that it chooses where the CPU has it."""
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    # Pinned, both of two models would compute on the same processor.
    compiled = openvino.compile_model(path / "model.xml", "CPU", {**settings, "ENABLE_CPU_PINNING": False})
    return lambda features: {output.any_name: value for output, value in compiled(features).items()}


RUNTIMES = {
    "TensorFlow": load_saved_model,
    "LiteRT": load_litert,
    "ONNX Runtime": load_onnxruntime,
    "OpenVINO": load_openvino,
}
