from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from serving.tfserving import wire_pb2 as wire
from serving.tfserving.tensor_protos import from_proto, to_proto

NUMBERS = ["f4", "f8", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]
FIELDS = {
    "f4": ("DT_FLOAT", "float_val"),
    "f8": ("DT_DOUBLE", "double_val"),
    "i1": ("DT_INT8", "int_val"),
    "i2": ("DT_INT16", "int_val"),
    "i4": ("DT_INT32", "int_val"),
    "i8": ("DT_INT64", "int64_val"),
    "u1": ("DT_UINT8", "int_val"),
    "u2": ("DT_UINT16", "int_val"),
    "u4": ("DT_UINT32", "uint32_val"),
    "u8": ("DT_UINT64", "uint64_val"),
    "?": ("DT_BOOL", "bool_val"),
}
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def proto_of(array: Any) -> wire.TensorProto:
    proto = wire.TensorProto()
    to_proto(array, proto)
    return wire.TensorProto.FromString(proto.SerializeToString())


def proto(dtype: str, shape: list[int], **values: Any) -> wire.TensorProto:
    dims = [wire.TensorShapeProto.Dim(size=size) for size in shape]
    return wire.TensorProto(dtype=wire.DataType.Value(dtype), tensor_shape=wire.TensorShapeProto(dim=dims), **values)


@given(st.sampled_from(NUMBERS).flatmap(lambda dtype: arrays.arrays(dtype, SHAPES)))
def test_numbers_come_back_bit_for_bit(array: Any) -> None:
    back = from_proto(proto_of(array))
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())


@given(arrays.arrays(object, SHAPES, elements=st.binary(max_size=300)))
def test_strings_come_back_as_bytes(array: Any) -> None:
    back = from_proto(proto_of(array))
    assert back.shape == array.shape
    assert back.tolist() == array.tolist()


@given(st.sampled_from(sorted(FIELDS)).flatmap(lambda dtype: arrays.arrays(dtype, SHAPES)))
def test_typed_fields_are_read_too(array: Any) -> None:
    name, field = FIELDS[array.dtype.str.lstrip("<|").replace("b1", "?")]
    back = from_proto(proto(name, list(array.shape), **{field: array.ravel().tolist()}))
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_half_floats_travel_as_their_bits() -> None:
    values = np.array([1.5, -2.0, 65504.0], np.float16)
    back = from_proto(proto("DT_HALF", [3], half_val=values.view(np.uint16).tolist()))
    assert back.dtype == np.float16
    assert back.tolist() == values.tolist()


def test_text_is_sent_as_utf8() -> None:
    assert from_proto(proto_of(np.array(["é", b"x"], object))).tolist() == ["é".encode(), b"x"]
    assert from_proto(proto_of(np.array(["ab"]))).tolist() == [b"ab"]


def test_any_memory_layout_is_sent_in_order() -> None:
    array = np.arange(6, dtype=">i4").reshape(2, 3).T
    assert from_proto(proto_of(array)).tolist() == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (proto("DT_FLOAT", [2, 2], float_val=[1.5]), [[1.5, 1.5], [1.5, 1.5]]),
        (proto("DT_INT32", [4], int_val=[1, 2]), [1, 2, 2, 2]),
        (proto("DT_INT64", [2]), [0, 0]),
        (proto("DT_BOOL", [2]), [False, False]),
        (proto("DT_STRING", [2]), [b"", b""]),
        (proto("DT_STRING", [3], string_val=[b"a", b"b"]), [b"a", b"b", b"b"]),
        (proto("DT_FLOAT", [0, 3]), []),
        (proto("DT_FLOAT", [], float_val=[2.0]), 2.0),
        (proto("DT_HALF", [2], half_val=[0x3E00]), [1.5, 1.5]),
    ],
)
def test_left_out_values_repeat_the_last_or_are_zero(tensor: wire.TensorProto, expected: Any) -> None:
    assert from_proto(tensor).tolist() == expected


def test_strings_in_tensor_content_are_tensorflows_list_of_lengths_and_bytes() -> None:
    long = b"x" * 300
    content = b"\x02\x00\xac\x02" + b"ab" + b"" + long
    assert from_proto(proto("DT_STRING", [3], tensor_content=content)).tolist() == [b"ab", b"", long]


def test_tensorflow_reads_strings_in_tensor_content_alike() -> None:
    tf = pytest.importorskip("tensorflow")
    tensor = proto("DT_STRING", [2], tensor_content=b"\x02\x03abcde")
    assert tf.io.parse_tensor(tensor.SerializeToString(), tf.string).numpy().tolist() == from_proto(tensor).tolist()


@pytest.mark.parametrize(
    ("tensor", "problem"),
    [
        (proto("DT_FLOAT", [3], tensor_content=b"12345678"), "8 bytes, expected 12"),
        (proto("DT_FLOAT", [1], float_val=[1, 2]), "2 values for 1 elements"),
        (proto("DT_FLOAT", [-1], float_val=[1]), "the shape is not known"),
        (wire.TensorProto(dtype=wire.DT_FLOAT, tensor_shape={"unknown_rank": True}), "the shape is not known"),
        (proto("DT_INVALID", [1]), "tensor type 0 is not one that numpy has"),
        (wire.TensorProto(dtype=14), "tensor type 14 is not one that numpy has"),  # type: ignore[arg-type]
        (proto("DT_STRING", [2], tensor_content=b"\x02\x03abcd"), "4 bytes of strings, expected 5"),
        (proto("DT_STRING", [2], tensor_content=b"\x02"), "the string lengths are cut off"),
        (proto("DT_STRING", [1], string_val=[b"a", b"b"]), "2 values for 1 elements"),
    ],
)
def test_parts_that_do_not_go_together_are_named(tensor: wire.TensorProto, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        from_proto(tensor)


@pytest.mark.parametrize("array", [np.zeros(1, np.complex64), np.array([1, None], object), np.zeros(1, "M8[s]")])
def test_what_has_no_tensor_type_is_refused(array: Any) -> None:
    with pytest.raises(ValueError, match="no tensor type"):
        proto_of(array)
