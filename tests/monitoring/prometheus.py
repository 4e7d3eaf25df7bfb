"""Debian's Prometheus and node exporter as processes, and what they are asked."""

import contextlib
import http.server
import json
import math
import shutil
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stack import free_port, process

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "k8s" / "monitoring" / "rules").glob("*.yaml"))

needs_prometheus = pytest.mark.skipif(
    not all(map(shutil.which, ("prometheus", "promtool", "prometheus-node-exporter"))),
    reason="needs Prometheus: apt-get install --no-install-recommends prometheus prometheus-node-exporter",
)


@dataclass(frozen=True)
class Series:
    """One series of an answer: its labels, and finite values by Unix time."""

    labels: dict[str, str]
    times: list[float]
    values: list[float]


@dataclass(frozen=True)
class Prometheus:
    url: str

    def ask(self, path: str, **parameters: object) -> Any:
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(address, timeout=30) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def wait_until_ready(self, seconds: float = 60) -> None:
        """It listens before it answers queries."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(f"{self.url}/-/ready", timeout=30):
                return
            time.sleep(0.1)
        raise AssertionError(f"not ready within {seconds} s")

    def now(self, expr: str) -> list[dict[str, Any]]:
        return self.ask("query", query=expr)["result"]

    def over(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        """Give the series of *expr* that have a finite value between two Unix times."""
        result = self.ask("query_range", query=expr, start=start, end=end, step=step)["result"]
        found = []
        for series in result:
            points = [(at, float(value)) for at, value in series["values"] if math.isfinite(float(value))]
            if points:
                found.append(Series(series["metric"], *map(list, zip(*points, strict=True))))
        return found

    def wait_until(self, expr: str, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not self.now(expr):
            assert time.monotonic() < end, f"not within {seconds} s: {expr}"
            time.sleep(0.3)


@contextlib.contextmanager
def prometheus(folder: Path, targets: Mapping[str, list[int]]) -> Iterator[Prometheus]:
    """Run compose's configuration with a second between scrapes; *targets* are ports by the name of their job."""
    config = yaml.safe_load((ROOT / "compose" / "prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(file) for file in RULES]
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    for name, ports in targets.items():
        # What is not in compose.yaml, GPUs and Kubernetes, is scraped as their exporters' own monitors would have it.
        job = jobs.setdefault(name, {"job_name": name, "honor_labels": True})
        addresses = [f"127.0.0.1:{port}" for port in ports]
        job["static_configs"] = [{"targets": addresses, "labels": {"namespace": "plumbline"}}]  # as in Kubernetes
    config["scrape_configs"] = list(jobs.values())
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={folder}/prometheus.yaml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with process(command, folder / "prometheus.log"):
        wait_until_open(port, folder / "prometheus.log")
        started = Prometheus(f"http://127.0.0.1:{port}")
        started.wait_until_ready()
        yield started


@contextlib.contextmanager
def node_exporter(folder: Path, files: Path) -> Iterator[int]:
    """Give *files* to Prometheus as k8s/monitoring and compose.yaml do; yields the port."""
    port = free_port()
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["job-metrics"]
    flags = [flag.replace("/reports", str(files)) for flag in service["command"]]
    command = ["prometheus-node-exporter", *flags, f"--web.listen-address=127.0.0.1:{port}"]
    with process(command, folder / "node-exporter.log"):
        wait_until_open(port, folder / "node-exporter.log")
        yield port


def wait_until_open(port: int, log: Path, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)


@contextlib.contextmanager
def written_exporter(file: Path) -> Iterator[int]:
    """Give what a file says, its counters growing with each scrape as if time went on; yields the port."""
    scrapes = 0

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # a Prometheus that ends closes what it is being sent
                super().handle()

        def do_GET(self) -> None:
            nonlocal scrapes
            scrapes += 1
            body = grown(file.read_text(), scrapes).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def grown(text: str, scrapes: int) -> str:
    """Multiply counters and histograms; gauges stay."""
    kind, lines = "", []
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            kind = line.rpartition(" ")[2]
        if not line.startswith("#") and kind != "gauge":
            name, _, value = line.rpartition(" ")
            line = f"{name} {float(value) * scrapes:g}"
        lines.append(f"{line}\n")
    return "".join(lines)
