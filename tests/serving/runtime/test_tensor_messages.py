import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from serving.runtime.tensor_messages import NUMPY_TYPES, decode, encode

NUMBERS = [dtype for dtype in NUMPY_TYPES.values() if not dtype.hasobject]


@pytest.mark.parametrize("as_content", [False, True], ids=["fields", "content"])
@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
def test_numbers_survive(dtype: np.dtype, as_content: bool) -> None:
    array = np.arange(300).reshape(2, 50, 3).astype(dtype)
    proto = tensor_pb2.TensorProto()
    encode(array, as_content, proto)
    assert bool(proto.tensor_content) == as_content
    np.testing.assert_array_equal(decode(proto), array)
    np.testing.assert_array_equal(tf.make_ndarray(proto), array)


def test_strings_survive() -> None:
    array = np.array([[b"", b"a"], [b"\xff\x00", b"x" * 300]], object)
    proto = tensor_pb2.TensorProto()
    encode(array, True, proto)
    assert decode(proto).tolist() == tf.make_ndarray(proto).tolist() == array.tolist()


@pytest.mark.parametrize(
    "proto",
    [
        tensor_pb2.TensorProto(),
        tensor_pb2.TensorProto(dtype=1, tensor_shape={"unknown_rank": True}),
        tensor_pb2.TensorProto(dtype=1, tensor_shape={"dim": [{"size": -1}]}),
        tensor_pb2.TensorProto(dtype=1, tensor_shape={"dim": [{"size": 2**20}, {"size": 2**20}]}),
        tensor_pb2.TensorProto(dtype=1, tensor_shape={"dim": [{"size": 2}]}, tensor_content=b"1234"),
        tensor_pb2.TensorProto(dtype=7, tensor_shape={"dim": [{"size": 2}]}, tensor_content=b"\x01\x05a"),
        tensor_pb2.TensorProto(dtype=7, tensor_shape={"dim": [{"size": 2}]}, tensor_content=b"\xff"),
    ],
    ids=["no type", "no rank", "negative", "huge", "short content", "short strings", "short lengths"],
)
def test_what_does_not_go_together_is_refused(proto: tensor_pb2.TensorProto) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(proto)
