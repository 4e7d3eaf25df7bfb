"""Learning curves as TensorBoard logs: a run for each fold's training and validation, and for the final training.

Tags are those of Keras's own callback (`epoch_loss`). `tf.summary.scalar` is part of the `tensorboard` package, which
TensorFlow no longer installs; it writes one tensor with the metadata below. So do these functions, without
TensorFlow's operation for it, which takes ten times as long.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from training.experiments.record import RunRecord, Stages
from training.report.curves import line, spans


def write_logs(record: RunRecord, folder: Path) -> None:
    """Write `folder/<fold-1, ..., final>/<train, validation>`, replacing older logs."""
    shutil.rmtree(folder, ignore_errors=True)  # otherwise TensorBoard would draw the old curves as well
    runs = {f"fold-{number}": fold.stages for number, fold in enumerate(record.folds, 1)} | {"final": record.final}
    for name, stages in runs.items():
        _write_run(folder / name, stages)


def _write_run(folder: Path, stages: Stages) -> None:
    keys = dict.fromkeys(key for curves in stages.values() for key in curves)
    for side, prefix in (("train", ""), ("validation", "val_")):
        of_side = [key for key in keys if key.startswith("val_") == bool(prefix)]
        if of_side:
            (folder / side).mkdir(parents=True)
            with tf.io.TFRecordWriter(str(folder / side / f"events.out.tfevents.{time.time():.0f}.plumbline")) as file:
                file.write(_Event(file_version="brain.Event:2", wall_time=time.time()).SerializeToString())
                for key in of_side:
                    for event in _events(stages, key, f"epoch_{key.removeprefix(prefix)}"):
                        file.write(event.SerializeToString())


def _events(stages: Stages, key: str, tag: str) -> Iterator[Any]:
    for span in spans([stages]):
        for epoch, value in zip(*line(stages, span, key), strict=True):
            event = _Event(step=int(epoch) - 1, wall_time=time.time())  # Keras's callback counts from 0
            tensor = tf.make_tensor_proto(value, tf.float32)
            event.summary.value.add(tag=tag, tensor=tensor, metadata=_SCALAR)
            yield event


_Event = tf.compat.v1.Event
_SCALAR = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"),
    data_class=1,  # DATA_CLASS_SCALAR of tensorflow/core/framework/summary.proto
)
