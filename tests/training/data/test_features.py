"""Features are the gateway's, piece by piece, and TensorFlow reads them where they are."""

import numpy as np
import pytest

from serving.contract import Record
from serving.contract.encoders import Number, Picture
from serving.contract.faults import Faults
from training.data import instances as instances_module
from training.data.features import prepare, tensor_of
from training.data.samples import digits

GLYPHS = Record.single("image", Picture(28, 28, colour="L", background=0), "image")


def test_pieces_give_what_the_whole_gives(monkeypatch):
    instances = digits().train.instances[:10]
    whole = GLYPHS.encode(GLYPHS.read(instances, Faults()))
    monkeypatch.setattr(instances_module, "PIECE", 4)
    prepared = prepare(GLYPHS, instances)
    assert prepared.keys() == whole.keys()
    assert np.array_equal(prepared["image"], whole["image"])
    assert prepared["image"].dtype == whole["image"].dtype


def test_no_instances_have_no_features():
    assert prepare(GLYPHS, [])["image"].shape == (0, 28, 28, 1)


@pytest.mark.parametrize("count", [1, 3, 1000])
def test_what_was_prepared_is_not_copied(count):
    record = Record.packed({"x": Number.fit([0.0, 2.0])}, "features")
    array = prepare(record, [{"x": 2.0}] * count)["features"]
    tensor = tensor_of(array)
    array[0] = 7  # which nobody must do; here it shows whether the memory is the same
    assert tensor.numpy().tolist() == [[7.0]] + [[1.0]] * (count - 1)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(101, np.uint8)[1:],
        np.arange(12.0).reshape(3, 4)[:, ::2],
        np.zeros((0, 3)),
        np.broadcast_to(np.float32(3), (64,)),
        np.frombuffer(bytes(256), np.uint8),
    ],
    ids=["unaligned", "strided", "empty", "broadcast", "read-only"],
)
def test_any_other_array_becomes_a_tensor_too(array):
    tensor = tensor_of(array)
    assert tensor.numpy().tolist() == array.tolist()
    assert "CPU" in tensor.device
