"""Configuration files and reload requests (text protos) -> checked values.

Nothing here needs TensorFlow, so that a mistake is reported before TensorFlow is imported, which takes seconds.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tensorflow_serving.config import model_server_config_pb2

from serving.local_server.flags import Flags
from serving.local_server.server_tls import ServerTls
from serving.runtime.batching_parameters import BatchingParameters, read_batching_parameters
from serving.runtime.errors import invalid_argument
from serving.runtime.model_config import ModelConfig
from serving.runtime.storage import VersionPolicy
from serving.runtime.text_protos import read_text_proto
from serving.tfserving import rebuilt_messages

UNSUPPORTED_KIND = (
    "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported"
)
METRICS_PATH = "/monitoring/prometheus/metrics"


@dataclass(frozen=True)
class Configuration:
    """The content of the flags and of the files that they name."""

    flags: Flags
    models: tuple[ModelConfig, ...]
    batching: BatchingParameters | None
    metrics_path: str | None
    tls: ServerTls | None

    @staticmethod
    def of(flags: Flags) -> "Configuration":
        """Read and check the files; raises ServingError."""
        if not flags.port:
            raise invalid_argument(
                "At least one of server_options.grpc_port or server_options.grpc_socket_path must be set."
            )
        return Configuration(flags, model_configs(flags), batching_parameters(flags), metrics_path(flags), tls(flags))


def model_configs(flags: Flags) -> tuple[ModelConfig, ...]:
    """Read the models to serve; raises ServingError."""
    if flags.model_config_file:
        return from_server_config(read_text_proto(flags.model_config_file, model_server_config_pb2.ModelServerConfig()))
    if not flags.model_base_path:
        raise invalid_argument("Both server_options.model_base_path and server_options.model_config_file are empty!")
    entry = model_server_config_pb2.ModelConfig(
        name=flags.model_name, base_path=flags.model_base_path, model_platform="tensorflow"
    )
    return (_model_config(entry),)


def from_server_config(config: Any) -> tuple[ModelConfig, ...]:
    """Check a ModelServerConfig as a whole, so that a bad one changes nothing."""
    if config.WhichOneof("config") != "model_config_list":
        raise invalid_argument(UNSUPPORTED_KIND)
    models: dict[str, ModelConfig] = {}
    for entry in config.model_config_list.config:
        if entry.name in models:
            raise invalid_argument(f"Illegal to list model {entry.name} multiple times in config list")
        models[entry.name] = _model_config(entry)
    return tuple(models.values())


def _model_config(entry: Any) -> ModelConfig:
    # model_type (deprecated): 1 is TENSORFLOW
    platform = entry.model_platform or ("tensorflow" if entry.model_type == 1 else "")
    if not platform:
        raise invalid_argument(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            f"ModelServerConfig::model_platform, model name is {entry.name}"
        )
    if platform != "tensorflow":
        raise invalid_argument(f"Model {entry.name} requests unsupported platform {platform}")
    if not entry.base_path.startswith("/"):
        raise invalid_argument(
            f"Expected model {entry.name} to have an absolute path or URI; got base_path()={entry.base_path}"
        )
    if entry.HasField("logging_config"):
        raise invalid_argument("No request-logger-creator provided.")
    policy = _policy(entry.model_version_policy)
    return ModelConfig(entry.name, Path(entry.base_path), policy, dict(entry.version_labels))


def _policy(policy: Any) -> VersionPolicy:
    kind = policy.WhichOneof("policy_choice")
    if kind == "specific":
        return VersionPolicy(specific=frozenset(policy.specific.versions))
    return VersionPolicy(all=kind == "all", latest=policy.latest.num_versions or 1)


def batching_parameters(flags: Flags) -> BatchingParameters | None:
    """Read the batching parameters; None disables batching."""
    if not flags.enable_batching:
        if flags.batching_parameters_file:
            raise invalid_argument("server_options.batching_parameters_file is set without setting enable_batching")
        return None
    return (
        read_batching_parameters(flags.batching_parameters_file)
        if flags.batching_parameters_file
        else BatchingParameters()
    )


def metrics_path(flags: Flags) -> str | None:
    """Read the path of the metrics; None disables them."""
    if not flags.monitoring_config_file:
        return None
    config = read_text_proto(flags.monitoring_config_file, rebuilt_messages.MonitoringConfig()).prometheus_config
    return (config.path or METRICS_PATH) if config.enable else None


def tls(flags: Flags) -> ServerTls | None:
    """Read the TLS configuration of the gRPC port; None disables TLS."""
    if not flags.ssl_config_file:
        return None
    config = read_text_proto(flags.ssl_config_file, rebuilt_messages.SSLConfig())
    return ServerTls(config.server_key, config.server_cert, config.custom_ca, config.client_verify)
