"""OpenTelemetry traces: a span for each request, each of its stages, and each call to the model server.

Imported only if TRACING is on. The OTEL_* variables of OpenTelemetry's specification set where spans go, and which.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from flask import Flask, Response, request
from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from serving.gateway.middleware.request_ids import request_id
from serving.gateway.open_routes import OPEN_ROUTES
from serving.gateway.request_facts import request_facts
from serving.tfserving.client import Metadata

_SERVICE = "tensorflow.serving.PredictionService"

_w3c = TraceContextTextMapPropagator()
_batched: ContextVar[Sequence[trace.SpanContext]] = ContextVar("batched", default=())


class Tracing:
    """The traces of one process. It starts a thread, so make it after any fork."""

    def __init__(self) -> None:
        self._provider = TracerProvider(resource=_resource())
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("plumbline")

    def register(self, app: Flask) -> None:
        """Make *app* trace its requests, except probes and the page, in the trace that a `traceparent` header names."""
        app.before_request(self._start)
        app.after_request(_describe)
        app.teardown_request(_end)

    def stage(self, name: str, seconds: float) -> None:
        """Record a stage of the current request that just ended after *seconds*."""
        now = time.time_ns()
        self._tracer.start_span(name, start_time=now - int(seconds * 1e9)).end(now)

    def mark(self) -> trace.SpanContext:
        """Return the current request's span context, to which a batched call links."""
        return trace.get_current_span().get_span_context()

    def batch(self, marks: Sequence[trace.SpanContext]) -> None:
        """Record which requests share the next call of this thread."""
        _batched.set(marks)

    @contextmanager
    def call(self, model: str, version: int) -> Iterator[Metadata]:
        """Trace a call to the model server. Yield the metadata that carries the trace to it.

        The catalog's own calls belong to no request and are not traced.
        """
        own = self.mark()
        if not own.is_valid:
            yield ()
            return
        marks = _batched.get()
        _batched.set(())
        attributes: dict[str, str | int] = {"rpc.system": "grpc", "rpc.service": _SERVICE, "rpc.method": "Predict"}
        attributes |= {"plumbline.model": model, "plumbline.version": version, "plumbline.requests": max(1, len(marks))}
        links = [trace.Link(mark) for mark in marks if mark != own]
        kind = trace.SpanKind.CLIENT
        with self._tracer.start_as_current_span(f"{_SERVICE}/Predict", None, kind, attributes, links):
            headers: dict[str, str] = {}
            _w3c.inject(headers)
            yield tuple(headers.items())

    def close(self) -> None:
        """Send the remaining spans."""
        self._provider.shutdown()

    def _start(self) -> None:
        if request.endpoint in OPEN_ROUTES:
            return
        route = request.url_rule.rule if request.url_rule else ""
        attributes = {"http.request.method": request.method, "http.route": route, "plumbline.request_id": request_id()}
        parent = _w3c.extract(request.headers)
        kind = trace.SpanKind.SERVER
        facts = request_facts()
        facts.span = self._tracer.start_span(f"{request.method} {route}".strip(), parent, kind, attributes)
        facts.span_token = context.attach(trace.set_span_in_context(facts.span, parent))
        started = facts.span.get_span_context()
        facts.trace_id = trace.format_trace_id(started.trace_id)
        if started.trace_flags.sampled:
            facts.sampled_trace_id = facts.trace_id


def _describe(reply: Response) -> Response:
    facts = request_facts()
    if facts.span:
        facts.span.set_attribute("http.response.status_code", reply.status_code)
        if facts.model is not None:
            facts.span.set_attribute("plumbline.model", facts.model)
        if facts.version is not None:
            facts.span.set_attribute("plumbline.version", facts.version)
        if reply.status_code >= 500:
            facts.span.set_status(trace.StatusCode.ERROR)
    return reply


def _end(error: BaseException | None) -> None:
    facts = request_facts()
    if facts.span and facts.span_token:
        context.detach(facts.span_token)
        facts.span.end()


def _resource() -> Resource:
    resource = Resource.create()  # of OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
    if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
        return resource.merge(Resource({SERVICE_NAME: "plumbline-gateway"}))
    return resource
