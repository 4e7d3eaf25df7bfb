"""The servers that are compared: how each is started, and where requests go."""

import base64
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.environments import ROOT
from benchmarks.tables import OTHER_BUILD

Instance = dict[str, Any]
Encoder = Callable[[Instance], bytes]

_JSON = "application/json"
_JPEG = "image/jpeg"
_BOUNDARY = "plumbline-benchmark"


@dataclass(frozen=True)
class Route:
    """Where and how requests for a model are sent: *encode* makes a body of `{"text": ...}` or `{"image": <JPEG>}`."""

    path: str
    media_type: str
    encode: Encoder


@dataclass(frozen=True)
class Server:
    """A way to serve the two models.

    *command* returns the arguments of *environment*'s Python ("" is Plumbline's own), for a port and a models folder.
    """

    name: str
    environment: str
    command: Callable[[int, Path], list[str]]
    routes: Mapping[str, Route]
    variables: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT
    """The working directory."""
    missing: Callable[[], str] = lambda: ""
    """Returns why it can't be run on this machine; empty if it can."""

    @property
    def ours(self) -> bool:
        """Whether this is Plumbline."""
        return not self.environment


def _text_json(instance: Instance) -> bytes:
    return json.dumps(instance).encode()


def _file(instance: Instance) -> bytes:
    return bytes(instance["image"])


def _base64_json(instance: Instance) -> bytes:
    return json.dumps(in_json(instance)).encode()


def _list_json(instance: Instance) -> bytes:
    return json.dumps({"instances": [in_json(instance)]}).encode()


def _form(instance: Instance) -> bytes:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="image.jpg"\r\n'
    return b"".join(
        [f"{head}Content-Type: {_JPEG}\r\n\r\n".encode(), instance["image"], f"\r\n--{_BOUNDARY}--\r\n".encode()]
    )


def in_json(instance: Instance) -> Instance:
    """Return an instance as JSON values: an image becomes base64."""
    return {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in instance.items()
    }


def _routes(text: Encoder, image: Encoder, media_type: str, path: str = "/predict/{}") -> dict[str, Route]:
    return {
        "sentiment": Route(path.format("sentiment"), _JSON, text),
        "image": Route(path.format("image"), media_type, image),
    }


PLAIN = _routes(_text_json, _file, _JPEG)


def _gunicorn(port: int, models: Path) -> list[str]:
    return ["-m", "gunicorn", "--workers=2", f"--bind=127.0.0.1:{port}", "benchmarks.rivals.flask_app:app"]


def _uvicorn(port: int, models: Path) -> list[str]:
    command = ["-m", "uvicorn", "--workers=2", f"--port={port}", "--log-level=warning"]
    return [*command, "benchmarks.rivals.fastapi_app:app"]


def _bentoml(port: int, models: Path) -> list[str]:
    command = ["-m", "bentoml", "serve", "benchmarks.rivals.bentoml_service:Models", "--quiet", "--do-not-track"]
    return [*command, "--host=127.0.0.1", f"--port={port}"]


def _script(name: str) -> Callable[[int, Path], list[str]]:
    return lambda port, models: ["-m", f"benchmarks.rivals.{name}", str(port)]


def _plumbline(port: int, models: Path) -> list[str]:
    return ["-m", "serving", "up", f"--models-dir={models}", f"--port={port}", f"--model-server-port={port + 1}"]


def another_build(checkout: Path) -> Server:
    """Return the Plumbline of another *checkout*, which has its `.venv`: what a change has brought."""
    variables = {"PATH": str(checkout / ".venv" / "bin"), "PYTHONPATH": str(checkout)}
    return Server(f"{OTHER_BUILD}{checkout.name}", str(checkout / ".venv"), _plumbline, PLAIN, variables, checkout)


def _no_tensorflow_serving() -> str:
    return "" if shutil.which("tensorflow_model_server") else "tensorflow_model_server is not on PATH"


SERVERS = (
    Server(
        "Plumbline",
        "",
        _plumbline,
        PLAIN,
        {"PATH": str(Path(sys.executable).parent)},  # without tensorflow_model_server
    ),
    Server(
        "Plumbline, TensorFlow Serving",
        "",
        _plumbline,
        PLAIN,
        {"PATH": os.environ.get("PATH", "")},
        missing=_no_tensorflow_serving,
    ),
    Server("Flask", "flask", _gunicorn, PLAIN),
    Server("Flask, tuned", "flask", _gunicorn, PLAIN, {"BENCH_INTRA_OP": "1"}),
    Server("FastAPI", "fastapi", _uvicorn, _routes(_text_json, _form, f"multipart/form-data; boundary={_BOUNDARY}")),
    Server("LitServe", "litserve", _script("litserve_server"), _routes(_text_json, _base64_json, _JSON)),
    Server("BentoML", "bentoml", _bentoml, _routes(_list_json, _list_json, _JSON)),
    Server(
        "KServe", "kserve", _script("kserve_server"), _routes(_list_json, _list_json, _JSON, "/v1/models/{}:predict")
    ),
    Server("Ray Serve", "ray", _script("ray_app"), PLAIN),
)
