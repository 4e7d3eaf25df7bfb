"""`plumbline up`: runs the gateway and a model server on this machine until Ctrl-C."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import click

from serving.commands.gateway_client import GatewayClient, GatewayError, api_key_option
from serving.commands.shown_models import ShownModels
from serving.commands.training_beside import TrainingBeside
from serving.process import memory
from serving.process.engines import can_compute
from serving.process.processors import share

_EXAMPLES = """\b
Examples:
  plumbline up
  plumbline up --train
  plumbline up --models-dir /srv/models --port 9000
  plumbline up --dry-run
"""

_HOST = "127.0.0.1"
_PORT = click.IntRange(1, 65535)
_READY_SECONDS = 180
_STOP_SECONDS = 30
_POLL_SECONDS = 0.05
_GRPC_THREADS = 256
"""TensorFlow Serving refuses calls beyond four times the CPUs by default; the gateway sends WORKERS * THREADS, 128."""
_WORKERS = 2
"""The gateway's number of processes, unless WORKERS says another."""
_ELSEWHERE = {
    *("MODEL_SERVER", "MODEL_SERVER_CA", "MODEL_SERVER_CERT", "MODEL_SERVER_KEY", "MODEL_SERVER_NAME"),
    *("MODELS_DIR", "MODELS"),
}
"""Variables of the caller that would lead to other model servers and other models."""
_THREADS = ("--tensorflow_intra_op_parallelism=1", "--tensorflow_inter_op_parallelism=-1")
"""One thread for each request, the one that received it: requests run in parallel, and more threads would compete."""
_ENVIRONMENT = {
    # glibc would keep separate freed memory for up to sixteen threads: 40 MB more after some load.
    "MALLOC_ARENA_MAX": "2",
    # Large freed blocks go back to the system; by default malloc learns to keep them when a model is loaded: 25 MB.
    # Outputs of the image model's layers are smaller than 4 MB: to allocate them anew per image takes 10 % longer.
    "MALLOC_MMAP_THRESHOLD_": "4194304",
    "MALLOC_TRIM_THRESHOLD_": "2097152",
    # The waiting thread reads a reply itself, not a thread of gRPC's event engine: 10 % less CPU time per text.
    "GRPC_EXPERIMENTS": "-event_engine_client,-event_engine_listener",
    "ACCESS_LOG": "off",  # the logs are shown only if a process fails, and would grow with each request
    "DRAIN_SECONDS": "0",  # after Ctrl-C there is no load balancer to wait for
}
"""The environment of all processes; the caller's variables take precedence."""
_FOLLOWS = ("--model_config_file_poll_wait_seconds=1", "--load_retry_interval_micros=2000000")
"""A version that can't be loaded is retried five times. Meanwhile TensorFlow Serving reads no newer configuration."""
_LOOK_SECONDS = 1.0
_SERVER_SECONDS = 20.0
"""How long a model server may take until it answers for a first model."""
_STARTED = """
http://{host}:{port}  (the page; /predict/<model>, /models, /docs, /readyz, /metrics)
Models that are published meanwhile are served too. Ctrl-C stops it."""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--models-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default="models",
    show_default=True,
    envvar="PLUMBLINE_MODELS",
    show_envvar=True,
    help="Folder of the published models.",
)
@click.option("--port", type=_PORT, default=8000, show_default=True, envvar="PORT", help="Port of the gateway.")
@click.option(
    "--model-server-port",
    type=_PORT,
    default=8500,
    show_default=True,
    help="gRPC port of tensorflow_model_server.",
)
@click.option("--train", "trains", is_flag=True, help="Meanwhile train each model that is missing, quickly, and once.")
@click.option("--dry-run", is_flag=True, help="Only check whether it could start.")
@api_key_option
def up(models_dir: Path, port: int, model_server_port: int, trains: bool, dry_run: bool, api_key: str | None) -> None:
    """Serve every model in the models folder on this machine.

    If tensorflow_model_server is on PATH, the gateway uses it; otherwise it runs the models in-process.
    """
    binary = _binary()
    _check_free(port, "--port")
    if binary:
        _check_free(model_server_port, "--model-server-port")
    if dry_run:
        return
    if trains:
        _make(models_dir)
    if not models_dir.is_dir():
        raise click.ClickException(f"there is no models folder {models_dir}; first run: plumbline train all")
    for stop in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: it is ignored in what a script starts with `&`
        signal.signal(stop, signal.default_int_handler)
    with (
        contextlib.suppress(KeyboardInterrupt),
        tempfile.TemporaryDirectory(prefix="plumbline-") as folder,
        _Processes(Path(folder)) as processes,
        TrainingBeside(models_dir) if trains else contextlib.nullcontext() as training,
    ):
        follow = _model_server(binary, models_dir, processes, model_server_port) if binary else lambda: None
        behind = {"MODELS_DIR": str(models_dir.resolve())}
        if binary:
            behind |= {"MODELS": "*", "MODEL_SERVER": f"{_HOST}:{model_server_port}"}
            behind |= {"PIN_WORKERS": "on", "MAX_LARGE_CALLS": str(_large_calls())}
        _gateway(processes, port, behind)
        is_empty = all(path.name.startswith(".") for path in models_dir.iterdir())
        start = _Start(port, _SERVER_SECONDS if binary and not is_empty else 0.0)
        processes.wait_until(start.has_ended)
        shown = ShownModels(GatewayClient(f"http://{_HOST}:{port}", api_key))
        shown.start()
        if start.problem and not trains:
            click.echo(start.problem, err=True)
        click.echo(_STARTED.format(host=_HOST, port=port))
        memory.trim()
        while True:
            time.sleep(_LOOK_SECONDS)
            processes.check()
            follow()
            if training:
                training.check()
            with contextlib.suppress(GatewayError):  # it is busy, or has ended
                shown.update()


class _Processes:
    """Child processes, with their logs in *folder*; leaving the `with` block stops them all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the processes in reverse order of their start; further signals are ignored."""
        for stop in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop, signal.SIG_IGN)
        for popen in reversed(self._started.values()):
            popen.terminate()
            try:
                popen.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()

    def start(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        """Start a process."""
        with self._log(name).open("wb") as out:
            # A session of its own: Ctrl-C reaches only `plumbline up`, which stops the gateway before the model server.
            self._started[name] = subprocess.Popen(  # noqa: S603 - the command is fixed
                command, stdout=out, stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )

    def wait_until(self, done: Callable[[], bool]) -> None:
        """Wait until *done*; raises ClickException if a process ends, or it takes too long."""
        deadline = time.monotonic() + _READY_SECONDS
        while not done():
            self.check()
            if time.monotonic() > deadline:
                logs = "\n".join(map(self._last_lines, self._started))
                raise click.ClickException(f"not ready after {_READY_SECONDS} s:\n{logs}")
            time.sleep(_POLL_SECONDS)

    def check(self) -> None:
        """Raise ClickException if a process has ended."""
        for name, popen in self._started.items():
            code = popen.poll()
            if code is not None:
                raise click.ClickException(f"the {name} ended with code {code}:\n{self._last_lines(name)}")

    def _last_lines(self, name: str) -> str:
        return "\n".join(self._log(name).read_text("utf-8", "replace").splitlines()[-20:])

    def _log(self, name: str) -> Path:
        return self.folder / f"{name.replace(' ', '-')}.log"


def _make(models_dir: Path) -> None:
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"--models-dir {models_dir}: {error.strerror}") from error


def _check_free(port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise click.ClickException(f"port {port} is taken; choose another with {option}") from error


def _binary() -> str | None:
    binary = shutil.which("tensorflow_model_server")
    if binary is None and not can_compute():
        raise click.ClickException(
            "nothing here computes models: put tensorflow_model_server on PATH, or pip install 'plumbline[serve,lite]'"
        )
    return binary


def _model_server(binary: str, models_dir: Path, processes: _Processes, port: int) -> Callable[[], None]:
    """Start the model server, and return what makes it follow the models folder."""
    # Imported here: reading contracts takes 16 MB, which this process needs only with a model server.
    from serving.commands.server_models import ServerModels

    click.echo(f"model server: {binary}, gRPC at {_HOST}:{port}")
    models = ServerModels(models_dir, processes.folder / "models.config")
    flags = [f"--port={port}", f"--model_config_file={models.path}", f"--grpc_max_threads={_GRPC_THREADS}"]
    processes.start("model server", [binary, *flags, *_THREADS, *_FOLLOWS], {**_ENVIRONMENT, **os.environ})
    # Start the gateway only then, so that all its workers find the model server at once.
    processes.wait_until(lambda: _is_open(port))
    models.update()
    return models.update


def _gateway(processes: _Processes, port: int, behind: Mapping[str, str]) -> None:
    inherited = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    options = {"BIND": _HOST, "PORT": str(port)}
    environment = {**_ENVIRONMENT, **behind, **inherited, **options, "PROMETHEUS_MULTIPROC_DIR": str(processes.folder)}
    processes.start("gateway", [sys.executable, "-P", "-m", "serving", "serve"], environment)


def _large_calls() -> int:
    """Return the share of a gateway process in the processors: TensorFlow Serving computes all calls at once."""
    workers = os.environ.get("WORKERS", "")
    return share(max(1, int(workers)) if workers.isdecimal() else _WORKERS)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_HOST, port)) == 0


class _Start:
    """The start of the gateway at *port*: it ends when that is ready, or has had a *problem* for *patience* seconds."""

    def __init__(self, port: int, patience: float) -> None:
        self._port = port
        self._patience = patience
        self._since: float | None = None
        self.problem = ""

    def has_ended(self) -> bool:
        """Ask the gateway."""
        answer = self._standing()
        self.problem = answer.get("problem", "")
        if not self.problem:
            self._since = None
            return bool(answer.get("ready"))
        if self._since is None:
            self._since = time.monotonic()
        return time.monotonic() >= self._since + self._patience

    def _standing(self) -> dict[str, Any]:
        connection = http.client.HTTPConnection(_HOST, self._port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return dict(json.loads(connection.getresponse().read()))
        except (OSError, http.client.HTTPException, ValueError):
            return {}
        finally:
            connection.close()
