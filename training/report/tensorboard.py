"""Learning curves as TensorBoard logs: a run for each fold's training and validation, and for the final training.

Tags are those of Keras's own callback (`epoch_loss`). `tf.summary.scalar` is part of the `tensorboard` package, which
TensorFlow no longer installs; it writes one tensor with the metadata below, which TensorFlow alone can do.
"""

import shutil
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
        if not of_side:
            continue
        writer = tf.summary.create_file_writer(str(folder / side))
        with writer.as_default(), tf.device("cpu"):
            for key in of_side:
                _write_curve(stages, key, f"epoch_{key.removeprefix(prefix)}")
        writer.close()


def _write_curve(stages: Stages, key: str, tag: str) -> None:
    for span in spans([stages]):
        for epoch, value in zip(*line(stages, span, key), strict=True):
            # Keras's callback counts from 0
            tf.summary.write(tag, tf.constant(value, tf.float32), step=int(epoch) - 1, metadata=_scalar())


def _scalar() -> Any:
    metadata = tf.compat.v1.SummaryMetadata()
    metadata.plugin_data.plugin_name = "scalars"
    metadata.data_class = 1  # DATA_CLASS_SCALAR of tensorflow/core/framework/summary.proto
    return metadata
