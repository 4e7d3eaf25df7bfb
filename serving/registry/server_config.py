"""TensorFlow Serving's configuration files (text protos), made from what the models folder holds."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from serving.contract import Contract
from serving.registry.errors import NotFitToServe, NothingPublished
from serving.registry.versions import MODEL_NAME, SERVED, live_version, model_names, read_versions, scan

BATCHING_FILE = "batching_params.pbtxt"
"""Where a version says how it is to be batched: TensorFlow Serving looks for this name beside saved_model.pb."""

MAX_ROWS = 512
"""The most rows of a request, as many as the gateway takes (MAX_INSTANCES). TensorFlow Serving refuses more."""

METRICS_PATH = "/monitoring/prometheus/metrics"
MONITORING = f"""prometheus_config {{
  enable: true
  path: "{METRICS_PATH}"
}}
"""

_BATCH_BYTES = 8 * 1024 * 1024
"""So much input is run at once at most: more of it makes a batch slower, and hardly cheaper."""

_QUEUED_BATCHES = 64
"""Gateways limit what they send; this is for memory's sake, so that their limits are reached first."""


def servable_models(models_dir: Path) -> tuple[list[str], list[NotFitToServe]]:
    """List the models that have a version that can be served, and say what is wrong with the others.

    TensorFlow Serving would not even start with one of these in its list. Raises NothingPublished, or NotFitToServe if
    no model can be served.
    """
    models, unservable = [], []
    for model in model_names(models_dir):
        if problem := _problem(models_dir, model):
            unservable.append(NotFitToServe(model, max(scan(models_dir / model)), problem))
        else:
            models.append(model)
    if not (models or unservable):
        raise NothingPublished(models_dir)
    if not models:
        raise unservable[0]
    return models, unservable


def _problem(models_dir: Path, model: str) -> str:
    """Say why no version of the model can be served; empty if one can."""
    if not MODEL_NAME.fullmatch(model):
        return "expected a model's name of small letters, digits, _ and -"
    return "" if live_version(models_dir, model) else read_versions(models_dir, model)[-1].problem


def models_config(models: Iterable[str], base_path: str, pins: Mapping[str, Sequence[int]] | None = None) -> str:
    """List *models*, each in its folder below *base_path*: an absolute path, or a URI such as gs://bucket/models.

    Of each, the newest versions are loaded, so that requests under way end with the one they began; of those in *pins*
    the versions that are named there, whatever else is or comes.
    """
    pins = pins or {}
    blocks = (
        f"""  config {{
    name: {json.dumps(model)}
    base_path: {json.dumps(f"{base_path.rstrip('/')}/{model}")}
    model_platform: "tensorflow"
    model_version_policy {{ {_policy(pins.get(model, ()))} }}
  }}
"""
        for model in models
    )
    return "model_config_list {\n" + "".join(blocks) + "}\n"


def _policy(versions: Sequence[int]) -> str:
    if not versions:
        return f"latest {{ num_versions: {SERVED} }}"
    return f"specific {{ {' '.join(f'versions: {number}' for number in sorted(versions))} }}"


def batch_threads_config(threads: int) -> str:
    """Say how many batches run at once, of all models: the only setting that versions can't have for themselves."""
    return f"num_batch_threads {{ value: {threads} }}\n"


def batching_parameters(contract: Contract) -> str:
    """Say how the model's requests are batched: by what takes the device's time, never by waiting for company.

    What gathers while the threads are busy is the next batch. A larger request is split. Pictures are padded to a power
    of two rows, since a GPU tunes a convolution anew for each size it sees; elsewhere padding would only cost. The
    sizes go on up to the largest request, although no batch becomes so large: else TensorFlow Serving loads nothing.
    """
    specs = contract.preprocessor.inputs.values()
    rows = _batch_rows(sum(spec.row_bytes for spec in specs))
    lines = [
        f"max_batch_size {{ value: {MAX_ROWS} }}",
        "enable_large_batch_splitting { value: true }",
        f"max_execution_batch_size {{ value: {rows} }}",
        "batch_timeout_micros { value: 0 }",
        f"max_enqueued_batches {{ value: {_QUEUED_BATCHES} }}",
    ]
    if any(len(spec.shape) == 4 for spec in specs):
        lines += [f"allowed_batch_sizes: {1 << power}" for power in range(MAX_ROWS.bit_length())]
    return "\n".join(lines) + "\n"


def _batch_rows(row_bytes: int) -> int:
    """Give the largest power of two, up to MAX_ROWS, that fits into a batch."""
    fitting = max(1, _BATCH_BYTES // row_bytes)
    return min(MAX_ROWS, 1 << (fitting.bit_length() - 1))
