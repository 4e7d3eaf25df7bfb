"""The gateway alone: start, memory, and what it adds to a bare call of the model server."""

import contextlib
import http.client
import shutil
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from benchmarks.environments import WORK
from benchmarks.payloads import contract_of, photos, reviews
from benchmarks.processes import Running, pss_mb, running
from benchmarks.results import Results
from benchmarks.rounds import START_SECONDS, Failed, free_port
from benchmarks.servers import PLAIN, Instance
from serving.tfserving.client import ModelServerClient

_BLOCK = 20
"""Number of consecutive requests to the gateway, then to the model server."""

_TENSORFLOW_SERVING = "tensorflow_model_server"
_THREADS = ("--tensorflow_intra_op_parallelism=1", "--tensorflow_inter_op_parallelism=-1", "--grpc_max_threads=256")
"""As `plumbline up` starts it."""


def measure_gateway(models: Path, repeats: int, requests: int, results: Results) -> None:
    """Start the model server, then the gateway *repeats* times. Send *requests* to both during the last.

    Raises Failed.
    """
    port = free_port()
    config = WORK / "models.config"
    config.write_text(_config(models), "utf-8")
    name, command = model_server()
    command += [f"--port={port}", f"--model_config_file={config}"]
    with running(command, WORK / "logs" / "model-server.log", {}) as server:
        client = ModelServerClient(f"127.0.0.1:{port}")
        wait_until(server, lambda: _serves(client, models))
        for repeat in range(repeats):
            with _gateway(f"127.0.0.1:{port}") as (gateway, gateway_port, seconds):
                workers = [pss_mb(pid) for pid in gateway.pids() if pid != gateway.pid]
                results.add("gateway", repeat=repeat, ready_seconds=round(seconds, 2), workers_mb=_rounded(workers))
                if repeat == repeats - 1:
                    text, photo = reviews(models / "sentiment")[0], photos(models / "image")[0]
                    for model, instance, count in (("sentiment", text, requests), ("image", photo, requests // 5)):
                        medians = _overhead(model, instance, client, models, gateway_port, count)
                        results.add("overhead", model=model, server=name, **medians)
                    workers = [pss_mb(pid) for pid in gateway.pids() if pid != gateway.pid]
                    results.add("gateway", repeat=repeat, ready_seconds=None, workers_mb=_rounded(workers))
        client.close()


def model_server() -> tuple[str, list[str]]:
    """Return the name and the command of TensorFlow Serving if it is on PATH, else of Plumbline's own model server."""
    if binary := shutil.which(_TENSORFLOW_SERVING):
        return "TensorFlow Serving", [binary, *_THREADS]
    return "our server", [sys.executable, "-m", "serving.local_server", "--host=127.0.0.1"]


@contextlib.contextmanager
def _gateway(model_server: str) -> Iterator[tuple[Running, int, float]]:
    port = free_port()
    options = [f"--model-server={model_server}", "--models=sentiment,image", f"--port={port}"]
    command = [sys.executable, "-m", "serving", "serve", *options]
    with running(command, WORK / "logs" / "gateway.log", {}) as process:
        wait_until(process, lambda: is_ready(port))
        yield process, port, time.monotonic() - process.started


def _overhead(
    model: str, instance: Instance, client: ModelServerClient, models: Path, port: int, requests: int
) -> dict[str, float]:
    """Send requests to the gateway and the model server in turns: the same instance, the same tensors."""
    features = contract_of(models / model).features([instance])
    route = PLAIN[model]
    body = route.encode(instance)
    head = f"POST {route.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {route.media_type}\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    stream = connection.makefile("rb")

    def by_gateway() -> None:
        connection.sendall(request)
        status = _read(stream)
        if not status.startswith(b"HTTP/1.1 200"):
            raise Failed(f"{route.path} answered with {status!r}")

    def by_call() -> None:
        client.predict(model, 1, features, 30)

    times: dict[str, list[float]] = {"gateway": [], "call": []}
    for _ in range(max(2, requests // _BLOCK)):
        for name, call in (("gateway", by_gateway), ("call", by_call)):
            times[name] += [_timed(call) for _ in range(_BLOCK)]
    connection.close()
    medians = {
        name: 1000 * statistics.median(each[_BLOCK:]) for name, each in times.items()
    }  # the first block is the warm-up
    rounded = {f"{name}_p50_ms": round(value, 3) for name, value in medians.items()}
    return {**rounded, "overhead_ms": round(medians["gateway"] - medians["call"], 3)}


def _read(stream: BinaryIO) -> bytes:
    """Read an answer, and return its first line, without http.client, which would add 0.2 ms."""
    status, length = stream.readline(), 0
    while line := stream.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    stream.read(length)
    return status


def _timed(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _serves(client: ModelServerClient, models: Path) -> bool:
    with contextlib.suppress(Exception):  # whatever the error, it is not ready
        return all(client.contract(model, 1, 5) for model in ("sentiment", "image"))
    return False


def is_ready(port: int) -> bool:
    """Return whether the gateway at *port* is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def wait_until(process: Running, done: Callable[[], bool]) -> None:
    """Wait until *done* returns true. Raises Failed if *process* ends first, or if it takes too long."""
    while not done():
        if process.ended() or time.monotonic() > process.started + START_SECONDS:
            raise Failed(f"not ready:\n{process.last_lines()}")
        time.sleep(0.02)


def _config(models: Path) -> str:
    blocks = (
        f'config {{ name: "{name}" base_path: "{(models / name).resolve()}" model_platform: "tensorflow" }}'
        for name in ("sentiment", "image")
    )
    return f"model_config_list {{ {' '.join(blocks)} }}"


def _rounded(values: list[float]) -> list[float]:
    return [round(value, 1) for value in values]
