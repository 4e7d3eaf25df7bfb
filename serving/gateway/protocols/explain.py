"""POST /explain/<model>: which words, columns or parts of a picture carried an answer."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from flask import Blueprint, Response, request

from serving.catalog import Catalog, LiveModel
from serving.contract import deadline
from serving.contract.answers import Outputs
from serving.errors import (
    KeyOverloaded,
    MalformedRequest,
    ModelServerTimeout,
    NoExplanations,
    Overloaded,
    RequestTooLarge,
)
from serving.explanation import METHODS, Explanation, Question, explain
from serving.gateway.protocols.named_tensors import only_file
from serving.gateway.protocols.predict_body import Instances, read_instances
from serving.gateway.replies import json_reply
from serving.gateway.request_facts import request_facts
from serving.gateway.routing import VERSION_PARAMETERS, Route, check_parameters, is_prediction, read_route
from serving.gateway.settings import Settings
from serving.monitoring.gateway_metrics import UNKNOWN, Metrics
from serving.prediction.concurrency import ConcurrencyLimits
from serving.prediction.predictor import Predictor

MAX_WAITING = 4
"""Explanations that wait in a process while it makes one."""
MAX_OF_AN_OWNER = 2
"""Of those that run and wait, what one owner of API keys may have, so that there is room for others."""
_SHARE = 0.9
"""Of a request's time, what an explanation may take: the rest is for the answer's way back."""
_QUEUE = "explanations"
_PARAMETERS = (*VERSION_PARAMETERS, "target", "head", "method", "budget")


def explain_routes(settings: Settings, catalog: Catalog, predictor: Predictor, metrics: Metrics) -> Blueprint:
    """Make the blueprint. A process makes one explanation at a time: predictions come first.

    *predictor* takes no slots of requests, and gives way to them.
    """
    routes = Blueprint("explain", __name__)
    limits = ConcurrencyLimits(max_running=1, max_waiting=MAX_WAITING)
    owners = ConcurrencyLimits(max_running=MAX_OF_AN_OWNER, max_waiting=0)

    @routes.post("/explain/<model>")
    def explain_answer(model: str) -> Response:
        started = time.perf_counter()
        catalog.state(model)
        facts = request_facts()
        facts.model = model
        if not settings.explain_budget:
            raise NoExplanations(model)
        check_parameters(request, _PARAMETERS)
        route, question = read_route(request, settings.deadline_seconds, started), _question(settings.explain_budget)
        facts.instances = instances = _one(model, route)
        until = started + _SHARE * (route.deadline - started)
        with _share_of(facts.owner, owners), limits.slot(_QUEUE, route.remaining()):
            version, explanation = predictor.with_version(
                model,
                route.remaining(),
                lambda live: _explained(live, instances.values[0], question, until),
                route.version,
                route.label,
            )
        facts.version = version
        metrics.explained(model, time.perf_counter() - started, explanation.evaluations)
        reply = {"model": model, "version": version, "prediction": explanation.answer}
        return json_reply(reply | {"explanation": explanation.to_json()})

    def _one(model: str, route: Route) -> Instances:
        def file_field() -> str | None:
            if route.label is not None:
                return only_file(catalog.labelled(model, route.label, route.remaining()).contract)
            return only_file(catalog.live(model, route.version, route.remaining()).contract)

        return _single(read_instances(request, file_field, settings.max_json_depth))

    def _explained(live: LiveModel, instance: Any, question: Question, until: float) -> tuple[int, Explanation]:
        request_facts().version = live.version

        def score_rows(instances: Sequence[Mapping[str, Any]]) -> Outputs:
            return predictor.outputs(live, instances, until - time.perf_counter())

        try:
            with deadline.until(until):
                return live.version, explain(live.contract, instance, score_rows, question, until)
        except deadline.DeadlinePassed:
            raise ModelServerTimeout(live.model, "the deadline passed while a picture was decoded") from None

    @routes.after_request
    def count(reply: Response) -> Response:
        if is_prediction():  # not a browser's question what methods there are
            metrics.answered_explanation(request_facts().model or UNKNOWN, reply.status_code)
        return reply

    return routes


@contextmanager
def _share_of(owner: str | None, owners: ConcurrencyLimits) -> Iterator[None]:
    """Hold a place of this *owner* of API keys; callers without keys are not told apart. Raise KeyOverloaded."""
    with ExitStack() as held:
        if owner is not None:
            try:
                held.enter_context(owners.slot(owner, 0))
            except Overloaded:
                raise KeyOverloaded(_QUEUE, owner, MAX_OF_AN_OWNER) from None
        yield


def _question(most: int) -> Question:
    """Read the query. Raise MalformedRequest."""
    method = request.args.get("method", METHODS[0])
    if method not in METHODS:
        raise MalformedRequest(f"expected {' or '.join(METHODS)} as 'method' in the query, got {method[:40]!r}")
    budget = _budget(request.args.get("budget"), most)
    return Question(request.args.get("head"), request.args.get("target"), method, budget)


def _budget(text: str | None, most: int) -> int:
    if text is None:
        return most
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) <= most):
        raise MalformedRequest(
            f"expected a whole number of at most {most} (EXPLAIN_BUDGET) as 'budget' in the query, got {text[:40]!r}"
        )
    return int(text)


def _single(instances: Instances) -> Instances:
    count = len(instances.values)
    if not count:
        raise MalformedRequest("expected one instance to explain, got none")
    if count > 1:
        raise RequestTooLarge(f"expected one instance to explain, got {count}")
    return instances
