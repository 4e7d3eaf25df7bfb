"""The steps of a predict request in every protocol: look up the model, read the body, predict, count."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, after_this_request, request

from serving.catalog import Catalog, LiveModel
from serving.gateway.middleware.request_ids import request_id
from serving.gateway.protocols.predict_body import Instances, bounded
from serving.gateway.request_facts import RequestFacts, request_facts
from serving.gateway.routing import Route, is_prediction, read_route
from serving.gateway.settings import Settings
from serving.monitoring.gateway_metrics import UNKNOWN, Metrics
from serving.prediction.predictor import Prediction, Predictor
from serving.prediction.shadowing import Shadows

if TYPE_CHECKING:
    from serving.gateway.capturing import Capturing


class Answering:
    """Answers predict requests with *predictor*, within the limits of *settings*. *shadows* follow the answers."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        predictor: Predictor,
        metrics: Metrics,
        shadows: Shadows,
        capturing: "Capturing | None" = None,
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._predictor = predictor
        self._metrics = metrics
        self._shadows = shadows
        self._capturing = capturing

    def register_hooks(self, routes: Blueprint) -> None:
        """Add hooks to *routes* that count each prediction by model and status."""
        routes.before_request(_start)
        routes.after_request(self._count)

    def live(self, model: str, version: int | None = None, label: str | None = None) -> LiveModel:
        """Return a live version of *model*. Raise UnknownModel, UnknownVersion, UnknownLabel or ModelNotReady."""
        route = self._route(self._known(model), version, label)
        if route.label is not None:
            return self._catalog.labelled(model, route.label, route.remaining())
        return self._catalog.live(model, route.version, route.remaining())

    def predict(
        self, model: str, read: Callable[[], Instances], version: int | None = None, label: str | None = None
    ) -> Prediction:
        """Answer the instances that *read* returns, with the version or label that the path or the query names.

        Raise the errors of `serving.errors`.
        """
        facts = self._known(model)
        route = self._route(facts, version, label)
        with self._metrics.in_flight.track_inprogress():
            instances = bounded(read(), self._settings.max_instances)
            facts.instances = instances
            prediction = self._predicted(facts, model, instances.values, route)
        self._metrics.predicted(prediction)
        is_captured = self._capturing is not None and self._capturing.answered(facts, instances.values, prediction)
        facts.stage_seconds = prediction.stage_seconds
        if (shadow := self._shadows.drawn(prediction)) is not None:
            size = request.body_bytes  # type: ignore[attr-defined]  # of GatewayRequest
            keep = partial(self._capturing.shadowed, request_id()) if self._capturing and is_captured else None
            offer = partial(self._shadows.offer, prediction, shadow, instances.values, size, keep)
            after_this_request(partial(_once_written, done=offer))
        return prediction

    def _predicted(self, facts: RequestFacts, model: str, instances: Sequence[Any], route: Route) -> Prediction:
        try:
            prediction = self._predictor.predict(model, instances, route.remaining(), route.version, route.label)
        except Exception as error:
            facts.version = getattr(error, "version", None)
            if self._capturing:
                self._capturing.failed(facts, error)
            raise
        facts.version = prediction.version
        return prediction

    def _known(self, model: str) -> RequestFacts:
        """Return the request's facts, with its model. Raise UnknownModel."""
        self._catalog.state(model)
        facts = request_facts()
        facts.model = model
        return facts

    def _route(self, facts: RequestFacts, version: int | None, label: str | None) -> Route:
        started = time.perf_counter() if facts.started is None else facts.started
        route = read_route(request, self._settings.deadline_seconds, started)
        return route if version is None and label is None else replace(route, version=version, label=label)

    def _count(self, reply: Response) -> Response:
        facts = request_facts()
        if facts.started is not None:
            seconds = time.perf_counter() - facts.started
            model = facts.model or UNKNOWN
            self._metrics.answered(model, facts.version, reply.status_code, seconds, facts.sampled_trace_id)
        return reply


def _once_written(reply: Response, done: Callable[[], None]) -> Response:
    """Have *done* be called once an answer is written; not after a problem."""
    if reply.status_code < HTTPStatus.BAD_REQUEST:
        reply.call_on_close(done)
    return reply


def _start() -> None:
    if is_prediction():
        request_facts().started = time.perf_counter()
