"""The part of TensorFlow's C API that runs a SavedModel: https://www.tensorflow.org/install/lang_c.

The library is in the package `tensorflow`. An exported graph needs none of the package's Python, with which a gateway
of two processes would take 65 MB more, and 20 % longer to start.
"""

import ctypes
import math
import weakref
from collections.abc import Mapping, Sequence
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from serving.runtime.tensor_messages import NUMPY_TYPES, PROTO_TYPES, Array
from serving.tfserving.codes import Code

_LIBRARY = "libtensorflow_cc.*"
_STRING_BYTES = 24
"""The size of TF_TString."""


class TensorFlowError(Exception):
    """The error of a failed call."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class _Output(ctypes.Structure):
    """TF_Output: an output of an operation of a graph."""

    _fields_ = [("operation", c_void_p), ("index", c_int)]


class _Buffer(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("length", c_size_t), ("deallocator", c_void_p)]


_Deallocator = ctypes.CFUNCTYPE(None, c_void_p, c_size_t, c_void_p)

_LONG: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "TF_LoadSessionFromSavedModel": (
        c_void_p,
        (c_void_p, c_void_p, c_char_p, POINTER(c_char_p), c_int, c_void_p, POINTER(_Buffer), c_void_p),
    ),
    "TF_SessionRun": (
        None,
        (
            *(c_void_p, POINTER(_Buffer)),
            *(POINTER(_Output), POINTER(c_void_p), c_int),
            *(POINTER(_Output), POINTER(c_void_p), c_int),
            *(c_void_p, c_int, c_void_p, c_void_p),
        ),
    ),
    "TF_DeleteSession": (None, (c_void_p, c_void_p)),
    "TF_DeleteGraph": (None, (c_void_p,)),
}
"""Long functions: they run without Python's lock."""
_SHORT: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "TF_GetAllOpList": (POINTER(_Buffer), ()),
    "TF_NewStatus": (c_void_p, ()),
    "TF_GetCode": (c_int, (c_void_p,)),
    "TF_Message": (c_char_p, (c_void_p,)),
    "TF_DeleteStatus": (None, (c_void_p,)),
    "TF_NewGraph": (c_void_p, ()),
    "TF_GraphOperationByName": (c_void_p, (c_void_p, c_char_p)),
    "TF_OperationNumOutputs": (c_int, (c_void_p,)),
    "TF_NewSessionOptions": (c_void_p, ()),
    "TF_SetConfig": (None, (c_void_p, c_char_p, c_size_t, c_void_p)),
    "TF_DeleteSessionOptions": (None, (c_void_p,)),
    "TF_NewBuffer": (POINTER(_Buffer), ()),
    "TF_NewBufferFromString": (POINTER(_Buffer), (c_char_p, c_size_t)),
    "TF_DeleteBuffer": (None, (POINTER(_Buffer),)),
    "TF_AllocateTensor": (c_void_p, (c_int, POINTER(c_int64), c_int, c_size_t)),
    "TF_NewTensor": (
        c_void_p,
        (c_int, POINTER(c_int64), c_int, c_void_p, c_size_t, _Deallocator, c_void_p),
    ),
    "TF_DeleteTensor": (None, (c_void_p,)),
    "TF_TensorType": (c_int, (c_void_p,)),
    "TF_NumDims": (c_int, (c_void_p,)),
    "TF_Dim": (c_int64, (c_void_p, c_int)),
    "TF_TensorData": (c_void_p, (c_void_p,)),
    "TF_StringInit": (None, (c_void_p,)),
    "TF_StringCopy": (None, (c_void_p, c_char_p, c_size_t)),
    "TF_StringGetDataPointer": (c_void_p, (c_void_p,)),
    "TF_StringGetSize": (c_size_t, (c_void_p,)),
    "TF_StringDealloc": (None, (c_void_p,)),
}
"""Short functions, called with Python's lock held: taking it back would cost more than they do."""


def _bound(library: ctypes.CDLL, functions: Mapping[str, tuple[Any, tuple[Any, ...]]]) -> ctypes.CDLL:
    for name, (result, arguments) in functions.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _library() -> str:
    spec = find_spec("tensorflow")
    folders = (spec and spec.submodule_search_locations) or []
    found = [path for folder in folders for path in Path(folder).glob(_LIBRARY)]
    if not found:
        raise ImportError(f"there is no package tensorflow with a {_LIBRARY}", name="tensorflow")
    return str(found[0])


_PATH = _library()
_long = _bound(ctypes.CDLL(_PATH), _LONG)
_short = _bound(ctypes.PyDLL(_PATH), _SHORT)


def register_operations() -> None:
    """Have TensorFlow register its operations now rather than at the first graph.

    This starts no thread. Done before a fork, it saves each process the work, and 5 MB of memory are shared.
    """
    _short.TF_DeleteBuffer(_short.TF_GetAllOpList())


class _Status:
    """TF_Status, for one call that may fail: a context manager that raises TensorFlowError if it did."""

    def __init__(self) -> None:
        self.pointer = _short.TF_NewStatus()

    def __enter__(self) -> c_void_p:
        return self.pointer  # type: ignore[no-any-return]

    def __exit__(self, *_: object) -> None:
        code, message = _short.TF_GetCode(self.pointer), _short.TF_Message(self.pointer)
        _short.TF_DeleteStatus(self.pointer)
        if code:
            raise TensorFlowError(Code(code), message.decode("utf-8", "replace"))


class SavedModel:
    """A SavedModel's graph and the session that has its variables; freed with the last reference."""

    def __init__(self, session: int, graph: int, run_options: bytes) -> None:
        self._session = session
        self._graph = graph
        self._run_options = _short.TF_NewBufferFromString(run_options, len(run_options))
        # Not at exit: threads may still be using it.
        weakref.finalize(self, _free, session, graph, self._run_options).atexit = False

    @staticmethod
    def load(path: Path, tag: str, config: bytes, run_options: bytes) -> "tuple[SavedModel, bytes]":
        """Return the model in *path* and its serialized MetaGraphDef; raises TensorFlowError.

        *config* is a serialized ConfigProto, *run_options* serialized RunOptions.
        """
        graph = _short.TF_NewGraph()
        options, meta_graph = _short.TF_NewSessionOptions(), _short.TF_NewBuffer()
        try:
            with _Status() as status:
                _short.TF_SetConfig(options, config, len(config), status)
            tags = (c_char_p * 1)(tag.encode())
            with _Status() as status:
                session = _long.TF_LoadSessionFromSavedModel(
                    options, None, bytes(path), tags, 1, graph, meta_graph, status
                )
            serialized = ctypes.string_at(meta_graph.contents.data, meta_graph.contents.length)
        except TensorFlowError:
            _long.TF_DeleteGraph(graph)
            raise
        finally:
            _short.TF_DeleteSessionOptions(options)
            _short.TF_DeleteBuffer(meta_graph)
        return SavedModel(session, graph, run_options), serialized

    def outputs(self, names: Sequence[str]) -> Any:
        """Return the outputs named `<operation>:<index>`, for `run`; raises TensorFlowError."""
        return (_Output * len(names))(*map(self._output, names))

    def run(self, feeds: Any, fetches: Any, arrays: Sequence[Array]) -> list[Array]:
        """Compute *fetches* from *arrays*, given for *feeds*; both come from `outputs`. Raises TensorFlowError."""
        given = (c_void_p * len(feeds))()
        computed = (c_void_p * len(fetches))()
        try:
            for index, array in enumerate(arrays):
                given[index] = _tensor_of(array)
            with _Status() as status:
                _long.TF_SessionRun(
                    *(self._session, self._run_options),
                    *(feeds, given, len(feeds)),
                    *(fetches, computed, len(fetches)),
                    *(None, 0, None, status),
                )
            return [_array_of(tensor) for tensor in computed if tensor]
        finally:
            for tensor in filter(None, (*given, *computed)):
                _short.TF_DeleteTensor(tensor)

    def _output(self, name: str) -> _Output:
        operation, _, index = name.partition(":")
        found = _short.TF_GraphOperationByName(self._graph, operation.encode())
        if not found or not 0 <= int(index or 0) < _short.TF_OperationNumOutputs(found):
            raise TensorFlowError(Code.NOT_FOUND, f"Tensor {name} was not found in the graph")
        return _Output(found, int(index or 0))


def _free(session: int, graph: int, run_options: Any) -> None:
    with _Status() as status:
        _long.TF_DeleteSession(session, status)
    _long.TF_DeleteGraph(graph)
    _short.TF_DeleteBuffer(run_options)


def _tensor_of(array: Array) -> int:
    """Return a tensor with a copy of *array*: a model may keep its inputs."""
    dtype, shape = PROTO_TYPES[array.dtype], (c_int64 * array.ndim)(*array.shape)
    if array.dtype.hasobject:
        return _tensor_of_strings(dtype, shape, array)
    tensor: int = _short.TF_AllocateTensor(dtype, shape, array.ndim, array.nbytes)
    ctypes.memmove(_short.TF_TensorData(tensor), array.tobytes(), array.nbytes)
    return tensor


def _tensor_of_strings(dtype: int, shape: Any, array: Array) -> int:
    length = array.size * _STRING_BYTES
    memory = ctypes.create_string_buffer(length or 1)  # at least one byte, so that each has its own address
    start = ctypes.addressof(memory)
    for index, text in enumerate(array.ravel().tolist()):
        text = text.encode() if isinstance(text, str) else text
        _short.TF_StringInit(start + index * _STRING_BYTES)
        _short.TF_StringCopy(start + index * _STRING_BYTES, text, len(text))
    _strings[start] = memory
    tensor: int = _short.TF_NewTensor(dtype, shape, array.ndim, start, length, _free_strings, None)
    return tensor


_strings: dict[int, ctypes.Array[ctypes.c_char]] = {}
"""The memory of strings by address, while TensorFlow uses it."""


@_Deallocator  # type: ignore[untyped-decorator]
def _free_strings(start: int, length: int, _: object) -> None:
    for address in range(start, start + length, _STRING_BYTES):
        _short.TF_StringDealloc(address)
    del _strings[start]


def _array_of(tensor: int) -> Array:
    """Return a copy of a tensor's values."""
    shape = tuple(_short.TF_Dim(tensor, axis) for axis in range(_short.TF_NumDims(tensor)))
    number = _short.TF_TensorType(tensor)
    if number not in NUMPY_TYPES:
        raise TensorFlowError(Code.UNIMPLEMENTED, f"no tensors of type {number} can be read")
    start = _short.TF_TensorData(tensor)
    if NUMPY_TYPES[number].hasobject:
        strings = np.empty(math.prod(shape), object)
        strings[:] = [_string_at(start + index * _STRING_BYTES) for index in range(strings.size)]
        return strings.reshape(shape)
    length = math.prod(shape) * NUMPY_TYPES[number].itemsize
    return np.frombuffer(ctypes.string_at(start, length), NUMPY_TYPES[number]).reshape(shape)


def _string_at(address: int) -> bytes:
    return ctypes.string_at(_short.TF_StringGetDataPointer(address), _short.TF_StringGetSize(address))
