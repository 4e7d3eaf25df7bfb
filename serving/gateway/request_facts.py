"""What the gateway knows of the request that it is answering, for metrics, the log, problems and traces.

The facts are kept in the WSGI environment, where the access log still finds them after Flask is done with the request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import request

from serving.gateway.protocols.predict_body import Instances

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

_KEY = "plumbline.facts"


@dataclass(slots=True)
class RequestFacts:
    """The facts of one request, each set where it is found out, and None until then.

    *started* is on the clock of `time.perf_counter`, and set only for a prediction, which metrics count.
    *allowed* are the models that the request's key may use, or None for all.
    *reads_captures* is whether it may see what callers sent; without keys nobody may.
    *model* is a configured name, so it may label a metric.
    *version* is the one that answered, or should have.
    *sampled_trace_id* is the trace's id if the trace is recorded, so that it can be looked up.
    """

    request_id: str | None = None
    owner: str | None = None
    allowed: frozenset[str] | None = None
    reads_captures: bool = False
    started: float | None = None
    model: str | None = None
    version: int | None = None
    instances: Instances | None = None
    stage_seconds: Mapping[str, float] | None = None
    trace_id: str | None = None
    sampled_trace_id: str | None = None
    span: "Span | None" = None
    span_token: "Token[Context] | None" = None

    def may_use(self, model: str) -> bool:
        """Return whether the request's key may use *model*, and know that there is such a model."""
        return self.allowed is None or model in self.allowed


def request_facts() -> RequestFacts:
    """Return the facts of the current request."""
    return facts_in(request.environ)


def facts_in(environ: dict[str, Any]) -> RequestFacts:
    """Return the facts of the request with this WSGI environment."""
    facts: RequestFacts | None = environ.get(_KEY)
    if facts is None:
        facts = environ[_KEY] = RequestFacts()
    return facts


def facts_of(environ: Mapping[str, Any]) -> RequestFacts | None:
    """Return the facts of the request with this WSGI environment, if there are any."""
    return environ.get(_KEY)
