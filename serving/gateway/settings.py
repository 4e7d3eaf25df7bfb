"""The gateway's settings, and the one function that reads them from the environment."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from serving.contract import DecodingBudget, InstanceLimits
from serving.gateway import capture_settings as captures
from serving.gateway import setting_readers as readers
from serving.process.engines import can_compute
from serving.process.masking import masked
from serving.tfserving.client_tls import Tls


class InvalidSettings(ValueError):
    """Some settings are invalid; the message has a line for each."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Each field is read from the environment variable of its name in capitals; for `metrics_dir` see `from_env`."""

    model_server: str = "localhost:8500"
    models_dir: Path | None = None
    models: tuple[str, ...] = ("sentiment", "topic", "house_price", "image", "digits")
    deadline_seconds: float = 5.0
    refresh_seconds: float = 1.0
    max_body_bytes: int = 16 * 1024 * 1024
    max_instances: int = 512
    max_text_characters: int = 100_000
    max_image_pixels: int = 50_000_000
    max_image_bytes: int = 10 * 1024 * 1024
    max_decoded_bytes: int = 256 * 1024 * 1024
    max_json_depth: int = 32
    bind: str = "127.0.0.1"
    port: int = 8000
    grpc_port: int | None = None
    workers: int = 2
    threads: int = 64
    max_connections: int = 4096
    max_connections_per_address: int | None = None
    header_seconds: float = 10.0
    body_seconds: float = 60.0
    pin_workers: bool = False
    max_concurrency: int = 32
    max_queue: int = 24
    max_batch_rows: int = 64
    max_batch_bytes: int = 64 * 1024
    max_batch_calls: int = 1
    max_large_calls: int | None = None
    canary: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    canary_file: Path | None = None
    shadow: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    explain_budget: int = 512
    drain_seconds: float = 5.0
    capture: str = ""
    capture_share: Mapping[str, float] = field(default_factory=lambda: {readers.EVERY[0]: 1.0})
    capture_errors_share: float = 0.0
    capture_low_score: tuple[float, float] | None = None
    capture_part_seconds: float = 60.0
    capture_max_age: timedelta = timedelta(days=30)
    capture_max_bytes: int = 10 * 1024**3
    capture_hash_key_file: Path | None = None
    model_server_ca: Path | None = None
    model_server_cert: Path | None = None
    model_server_key: Path | None = None
    model_server_name: str = ""
    api_keys_file: Path | None = None
    rate_limit: str = ""
    require_signature: tuple[Path, ...] = ()
    cors_origins: tuple[str, ...] = ()
    log_format: str = "text"
    access_log: bool = True
    tracing: bool = False
    metrics_dir: Path | None = None

    @property
    def follows_folder(self) -> bool:
        """Whether to serve every model in the models folder, also those that come later."""
        return self.models == readers.EVERY

    @property
    def runs_models(self) -> bool:
        """Whether the gateway runs the models itself, instead of a model server."""
        return self.models_dir is not None and not (self.follows_folder and self.model_server)

    @property
    def instance_limits(self) -> InstanceLimits:
        """How large an instance may be; each has a budget of its own for decoding pictures."""
        decoding = DecodingBudget(self.max_decoded_bytes)
        return InstanceLimits(self.max_text_characters, self.max_image_pixels, self.max_image_bytes, decoding)

    @property
    def model_server_tls(self) -> Tls | None:
        """The files for TLS to the model server, if it is used."""
        if self.model_server_ca is None:
            return None
        return Tls(self.model_server_ca, self.model_server_cert, self.model_server_key, self.model_server_name)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the environment. `metrics_dir` is PROMETHEUS_MULTIPROC_DIR, since prometheus_client reads that too.

        Raise InvalidSettings, which reports all errors together.
        """
        values: dict[str, Any] = {}
        problems = []
        for name in (setting.name for setting in fields(cls)):
            variable = "PROMETHEUS_MULTIPROC_DIR" if name == "metrics_dir" else name.upper()
            text = environ.get(variable, "")
            if text:  # an empty variable is treated as unset, since compose files can only empty one
                try:
                    values[name] = _READERS[name](text)
                except ValueError as error:
                    problems.append(f"{variable}={text!r}: {error}")
        problems.extend(f"{name}={environ[name]!r}: {problem}" for name, problem in _contradictions(values, environ))
        if problems:
            raise InvalidSettings(masked("\n".join(problems)))
        if "models_dir" in values:
            values = {"models": readers.EVERY, "model_server": "", **values}
        return cls(**values)


def _contradictions(values: Mapping[str, Any], environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Find settings that contradict others: variable and problem."""
    found = []
    models = values.get("models", readers.EVERY if "models_dir" in values else Settings.models)
    for name in ("canary", "shadow"):
        unknown = sorted(values.get(name, {}).keys() - set(models))
        if unknown and models != readers.EVERY:
            found.append((name.upper(), f"{unknown[0]} is not one of MODELS"))
    if "canary" in values and "canary_file" in values:
        found.append(
            ("CANARY", "has no effect with CANARY_FILE, which says the same and can change; unset one of them")
        )
    if values.get("models") == readers.EVERY and not environ.get("MODELS_DIR"):
        found.append(("MODELS", "needs MODELS_DIR too: a model server does not list its models"))
    if "models_dir" in values and (values.get("models") != readers.EVERY or "model_server" not in values):
        served = [name for name in values if name.startswith("model_server")]
        problem = f"has no effect with MODELS_DIR; unset one of them, {_OR_BOTH}"
        found.extend((name.upper(), problem) for name in served)
        if not can_compute():
            found.append(("MODELS_DIR", "needs LiteRT or TensorFlow: pip install 'plumbline[serve,lite]'"))
    found.extend(
        (name.upper(), f"needs {needed.upper()} too")
        for name, needed in _NEEDED
        if name in values and not environ.get(needed.upper())
    )
    if "model_server_ca" in values:
        tls = Tls(values["model_server_ca"], values.get("model_server_cert"), values.get("model_server_key"))
        found.extend((f"MODEL_SERVER_{name.upper()}", problem) for name, problem in tls.problems())
    if "*" in values.get("cors_origins", ()) and "api_keys_file" in values:
        found.append(("CORS_ORIGINS", "lets any page try keys; expected exact origins with API_KEYS_FILE"))
    if "require_signature" in values and ("models_dir" not in values or "model_server" in values):
        problem = "needs MODELS_DIR without MODEL_SERVER: a gateway does not see the files that a model server loads"
        found.append(("REQUIRE_SIGNATURE", problem))
    if values.get("grpc_port") == values.get("port", Settings.port):
        found.append(("GRPC_PORT", "is also PORT; expected another port"))
    return found


_OR_BOTH = "or set MODELS=* and both for a model server that serves what is in the folder"

_NEEDED = (
    ("model_server_cert", "model_server_key"),
    ("model_server_key", "model_server_cert"),
    ("model_server_cert", "model_server_ca"),
    ("model_server_name", "model_server_ca"),
    ("rate_limit", "api_keys_file"),
    ("capture_low_score", "capture"),
    ("capture_hash_key_file", "capture"),
)
"""Settings that have no effect without another."""


_READERS: dict[str, Callable[[str], Any]] = {
    "model_server": readers.address,
    "models_dir": readers.models_dir,
    "models": readers.models,
    "deadline_seconds": readers.seconds,
    "refresh_seconds": readers.seconds,
    "max_body_bytes": readers.count,
    "max_instances": readers.count,
    "max_text_characters": readers.count,
    "max_image_pixels": readers.count,
    "max_image_bytes": readers.count,
    "max_decoded_bytes": readers.count,
    "max_json_depth": readers.count,
    "bind": str,
    "port": readers.port,
    "grpc_port": readers.port,
    "workers": readers.count,
    "threads": readers.count,
    "max_connections": readers.count,
    "max_connections_per_address": readers.count,
    "header_seconds": readers.seconds,
    "body_seconds": readers.seconds,
    "pin_workers": readers.pinning,
    "max_concurrency": readers.count,
    "max_queue": readers.whole,
    "max_batch_rows": readers.count,
    "max_batch_bytes": readers.count,
    "max_batch_calls": readers.count,
    "max_large_calls": readers.count,
    "canary": readers.canary,
    "canary_file": readers.weights_file,
    "shadow": readers.shadow,
    "explain_budget": readers.budget,
    "drain_seconds": readers.pause,
    "capture": captures.place,
    "capture_share": captures.shares,
    "capture_errors_share": captures.share,
    "capture_low_score": captures.low_score,
    "capture_part_seconds": readers.seconds,
    "capture_max_age": captures.age,
    "capture_max_bytes": readers.count,
    "capture_hash_key_file": captures.key_file,
    "model_server_ca": readers.file,
    "model_server_cert": readers.file,
    "model_server_key": readers.file,
    "model_server_name": str,
    "api_keys_file": readers.keys_file,
    "rate_limit": readers.rate,
    "require_signature": readers.public_keys,
    "cors_origins": readers.origins,
    "log_format": readers.log_format,
    "access_log": readers.switch,
    "tracing": readers.tracing,
    "metrics_dir": Path,
}
