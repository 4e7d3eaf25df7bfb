"""Protocol messages of TensorFlow Serving that its Python package lacks, or has only together with all of TensorFlow.

They are rebuilt from their field numbers, in a protobuf package of their own, so that they can't clash with a copy of
the originals.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

_PACKAGE = "plumbline.tensorflow_serving"
_FIELD = descriptor_pb2.FieldDescriptorProto
_INT64 = ".google.protobuf.Int64Value"
_BOOL = ".google.protobuf.BoolValue"
_STRING = ".google.protobuf.StringValue"

# message -> field -> (number, type): a leading dot means a message, brackets mean repeated.
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "BatchingParameters": {
        "max_batch_size": (1, _INT64),
        "batch_timeout_micros": (2, _INT64),
        "max_enqueued_batches": (3, _INT64),
        "num_batch_threads": (4, _INT64),
        "thread_pool_name": (5, _STRING),
        "allowed_batch_sizes": (6, "[int64]"),
        "pad_variable_length_inputs": (7, "bool"),
        "enable_large_batch_splitting": (8, _BOOL),
        "max_execution_batch_size": (9, _INT64),
    },
    # Of ModelServerConfig only what says which versions are named.
    "LatestVersions": {"num_versions": (1, "uint32")},
    "AllVersions": {},
    "SpecificVersions": {"versions": (1, "[int64]")},
    "ServableVersionPolicy": {
        "latest": (100, f".{_PACKAGE}.LatestVersions"),
        "all": (101, f".{_PACKAGE}.AllVersions"),
        "specific": (102, f".{_PACKAGE}.SpecificVersions"),
    },
    "VersionLabel": {"key": (1, "string"), "value": (2, "int64")},  # an entry of a map, which looks the same
    "ModelConfig": {
        "name": (1, "string"),
        "base_path": (2, "string"),
        "model_version_policy": (7, f".{_PACKAGE}.ServableVersionPolicy"),
        "version_labels": (8, f"[.{_PACKAGE}.VersionLabel]"),
    },
    "ModelConfigList": {"config": (1, f"[.{_PACKAGE}.ModelConfig]")},
    "ModelServerConfig": {"model_config_list": (1, f".{_PACKAGE}.ModelConfigList")},
    "PrometheusConfig": {"enable": (1, "bool"), "path": (2, "string")},
    "MonitoringConfig": {"prometheus_config": (1, f".{_PACKAGE}.PrometheusConfig")},
    "SSLConfig": {
        "server_key": (1, "string"),
        "server_cert": (2, "string"),
        "custom_ca": (3, "string"),
        "client_verify": (4, "bool"),
    },
    "HealthCheckRequest": {"service": (1, "string")},
    "HealthCheckResponse": {"status": (1, "int64")},  # an enum, which looks the same on the wire
}


def _field(name: str, number: int, kind: str) -> descriptor_pb2.FieldDescriptorProto:
    label = _FIELD.LABEL_REPEATED if kind.startswith("[") else _FIELD.LABEL_OPTIONAL
    kind = kind.strip("[]")
    if kind.startswith("."):
        return _FIELD(name=name, number=number, label=label, type=_FIELD.TYPE_MESSAGE, type_name=kind)
    return _FIELD(name=name, number=number, label=label, type=_FIELD.Type.Value(f"TYPE_{kind.upper()}"))


def _build() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="serving/tfserving/rebuilt_messages.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    for name, members in _MESSAGES.items():
        fields = [_field(member, *spec) for member, spec in members.items()]
        file.message_type.append(descriptor_pb2.DescriptorProto(name=name, field=fields))
    pool = descriptor_pool.Default()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES
    }


_classes = _build()
BatchingParameters = _classes["BatchingParameters"]
ModelServerConfig = _classes["ModelServerConfig"]
MonitoringConfig = _classes["MonitoringConfig"]
SSLConfig = _classes["SSLConfig"]
HealthCheckRequest = _classes["HealthCheckRequest"]
HealthCheckResponse = _classes["HealthCheckResponse"]
