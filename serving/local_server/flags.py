"""The command line: `tensorflow_model_server`'s names and defaults, parsed by click into one frozen value."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

EPILOG = """
\b
Example:
  python -m serving.local_server --port=8500 --rest_api_port=8501 \\
      --model_name=house_price --model_base_path=/models/house_price
"""


@dataclass(frozen=True)
class Flags:
    """The flags that the server was started with; fields are named like flags."""

    host: str = "0.0.0.0"  # noqa: S104 - like the original
    port: int = 8500
    rest_api_port: int = 0
    grpc_max_threads: int = 64
    model_name: str = "default"
    model_base_path: str = ""
    model_config_file: Path | None = None
    model_config_file_poll_wait_seconds: float = 0
    file_system_poll_wait_seconds: float = 1
    max_num_load_retries: int = 5
    load_retry_interval_micros: int = 60_000_000
    enable_model_warmup: bool = True
    allow_version_labels_for_unavailable_models: bool = False
    enable_batching: bool = False
    batching_parameters_file: Path | None = None
    enable_per_model_batching_parameters: bool = False
    enable_grpc_healthcheck_service: bool = False
    enable_serialization_as_tensor_content: bool = False
    monitoring_config_file: Path | None = None
    ssl_config_file: Path | None = None
    tensorflow_intra_op_parallelism: int = 0
    tensorflow_inter_op_parallelism: int = 0


HELP = {
    "host": "Address to listen on (not a flag of the original).",
    "port": "gRPC port; 0 for none.",
    "rest_api_port": "REST port, also for Prometheus; 0 for none.",
    "grpc_max_threads": "Maximum number of concurrent requests.",
    "model_name": "Name of the only model, when there is no --model_config_file.",
    "model_base_path": "Folder of the only model, holding one folder per version number.",
    "model_config_file": "Text ModelServerConfig listing the models.",
    "model_config_file_poll_wait_seconds": "How often to re-read that file; 0 for never.",
    "file_system_poll_wait_seconds": "How often to look for versions; 0 for once.",
    "max_num_load_retries": "How often to retry a load that failed.",
    "load_retry_interval_micros": "Time between two such tries, in microseconds.",
    "enable_model_warmup": "Replay a version's warm-up records before it is available.",
    "allow_version_labels_for_unavailable_models": "Let a new label point at a version that is not loaded.",
    "enable_batching": "Merge waiting requests into batches.",
    "batching_parameters_file": "Text BatchingParameters.",
    "enable_per_model_batching_parameters": "Batch as each version says in batching_params.pbtxt, if it does.",
    "enable_grpc_healthcheck_service": "Offer grpc.health.v1.Health.",
    "enable_serialization_as_tensor_content": "Answer gRPC Predict in tensor_content, not in typed fields.",
    "monitoring_config_file": "Text MonitoringConfig; Prometheus is served on the REST port.",
    "ssl_config_file": "Text SSLConfig, holding PEM text: gRPC speaks TLS only. REST has none.",
    "tensorflow_intra_op_parallelism": "Threads within an operation; 0 for one per CPU.",
    "tensorflow_inter_op_parallelism": "Threads for independent operations; 0 runs them on the request's own thread.",
}


def command(run: Callable[[Flags], None]) -> click.Command:
    """Wrap `run` in a click command whose options are the fields of `Flags`."""

    def invoke(**values: Any) -> None:
        run(Flags(**values))

    command = click.Command(
        "local_server",
        callback=invoke,
        help="Serve SavedModels over gRPC and REST, like tensorflow_model_server. Unknown flags are errors.",
        epilog=EPILOG,
        params=[_option(field.name, field.type, field.default) for field in fields(Flags)],
        context_settings={"max_content_width": 110},
    )
    return click.version_option(
        version("tensorflow"),
        message="TensorFlow ModelServer: plumbline local server\nTensorFlow Library: %(version)s",
    )(command)


def _option(name: str, annotation: Any, default: Any) -> click.Option:
    kinds: dict[Any, Any] = {Path | None: click.Path(exists=True, dir_okay=False, path_type=Path)}
    # An optional value lets both `--enable_batching` and `--enable_batching=true` through, as Google's flags do.
    optional: dict[str, Any] = {"is_flag": False, "flag_value": "true"} if annotation is bool else {}
    kind = kinds.get(annotation, annotation)
    return click.Option([f"--{name}"], type=kind, default=default, show_default=True, help=HELP[name], **optional)
