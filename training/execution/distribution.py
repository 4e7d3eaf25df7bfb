"""Training by several workers, or on several GPUs: TensorFlow's own synchronous strategies, chosen by what is there."""

import contextlib
import json
import os
from collections.abc import Iterator

import keras
import tensorflow as tf

from serving.process.exit_codes import ExitCode
from training.errors import BadRequest, TrainingError

WORKERS = "TF_CONFIG"
"""The variable that names all workers and tells which of them this process is; training operators set it."""


class WorkerLost(TrainingError):
    """Another worker has ended or can't be reached. When all are started again, they go on from the last epoch."""

    exit_code = ExitCode.RETRY

    def __init__(self, cause: Exception) -> None:
        first, *_ = str(cause).split("Check the task logs")
        super().__init__(f"another worker was lost; start all again to go on: {first.strip()[-300:]}")


def strategy() -> tf.distribute.Strategy:
    """Choose by TF_CONFIG and the GPUs. Must be called before TensorFlow does anything. Raises BadRequest."""
    if os.environ.get(WORKERS):
        _check_workers(os.environ[WORKERS])
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Tell whether this process is the one that writes and publishes: the chief, else the first worker."""
    resolver = strategy.cluster_resolver
    if resolver is None or resolver.task_type is None:
        return True
    first = "chief" if "chief" in resolver.cluster_spec().jobs else "worker"
    return bool(resolver.task_type == first and resolver.task_id == 0)


@contextlib.contextmanager
def detecting_lost_workers() -> Iterator[None]:
    """Raise WorkerLost where TensorFlow tells that the workers have lost one another."""
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        raise WorkerLost(error) from error


def copy_outside_strategy(model: keras.Model) -> keras.Model:
    """Copy *model* out of the strategy it was made in: it can be asked and exported by one process."""
    copy = keras.models.clone_model(model)
    copy.set_weights([weight.numpy() for weight in model.weights])
    return copy


def _check_workers(text: str) -> None:
    try:
        told = json.loads(text)
        task, cluster = told["task"], told["cluster"]
        cluster[task["type"]][int(task["index"])]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        example = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
        raise BadRequest(f"{WORKERS} must be like {example}, got {text[:200]!r}") from error
