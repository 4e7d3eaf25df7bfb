"""Canaries that are judged by what a real Prometheus has scraped."""

import contextlib
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from serving.catalog.weights import parse
from serving.rollout import http_replies
from serving.rollout.errors import NoEvidence
from serving.rollout.prometheus import Prometheus
from serving.rollout.seen import given_percent, seen
from tests.monitoring.prometheus import needs_prometheus, prometheus
from tests.serving.commands.test_canary import QUICK, ended
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.rollout.system import System, good, skewed


@needs_prometheus
def test_a_killed_canary_goes_on_with_all_that_prometheus_saw_and_becomes_stable(
    model_server: FakeModelServer, tmp_path: Path
) -> None:
    with (
        System(tmp_path, model_server, good) as system,
        prometheus(tmp_path, {"gateway": [system.gateway.port]}) as scraped,
    ):
        scraped.wait_until("plumbline_gateway_workers == 2")
        options = ("--prometheus", scraped.url, "--label", "job=gateway", *QUICK)
        killed = system.start(*options)
        wait_until(lambda: system.shares == {5: 50}, 120)
        began = parse(system.document.read_text())["sentiment"].shares[5].since
        assert began
        killed.kill()
        ended(killed)
        status, said = ended(system.start(*options))
        assert (status, f"step 50 % goes on, which began at {began:%H:%M:%S} UTC" in said) == (0, True), said
        assert system.document.read_text() == "sentiment=5\n"

        source = Prometheus(scraped.url, "sentiment", {"job": "gateway"})
        assert given_percent(source.read(began + timedelta(seconds=2)), 5) in (20, 50)
        assert seen(source.read(), 5).requests > seen(source.read(began), 5).requests > 0
        assert (seen(source.read(), 4).predictions or {}).keys() == {"positive", "negative"}
        for other in ({"job": "model-server"}, {"job": 'gateway"} or vector(1) #'}):
            with pytest.raises(NoEvidence, match="has not scraped a gateway for 150 s"):
                Prometheus(scraped.url, "sentiment", other).read()
        with pytest.raises(NoEvidence, match="knows no gateway that serves zebra"):
            Prometheus(scraped.url, "zebra", {}).read()
        with pytest.raises(NoEvidence, match="has not scraped a gateway"):
            source.read(datetime.now(UTC) - timedelta(hours=1))


@needs_prometheus
def test_a_worse_version_is_rolled_back_by_what_prometheus_saw(model_server: FakeModelServer, tmp_path: Path) -> None:
    with (
        System(tmp_path, model_server, skewed) as system,
        prometheus(tmp_path, {"gateway": [system.gateway.port]}) as scraped,
    ):
        scraped.wait_until("plumbline_gateway_workers == 2")
        status, said = ended(system.start("--prometheus", scraped.url, *QUICK))
        assert (status, "predictions are positive" in said) == (3, True), said
        scraped.wait_until('plumbline_gateway_refused_versions{model="sentiment"} == 1')


class _Odd(BaseHTTPRequestHandler):
    """Answers 200 with the text that the path's last part stands for."""

    texts: ClassVar = {
        "page": b"<html>",
        "list": b"[1]",
        "vector": json.dumps({"data": {"result": [{}]}}).encode(),
        "text": json.dumps({"data": {"result": [{"metric": {}, "value": [0, "many"]}]}}).encode(),
        "cut": b"{",
    }

    def do_GET(self) -> None:
        name = self.path.split("/")[1]
        self.send_response(503 if name == "away" else 200)
        if name == "cut":
            self.send_header("Content-Length", "2")
        self.end_headers()
        for _ in range(1000 if name == "slow" else 0):
            with contextlib.suppress(OSError):
                self.wfile.write(b" ")
                time.sleep(0.01)
        self.wfile.write(self.texts.get(name, b""))

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("name", ["page", "list", "vector", "text", "away", "empty", "cut", "slow"])
def test_what_does_not_answer_as_prometheus_does_is_no_evidence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_replies, "SECONDS", 0.5)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Odd) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        began = time.monotonic()
        with pytest.raises(NoEvidence, match="does not answer"):
            Prometheus(f"http://127.0.0.1:{server.server_port}/{name}", "sentiment", {}).read()
        server.shutdown()
    assert time.monotonic() - began < 30
