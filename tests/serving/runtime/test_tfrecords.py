"""TFRecord files are read as TensorFlow writes them, and what is broken is refused with the place."""

from pathlib import Path

import pytest
import tensorflow as tf

from serving.runtime.errors import ServingError
from serving.runtime.tfrecords import read_records
from serving.tfserving.codes import Code

RECORDS = [b"", b"one", bytes(range(256)) * 40]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "records"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in RECORDS:
            writer.write(record)
    return path


def test_what_tensorflow_writes_is_read(path: Path) -> None:
    assert list(read_records(path)) == RECORDS


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: b"not records, but long enough for one", "corrupted record at 0 (Is this even a TFRecord file?)"),
        (lambda data: data[:-1], "truncated record at 35"),
        (lambda data: data[:20], "truncated record at 16"),
        (lambda data: data[:-5] + b"x" + data[-4:], "corrupted record at 35"),
    ],
    ids=["something else", "cut", "cut in the head", "a byte changed"],
)
def test_a_broken_file_is_refused(path: Path, change: object, said: str) -> None:
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(ServingError) as raised:
        list(read_records(path))
    assert raised.value.code is Code.DATA_LOSS
    assert raised.value.message.startswith(said)
