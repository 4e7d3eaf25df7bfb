"""Training on several workers or GPUs, by TensorFlow's own synchronous strategies, chosen by what is available."""

import contextlib
import json
import os
from collections.abc import Iterator

import keras
import tensorflow as tf

from serving.process.exit_codes import ExitCode
from training.errors import BadRequest, TrainingError

WORKERS = "TF_CONFIG"
"""Environment variable that lists all workers and says which of them this process is; training operators set it."""


class WorkerLost(TrainingError):
    """Another worker has ended or can't be reached. Once all are started again, they resume after the last epoch."""

    exit_code = ExitCode.RETRY

    def __init__(self, cause: Exception) -> None:
        first, *_ = str(cause).split("Check the task logs")
        super().__init__(f"another worker was lost; start all workers again to resume: {first.strip()[-300:]}")


def strategy() -> tf.distribute.Strategy:
    """Return the strategy for TF_CONFIG and the GPUs. To be called before TensorFlow does anything else.

    Raises BadRequest if TF_CONFIG is not valid.
    """
    if os.environ.get(WORKERS):
        _check_workers(os.environ[WORKERS])
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Return whether this process writes and publishes: the chief does, or the first worker if there is no chief."""
    resolver = strategy.cluster_resolver
    if resolver is None or resolver.task_type is None:
        return True
    first = "chief" if "chief" in resolver.cluster_spec().jobs else "worker"
    return bool(resolver.task_type == first and resolver.task_id == 0)


@contextlib.contextmanager
def detecting_lost_workers() -> Iterator[None]:
    """Raise WorkerLost if TensorFlow reports that the workers have lost one another."""
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        raise WorkerLost(error) from error


def copy_outside_strategy(model: keras.Model) -> keras.Model:
    """Return a copy of *model* outside its strategy, which a single process can run and export."""
    copy = keras.models.clone_model(model)
    copy.set_weights([weight.numpy() for weight in model.weights])
    return copy


def _check_workers(text: str) -> None:
    try:
        config = json.loads(text)
        task, cluster = config["task"], config["cluster"]
        cluster[task["type"]][int(task["index"])]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        example = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
        raise BadRequest(f"{WORKERS} must be like {example}, got {text[:200]!r}") from error
