"""TensorFlow Serving's configuration files (text protos), made from the models folder."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from serving.contract import Contract
from serving.registry.errors import NotFitToServe, NothingPublished
from serving.registry.versions import MODEL_NAME, SERVED, live_version, model_names, read_versions, scan

BATCHING_FILE = "batching_params.pbtxt"
"""The file in a version's folder that configures its batching; TensorFlow Serving expects this name."""

MAX_ROWS = 512
"""The maximum rows of a request, the same as the gateway's MAX_INSTANCES. TensorFlow Serving refuses more."""

METRICS_PATH = "/monitoring/prometheus/metrics"
MONITORING = f"""prometheus_config {{
  enable: true
  path: "{METRICS_PATH}"
}}
"""

_BATCH_BYTES = 8 * 1024 * 1024
"""The maximum input of a batch: a larger batch is slower, and hardly cheaper per row."""

_QUEUED_BATCHES = 64
"""Bounds memory. Gateways limit what they send, and their limits are meant to be reached first."""


def servable_models(models_dir: Path) -> tuple[list[str], list[NotFitToServe]]:
    """List the models that have a servable version, and the problems of the others.

    TensorFlow Serving would not start with one of the others in its list. Raises NothingPublished, or NotFitToServe
    if no model can be served.
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
    """Return why no version of the model can be served; empty if one can."""
    if not MODEL_NAME.fullmatch(model):
        return "expected a model's name of at most 100 small letters, digits, _ and -"
    return "" if live_version(models_dir, model) else read_versions(models_dir, model)[-1].problem


def models_config(models: Iterable[str], base_path: str, pins: Mapping[str, Sequence[int]] | None = None) -> str:
    """Return models.config for *models* in folders below *base_path*: a path, or a URI such as gs://bucket/models.

    The newest versions of each model are loaded, so that requests in progress finish with the one they started with.
    Models in *pins* are limited to the versions named there.
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
    """Return batching.config: the number of concurrent batches of all models. Everything else is set per version."""
    return f"num_batch_threads {{ value: {threads} }}\n"


def batching_parameters(contract: Contract) -> str:
    """Return the batching parameters of the model: no request waits only to be batched.

    Requests that arrive while all threads are busy form the next batch. Larger requests are split. Images are padded
    to a power of two rows, since a GPU tunes a convolution for each new size; elsewhere padding would only cost. The
    sizes extend to the largest request, although no batch becomes so large: TensorFlow Serving requires that.
    """
    specs = contract.record.specs.values()
    rows = fitting_rows(_BATCH_BYTES, sum(spec.row_bytes for spec in specs))
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


def fitting_rows(batch_bytes: int, row_bytes: int) -> int:
    """Return the largest power of two, up to MAX_ROWS, of rows that fit *batch_bytes*; at least one."""
    fitting = max(1, batch_bytes // row_bytes)
    return min(MAX_ROWS, 1 << (fitting.bit_length() - 1))
