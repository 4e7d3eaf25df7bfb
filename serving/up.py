"""`plumbline up`: model server and gateway on this machine, shown at work, until Ctrl-C."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from serving.gateway.http_client import GatewayClient, GatewayError, api_key_option
from serving.registry import RegistryError
from serving.registry.server_config import models_config, servable_models

_HELP = """
Serve every model in the models folder on this machine: a model server, and the gateway in front of it.

The model server is tensorflow_model_server where that is on PATH, else Plumbline's own.

\b
Examples:
  plumbline up
  plumbline up --models-dir /srv/models --port 9000
"""

_HOST = "127.0.0.1"
_READY_SECONDS = 180
_STOP_SECONDS = 30
_POLL_SECONDS = 0.05
_GRPC_THREADS = 96
"""The original refuses what comes beyond four times the CPUs; the gateway's workers send up to 64 calls at a time."""
_TLS = ("MODEL_SERVER_CA", "MODEL_SERVER_CERT", "MODEL_SERVER_KEY", "MODEL_SERVER_NAME")
"""The model server that is started here speaks none."""
_INTRA_OP = "--tensorflow_intra_op_parallelism=1"
"""A thread for an operation: requests run side by side, and several threads for each get into each other's way."""
_ENVIRONMENT = {
    # glibc would keep freed memory for each of up to sixteen threads apart: 40 MB more after some load.
    "MALLOC_ARENA_MAX": "2",
    # Who waits for a reply reads it, not a thread of gRPC's event engine that wakes it: 0.9 of the CPU time of a text.
    "GRPC_EXPERIMENTS": "-event_engine_client,-event_engine_listener",
    "ACCESS_LOG": "off",  # the logs are shown only if a process fails, and would grow with each request
}
"""Of both processes, where the caller's environment says nothing else."""
_SHOWN = 110
"""Characters of a request or an answer that are shown."""


@click.command(help=_HELP)
@click.option(
    "--models-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default="models",
    show_default=True,
    envvar="PLUMBLINE_MODELS",
    help="Where `plumbline train` publishes.",
)
@click.option("--port", default=8000, show_default=True, help="The gateway's port.")
@click.option("--model-server-port", default=8500, show_default=True, help="The model server's gRPC port.")
@api_key_option
def up(models_dir: Path, port: int, model_server_port: int, api_key: str | None) -> None:
    """Start both, wait until they are ready, show an answer of each model, and stay until a signal comes."""
    models = _published(models_dir)
    for taken, option in ((port, "--port"), (model_server_port, "--model-server-port")):
        _check_free(taken, option)
    for stop in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: it is ignored in what a script starts with `&`
        signal.signal(stop, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder, contextlib.suppress(KeyboardInterrupt):
        _serve(models, models_dir, Path(folder), port, model_server_port, api_key)


def _serve(
    models: list[str], models_dir: Path, folder: Path, port: int, model_server_port: int, api_key: str | None
) -> None:
    config = folder / "models.config"
    config.write_text(models_config(models, str(models_dir.resolve())), "utf-8")
    with contextlib.ExitStack() as processes:
        server = _process("model server", _model_server(config, model_server_port), folder)
        started = [processes.enter_context(server)]
        # The gateway waits for the model server, or each of its workers would find it at another moment.
        _wait_until(lambda: _is_open(model_server_port), started)
        command, environment = _gateway(models, folder, port, model_server_port)
        started.append(processes.enter_context(_process("gateway", command, folder, environment)))
        client = GatewayClient(f"http://{_HOST}:{port}", api_key)
        _wait_until(lambda: _is_ready(client), started)
        _show(client, models, port, model_server_port)
        _watch(started)


class _Process:
    """A child process with its log; a context manager that never leaves it behind."""

    def __init__(self, name: str, popen: "subprocess.Popen[bytes]", log: Path) -> None:
        self.name = name
        self.popen = popen
        self._log = log

    def check(self) -> None:
        """Raise ClickException with the end of its log if it has ended."""
        code = self.popen.poll()
        if code is not None:
            raise click.ClickException(f"the {self.name} ended with code {code}:\n{self.last_lines()}")

    def last_lines(self) -> str:
        """Give the end of its log."""
        return "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-20:])


@contextlib.contextmanager
def _process(
    name: str, command: list[str], folder: Path, environment: Mapping[str, str] = os.environ
) -> Iterator[_Process]:
    log = folder / f"{name.replace(' ', '-')}.log"
    with log.open("wb") as out:
        # A session of its own: Ctrl-C reaches only `plumbline up`, which stops the gateway before the model server.
        popen = subprocess.Popen(  # noqa: S603 - the command is ours
            command, stdout=out, stderr=subprocess.STDOUT, env={**_ENVIRONMENT, **environment}, start_new_session=True
        )
        try:
            yield _Process(name, popen, log)
        finally:
            popen.terminate()
            try:
                popen.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()


def _published(models_dir: Path) -> list[str]:
    try:
        models = servable_models(models_dir)
    except RegistryError as error:
        raise click.ClickException(str(error)) from error
    if not models:
        raise click.ClickException(f"{models_dir} holds no published model; first run: plumbline train all")
    return models


def _check_free(port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise click.ClickException(f"port {port} is taken; choose another with {option}") from error


def _model_server(config: Path, port: int) -> list[str]:
    flags = [f"--port={port}", f"--model_config_file={config}", f"--grpc_max_threads={_GRPC_THREADS}", _INTRA_OP]
    binary = shutil.which("tensorflow_model_server")
    if binary:
        click.echo(f"model server: {binary}")
        return [binary, *flags]
    if find_spec("tensorflow") is None:
        raise click.ClickException(
            "no model server: put tensorflow_model_server on PATH, or install TensorFlow for Plumbline's own"
        )
    click.echo("model server: Plumbline's own (tensorflow_model_server is not on PATH); loading the models ...")
    return [sys.executable, "-m", "serving.local_server", f"--host={_HOST}", *flags]


def _gateway(models: list[str], folder: Path, port: int, model_server_port: int) -> tuple[list[str], dict[str, str]]:
    options = {"bind": _HOST, "port": port, "model-server": f"{_HOST}:{model_server_port}", "models": ",".join(models)}
    command = [sys.executable, "-m", "serving", "serve", *(f"--{name}={value}" for name, value in options.items())]
    # Who presses Ctrl-C waits for no load balancer to notice.
    ours = {"DRAIN_SECONDS": "0"} | ({"PIN_WORKERS": "on"} if hasattr(os, "sched_setaffinity") else {})
    environment = {**ours, **os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    return command, {name: value for name, value in environment.items() if name not in _TLS}


def _wait_until(done: Callable[[], bool], processes: Sequence[_Process]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not done():
        for process in processes:
            process.check()
        if time.monotonic() > deadline:
            logs = "\n".join(process.last_lines() for process in processes)
            raise click.ClickException(f"not ready after {_READY_SECONDS} s:\n{logs}")
        time.sleep(_POLL_SECONDS)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_HOST, port)) == 0


def _is_ready(client: GatewayClient) -> bool:
    try:
        client.get("/readyz")
    except GatewayError:
        return False
    return True


def _show(client: GatewayClient, models: list[str], port: int, model_server_port: int) -> None:
    for model in models:
        told: dict[str, Any] = json.loads(client.get(f"/models/{model}"))
        warning = "; its answers mean nothing" if told["data"] == "sample" else ""
        click.secho(f"\n{model} (data: {told['data']}{warning})", bold=True)
        example = told["instance"]["example"]
        click.echo(f"  POST /predict/{model}  {_short(example)}")
        click.echo(f"  {_short(client.post(f'/predict/{model}', example))}")
    click.echo(f"\ngateway       http://{_HOST}:{port}  (/predict/<model>, /models, /readyz, /metrics)")
    click.echo(f"model server  {_HOST}:{model_server_port}  (gRPC)")
    click.echo("Ctrl-C stops both.")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + " ..."


def _watch(processes: Sequence[_Process]) -> None:
    while True:
        for process in processes:
            process.check()
        time.sleep(0.5)
