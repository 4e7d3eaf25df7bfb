"""Traces as a collector gets them, over a real socket, and what the model server gets of them."""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from serving.prediction.predictor import STAGES
from tests.serving.contracts import image_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.test_serve import TEXT, Running

JSON = {"Content-Type": "application/json"}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALL = "tensorflow.serving.PredictionService/Predict"


@dataclass
class Collector:
    """OpenTelemetry's, as far as traces go."""

    spans: list[Any] = field(default_factory=list)
    services: set[str] = field(default_factory=set)

    def start(self) -> "Collector":
        self._server = grpc.server(futures.ThreadPoolExecutor(2))
        export = grpc.unary_unary_rpc_method_handler(
            self._export,
            request_deserializer=trace_service_pb2.ExportTraceServiceRequest.FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )
        name = "opentelemetry.proto.collector.trace.v1.TraceService"
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"Export": export}),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        return self

    def stop(self) -> None:
        self._server.stop(grace=None).wait()

    def named(self, name: str) -> list[Any]:
        return [span for span in list(self.spans) if span.name == name]

    def _export(self, request: Any, context: grpc.ServicerContext) -> Any:
        for resource in request.resource_spans:
            self.services |= {
                each.value.string_value for each in resource.resource.attributes if each.key == "service.name"
            }
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector().start()
    yield collector
    collector.stop()


@pytest.fixture
def running(model_server: FakeModelServer, collector: Collector, tmp_path: Path) -> Iterator[Running]:
    for contract in (text_contract(), image_contract()):
        model_server.publish(contract)
    options = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    running = Running(model_server.address, tmp_path, tmp_path / "log", WORKERS="1", TRACING="on", **options)
    wait_until(running.ready)
    yield running
    running.process.terminate()
    running.process.wait(30)


def attributes(span: Any) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_a_request_is_a_span_of_its_callers_trace_with_its_stages_and_its_call(
    running: Running, collector: Collector, model_server: FakeModelServer
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-ID": "mine"}
    running.ask("POST", "/predict/sentiment", TEXT, **JSON, **headers)
    wait_until(lambda: bool(collector.named("POST /predict/<model>")))
    (span,) = collector.named("POST /predict/<model>")
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    told = attributes(span)
    assert (told["http.response.status_code"], told["plumbline.request_id"]) == (200, "mine")
    assert (told["plumbline.model"], told["plumbline.version"]) == ("sentiment", 1)
    assert collector.services == {"plumbline-gateway"}
    for name in (*STAGES, CALL):
        (inner,) = collector.named(name)
        assert (inner.trace_id, inner.parent_span_id) == (span.trace_id, span.span_id)
        assert span.start_time_unix_nano <= inner.start_time_unix_nano + 1_000_000  # two clocks
        assert inner.start_time_unix_nano <= inner.end_time_unix_nano <= span.end_time_unix_nano
    (call,) = collector.named(CALL)
    *checks, metadata = model_server.metadata
    assert not any("traceparent" in each for each in checks)  # parity is nobody's request
    assert metadata["traceparent"] == f"00-{TRACE}-{call.span_id.hex()}-01"
    assert f"trace_id={TRACE}" in running.log


@pytest.fixture
def workers(model_server: FakeModelServer, collector: Collector, tmp_path: Path) -> Iterator[Running]:
    for contract in (text_contract(), image_contract()):
        model_server.publish(contract)
    options = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}"}
    running = Running(model_server.address, tmp_path, tmp_path / "log", WORKERS="2", TRACING="on", **options)
    wait_until(running.ready)
    yield running
    running.process.terminate()
    running.process.wait(30)


def test_openmetrics_shows_a_buckets_latest_sampled_trace_whichever_worker_had_it(workers: Running) -> None:
    def exemplars() -> dict[str, float]:
        _, text = workers.ask("GET", "/metrics", Accept="application/openmetrics-text")
        families = {family.name: family for family in text_string_to_metric_families(text)}
        seen = {}
        for sample in families["plumbline_gateway_request_seconds"].samples:
            if sample.exemplar:
                assert sample.name == "plumbline_gateway_request_seconds_bucket"
                assert sample.exemplar.value <= float(sample.labels["le"])
                assert abs(float(sample.exemplar.timestamp) - time.time()) < 60
                seen[sample.exemplar.labels["trace_id"]] = sample.exemplar.value
        return seen

    unsampled, sampled = "1" * 32, [f"{number:032x}" for number in range(1, 9)]
    workers.ask("POST", "/predict/sentiment", TEXT, **JSON, traceparent=f"00-{unsampled}-{PARENT}-00")
    assert exemplars() == {}
    for trace_id in sampled:
        workers.ask("POST", "/predict/sentiment", TEXT, **JSON, traceparent=f"00-{trace_id}-{PARENT}-01")
        wait_until(lambda: trace_id in exemplars())  # noqa: B023 - called at once
    assert set(exemplars()) <= set(sampled)
    status, text = workers.ask("GET", "/metrics")
    assert (status, "trace_id" in text) == (200, False)


def test_a_request_without_a_trace_begins_one_and_probes_do_not(running: Running, collector: Collector) -> None:
    running.ask("GET", "/readyz")
    running.ask("GET", "/models")
    wait_until(lambda: bool(collector.named("GET /models")))
    (span,) = collector.named("GET /models")
    assert span.parent_span_id == b""
    assert len(collector.spans) == 1


def test_a_call_that_requests_share_links_to_each_of_them(
    running: Running, collector: Collector, model_server: FakeModelServer
) -> None:
    model_server.delay_seconds = 0.3
    threads = [threading.Thread(target=running.predict) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    wait_until(lambda: len(collector.named("POST /predict/<model>")) == 5)
    requests = {span.span_id for span in collector.named("POST /predict/<model>")}
    calls = collector.named(CALL)
    assert len(calls) < 5
    assert sum(attributes(call)["plumbline.requests"] for call in calls) == 5
    # Each request is either the call's parent or linked to.
    linked = [link.span_id for call in calls for link in call.links] + [call.parent_span_id for call in calls]
    assert sorted(linked) == sorted(requests)


def test_what_fails_is_marked_and_the_payload_is_nowhere(
    running: Running, collector: Collector, model_server: FakeModelServer
) -> None:
    model_server.failure = (grpc.StatusCode.INTERNAL, "broken")
    running.ask("POST", "/predict/sentiment", json.dumps({"text": "zanzibar"}), **JSON)
    wait_until(lambda: bool(collector.named("POST /predict/<model>")))
    (span,) = collector.named("POST /predict/<model>")
    (call,) = collector.named(CALL)
    assert (span.status.code, call.status.code) == (2, 2)
    assert "zanzibar" not in str(collector.spans)


def test_without_its_collector_the_gateway_answers_and_ends_in_time(running: Running, collector: Collector) -> None:
    collector.stop()
    assert running.predict() == 200
    wait_until(lambda: "exporting traces" in running.log or "export traces" in running.log)
    start = time.monotonic()
    running.process.terminate()
    assert running.process.wait(30) == 0
    assert time.monotonic() - start < 25


def test_off_it_is_not_even_imported(model_server: FakeModelServer) -> None:
    code = (
        "import sys; from serving.gateway.app import close_app, create_app;"
        "from serving.gateway.settings import Settings;"
        f"app = create_app(Settings(model_server={model_server.address!r}, models=('sentiment',))); close_app(app);"
        "print([name for name in sys.modules if name.split('.')[0] in ('opentelemetry', 'limits')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\[\]\s*", done.stdout)
