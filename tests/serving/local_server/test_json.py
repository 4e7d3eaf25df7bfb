import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.local_server.json_outputs import write_columns, write_rows
from serving.local_server.json_tensors import parse_request, read_inputs
from serving.runtime.errors import ServingError
from serving.runtime.signature import TensorInfo


def info(dtype: object, alias: str = "x") -> TensorInfo:
    return TensorInfo(alias, f"{alias}:0", np.dtype(dtype), None)


@given(st.floats(width=32))
def test_floats_read_back_as_they_were(value: float) -> None:
    written = write_columns([("y", np.float32(value).reshape(1))])
    np.testing.assert_array_equal(np.array(json.loads(written)["outputs"], np.float32), np.float32([value]))


@given(st.floats())
def test_doubles_read_back_as_they_were(value: float) -> None:
    np.testing.assert_array_equal(json.loads(write_columns([("y", np.array([value]))]))["outputs"], [value])


@pytest.mark.parametrize(("value", "text"), [(3.0, "3.0"), (0.1, "0.1"), (0.117582604, "0.117582604"), (-2.0, "-2.0")])
def test_floats_are_short(value: float, text: str) -> None:
    assert write_columns([("y", np.array(value, np.float32))]) == f'{{\n    "outputs": {text}\n}}'


def test_rows_need_one_batch_size() -> None:
    with pytest.raises(ServingError, match="Tensor name: b has inconsistent batch size"):
        write_rows([("a", np.zeros(2)), ("b", np.zeros(3))])
    with pytest.raises(ServingError, match="Tensor name: a has no shape information"):
        write_rows([("a", np.array(1.0))])


@pytest.mark.parametrize(
    ("dtype", "value", "matches"),
    [
        ("int32", 1.0, "Type: Number is not of expected type: int32"),
        ("int32", True, "Type: True is not of expected type: int32"),
        ("uint8", 256, "out of range of type: uint8"),
        ("bool", 1, "Type: Number is not of expected type: bool"),
        ("float32", None, "Type: Null is not of expected type: float"),
        (object, {"b64": "?"}, "is not properly base64 encoded"),
        ("float16", 1.0, "Conversion of JSON Value: 1.0 to type: half"),
        ("float32", [[1], [1, 2]], "Expecting tensor size: 2 but got: 3"),
    ],
)
def test_wrong_values_are_refused(dtype: object, value: object, matches: str) -> None:
    with pytest.raises(ServingError, match=matches):
        read_inputs({"inputs": value}, [info(dtype)])


def test_nesting_has_an_end() -> None:
    with pytest.raises(ServingError, match="JSON Parse error"):
        parse_request(b'{"inputs": ' + b"[" * 200_000)
