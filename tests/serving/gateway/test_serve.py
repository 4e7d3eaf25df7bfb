"""`plumbline serve` for real: gunicorn with two workers, over sockets."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from serving.commands.serve import serve
from serving.gateway.middleware.key_file import make_key
from tests.serving.contracts import image_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, in_a_process, wait_until
from tests.serving.small_disk import fill, small_disk
from tests.stack import free_port

ROOT = Path(__file__).parents[3]
START = "from serving.commands.serve import serve; serve()"
TEXT = json.dumps({"text": "a good film"})


class Running:
    """A gateway in processes of its own."""

    def __init__(self, model_server: str, metrics_dir: Path, log: Path, **more: str) -> None:
        self.port = free_port()
        options = ["--model-server", model_server, "--port", str(self.port)]
        environment = {
            **os.environ,
            "PROMETHEUS_MULTIPROC_DIR": str(metrics_dir),
            "MODELS": "sentiment,digits",
            "WORKERS": "2",
            "MAX_BODY_BYTES": "5000",
            "REFRESH_SECONDS": "0.1",
            "DRAIN_SECONDS": "0",
            **more,
        }
        self._log = log
        with log.open("w") as stderr:
            command = [sys.executable, "-c", START, *options]
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=stderr)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers, encode_chunked=not isinstance(body, str))  # type: ignore[arg-type]
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        finally:
            connection.close()

    def predict(self) -> int:
        return self.ask("POST", "/predict/sentiment", TEXT, **{"Content-Type": "application/json"})[0]

    def ready(self) -> bool:
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def workers(self) -> list[int]:
        return sorted({int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", self.log)})


@pytest.fixture
def metrics_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "metrics"
    folder.mkdir()
    return folder


@pytest.fixture
def running(model_server: FakeModelServer, metrics_dir: Path, tmp_path: Path) -> Iterator[Running]:
    for contract in (text_contract(), image_contract()):
        model_server.publish(contract)
    running = Running(model_server.address, metrics_dir, tmp_path / "log")
    wait_until(running.ready)
    wait_until(lambda: len(running.workers()) == 2)
    yield running
    running.process.terminate()
    running.process.wait(30)


def test_two_workers_answer_and_their_metrics_are_one(running: Running, metrics_dir: Path) -> None:
    (shared,) = metrics_dir.iterdir()
    statuses: list[int] = []

    def both_have_answered() -> bool:
        with ThreadPoolExecutor(8) as pool:
            statuses.extend(pool.map(lambda _: running.predict(), range(20)))
        return len(list(shared.glob("counter_*.db"))) == 2

    wait_until(both_have_answered)
    assert set(statuses) == {200}
    _, metrics = running.ask("GET", "/metrics")
    assert f'plumbline_gateway_requests_total{{code="200",model="sentiment",version="1"}} {len(statuses)}.0' in metrics
    assert 'plumbline_gateway_live_version{model="sentiment"} 1.0' in metrics
    assert "plumbline_gateway_in_flight_requests 0.0" in metrics
    assert "pid=" not in metrics


def test_workers_that_die_are_replaced_and_their_counts_stay_in_few_files(running: Running, metrics_dir: Path) -> None:
    (shared,) = metrics_dir.iterdir()
    for killed in (0, 2, 4, 6):
        wait_until(lambda count=killed + 2: len(running.workers()) == count)  # type: ignore[misc]
        wait_until(running.ready)
        assert running.predict() == 200
        for pid in running.workers()[-2:] if killed < 6 else ():
            os.kill(pid, signal.SIGKILL)
    workers = {str(pid) for pid in running.workers()[-2:]}
    wait_until(lambda: workers <= {file.stem.rpartition("_")[2] for file in shared.glob("*.db")})
    wait_until(lambda: "plumbline_gateway_workers 2.0" in running.ask("GET", "/metrics")[1])
    _, metrics = running.ask("GET", "/metrics")
    assert 'plumbline_gateway_requests_total{code="200",model="sentiment",version="1"} 4.0' in metrics
    assert "plumbline_gateway_predictions_total{label=" in metrics
    starts = float(metrics.split("\nplumbline_gateway_worker_starts_total ")[1].split()[0])
    assert 5 <= starts <= 8  # one may be killed before it counts its start
    owners = {file.stem.rpartition("_")[2] for file in shared.glob("*.db")}
    assert owners >= workers
    (archive,) = owners - workers
    assert archive.startswith("archive-")
    files = float(metrics.split("\nplumbline_gateway_metric_files ")[1].split()[0])
    assert 2 < files <= 2 * 5 + 2  # counters, histograms and three kinds of gauges a worker


def test_a_body_of_unknown_length_is_limited_too(running: Running) -> None:
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    status, _ = running.ask("POST", "/predict/sentiment", iter([b'{"text": "a good', b' film"}']), **headers)
    assert status == 200
    status, body = running.ask("POST", "/predict/sentiment", iter([b'{"text": "', b"x" * 6000, b'"}']), **headers)
    assert (status, json.loads(body)["code"]) == (413, "too_large")


def test_malformed_chunks_are_refused_and_the_connection_is_closed(running: Running) -> None:
    head = b"POST /predict/sentiment HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    for chunk in (b"xyz\r\n{}", b"-1\r\n{}", b"2\r\n{}AB"):
        with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
            connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"\r\n0\r\n\r\n")
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        assert received.startswith(b"HTTP/1.1 400 "), received
        assert received.count(b"HTTP/1.1 ") == 1
    assert "Traceback" not in running.log


def test_only_the_request_line_says_the_path(running: Running) -> None:
    assert running.ask("GET", "/healthz", PATH_INFO="/models") == (200, '{"status":"ok"}')
    assert running.ask("GET", "/healthz", SCRIPT_NAME="/elsewhere") == (200, '{"status":"ok"}')


def test_proxies_may_disagree_on_the_scheme(running: Running) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "off"}
    assert running.ask("GET", "/healthz", **headers) == (200, '{"status":"ok"}')


def test_a_large_body_is_refused_with_an_answer(running: Running) -> None:
    """Not with a connection that is cut while the client still sends."""
    for _ in range(5):
        body = json.dumps({"text": "x" * 3_000_000})
        status, told = running.ask("POST", "/predict/sentiment", body, **{"Content-Type": "application/json"})
        assert (status, json.loads(told)["code"]) == (413, "too_large")


def test_sigterm_finishes_what_is_under_way_and_leaves_nothing(
    running: Running, model_server: FakeModelServer, metrics_dir: Path
) -> None:
    assert running.predict() == 200
    model_server.delay_seconds = 0.5
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(running.predict) for _ in range(4)]
        wait_until(lambda: "in_flight_requests 4.0" in running.ask("GET", "/metrics")[1])
        running.process.terminate()
        assert [future.result() for future in asked] == [200] * 4
    assert running.process.wait(10) == 0
    assert list(metrics_dir.iterdir()) == []
    assert "Traceback" not in running.log


def test_a_canary_a_killed_replica_and_a_roll_over_under_load_lose_no_request(
    model_server: FakeModelServer, metrics_dir: Path, tmp_path: Path
) -> None:
    other = FakeModelServer().start()
    seen: list[tuple[int, int | None]] = []
    done = threading.Event()
    with in_a_process() as (third, process):
        for server in (model_server, other):
            server.publish(text_contract())
        replicas = f"ipv4:{model_server.address},{other.address},{third}"
        running = Running(replicas, metrics_dir, tmp_path / "log", MODELS="sentiment", CANARY="sentiment:2=30")

        def ask() -> None:
            while not done.is_set():
                status, body = running.ask("POST", "/predict/sentiment", TEXT, **{"Content-Type": "application/json"})
                seen.append((status, json.loads(body).get("version")))

        def next_versions(count: int = 40) -> set[int | None]:
            start = len(seen)
            wait_until(lambda: len(seen) >= start + count)
            return {version for _, version in seen[start:]}

        threads = [threading.Thread(target=ask) for _ in range(6)]
        try:
            wait_until(running.ready)
            for thread in threads:
                thread.start()
            assert next_versions() == {1}
            for server in (model_server, other):  # the third never gets it
                server.publish(text_contract(weights=2), 2, weights=2)
            wait_until(lambda: next_versions() == {1, 2})
            process.kill()
            next_versions(200)
            for server in (model_server, other):
                server.withdraw("sentiment", 1)
                next_versions(100)
            wait_until(lambda: next_versions() == {2})
        finally:
            done.set()
            for thread in threads:
                thread.join(20)
            running.process.terminate()
            running.process.wait(30)
            other.stop()
    assert Counter(status for status, _ in seen) == {200: len(seen)}, running.log


def test_all_workers_follow_the_weights_also_after_a_restart(
    model_server: FakeModelServer, metrics_dir: Path, tmp_path: Path
) -> None:
    for version in (1, 2):
        model_server.publish(text_contract(weights=version), version, weights=version)
    document = tmp_path / "weights"
    document.write_text("sentiment=1\n")
    more = {"MODELS": "sentiment", "CANARY_FILE": str(document)}

    def versions(count: int = 60) -> set[int | None]:
        headers = {"Content-Type": "application/json"}
        with ThreadPoolExecutor(8) as pool:
            told = pool.map(lambda _: running.ask("POST", "/predict/sentiment", TEXT, **headers)[1], range(count))
            return {json.loads(body).get("version") for body in told}

    def metric(name: str) -> float:
        return float(running.ask("GET", "/metrics")[1].split(f"\nplumbline_gateway_{name} ")[1].split()[0])

    def put(text: str) -> None:
        (tmp_path / "aside").write_text(text)
        (tmp_path / "aside").replace(document)

    for text, expected in (("sentiment=1\nsentiment:2=40\n", {1, 2}), ("sentiment:2=refused # it fails\n", {1})):
        running = Running(model_server.address, metrics_dir, tmp_path / "log", **more)
        try:
            wait_until(running.ready)
            wait_until(lambda: len(running.workers()) == 2)  # noqa: B023 - called before the next
            put(text)
            wait_until(lambda: versions() == expected)  # noqa: B023
            put("sentiment:2")
            wait_until(lambda: metric("unusable_weights") == 1)
            assert versions() == expected
            put(text)
            wait_until(lambda: metric("unusable_weights") == 0)
            if expected == {1}:
                wait_until(lambda: metric('refused_versions{model="sentiment"}') == 1)
                assert metric('canary_ratio{model="sentiment",version="2"}') == 0
                status, told = running.ask("POST", "/predict/sentiment?version=2", TEXT)
                assert (status, "refused by the weights document: it fails" in told) == (404, True)
                assert json.loads(running.ask("GET", "/models/sentiment")[1])["versions"] == [1]
        finally:
            running.process.terminate()
            running.process.wait(30)
    running = Running(model_server.address, metrics_dir, tmp_path / "log", **more)
    try:
        wait_until(running.ready)
        assert versions() == {1}
    finally:
        running.process.terminate()
        running.process.wait(30)


def test_a_gateway_answers_on_a_full_disk(model_server: FakeModelServer, tmp_path: Path) -> None:
    model_server.publish(text_contract())
    with small_disk(tmp_path / "disk") as disk:
        fill(disk)
        running = Running(model_server.address, disk, tmp_path / "log", MODELS="sentiment")
        try:
            wait_until(running.ready)
            wait_until(lambda: len(running.workers()) == 2)
            assert [running.predict() for _ in range(20)] == [200] * 20
            os.kill(running.workers()[0], signal.SIGKILL)
            wait_until(lambda: len(running.workers()) == 3)
            wait_until(running.ready)
            assert [running.predict() for _ in range(20)] == [200] * 20
            unwritten = float(
                running.ask("GET", "/metrics")[1].split("\nplumbline_gateway_unwritten_metrics ")[1].split()[0]
            )
        finally:
            running.process.terminate()
            status = running.process.wait(30)
    assert unwritten > 0
    assert (status, len(running.workers())) == (0, 3), running.log
    assert "Traceback" not in running.log


def test_pinned_workers_keep_to_processors_of_their_own(
    model_server: FakeModelServer, metrics_dir: Path, tmp_path: Path
) -> None:
    model_server.publish(text_contract())
    running = Running(model_server.address, metrics_dir, tmp_path / "log", MODELS="sentiment", PIN_WORKERS="on")
    try:
        wait_until(running.ready)
        wait_until(lambda: len(running.workers()) == 2)
        wait_until(lambda: all(len(os.sched_getaffinity(pid)) == 1 for pid in running.workers()))
        first, second = (os.sched_getaffinity(pid) for pid in running.workers())
        assert first != second or len(os.sched_getaffinity(0)) == 1
        os.kill(running.workers()[0], signal.SIGKILL)
        wait_until(lambda: len(running.workers()) == 3)
        wait_until(lambda: os.sched_getaffinity(running.workers()[2]) == first)
    finally:
        running.process.terminate()
        running.process.wait(30)


def test_the_log_says_what_is_live(running: Running) -> None:
    wait_until(lambda: "sentiment: version 1 is live" in running.log)


def test_wrong_settings_are_told_before_anything_starts() -> None:
    result = CliRunner().invoke(serve, ["--port", "x", "--workers", "0"])
    assert result.exit_code == 1
    assert "PORT='x': expected a port" in result.output
    assert "WORKERS='0': expected a whole number" in result.output


def test_help_has_examples() -> None:
    result = CliRunner().invoke(serve, ["--help"])
    assert result.exit_code == 0
    assert "plumbline serve --model-server" in result.output


def test_workers_share_the_rate_of_a_key_also_with_one_that_was_killed(
    model_server: FakeModelServer, metrics_dir: Path, tmp_path: Path
) -> None:
    model_server.publish(text_contract())
    key, line = make_key("alice")
    (tmp_path / "keys").write_text(f"{line}\n")
    options = {"API_KEYS_FILE": str(tmp_path / "keys"), "RATE_LIMIT": "12/hour", "MODELS": "sentiment"}
    running = Running(model_server.address, metrics_dir, tmp_path / "log", **options)

    def statuses(count: int) -> list[int]:
        with ThreadPoolExecutor(8) as pool:
            return [*pool.map(lambda _: running.ask("GET", "/models", **{"X-API-Key": key})[0], range(count))]

    try:
        wait_until(running.ready)
        assert statuses(8) == [200] * 8
        for pid in running.workers():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(running.workers()) == 4)
        wait_until(running.ready)
        assert sorted(statuses(20)) == [200] * 4 + [429] * 16
    finally:
        running.process.terminate()
        running.process.wait()
