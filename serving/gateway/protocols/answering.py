"""The one way of a predict request, whichever protocol it speaks: look up, read, predict, count."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g, request

from serving.catalog import Catalog, LiveModel
from serving.errors import PredictionError
from serving.gateway.protocols.predict_body import Instances, bounded
from serving.gateway.routing import Route, is_prediction, read_route
from serving.gateway.settings import Settings
from serving.monitoring.gateway_metrics import UNKNOWN, Metrics
from serving.prediction.predictor import FORMER_STAGES, Prediction, Predictor


class Answering:
    """Answers predict requests by *predictor*, within the limits of *settings*."""

    def __init__(self, settings: Settings, catalog: Catalog, predictor: Predictor, metrics: Metrics) -> None:
        self._settings = settings
        self._catalog = catalog
        self._predictor = predictor
        self._metrics = metrics

    def count(self, routes: Blueprint) -> None:
        """Count each POST to *routes* by model and status, and tell the time by stage in its reply."""
        routes.before_request(_start)
        routes.after_request(self._count)

    def live(self, model: str, version: int | None = None, label: str | None = None) -> LiveModel:
        """Give what is live of *model*; raises UnknownModel, UnknownVersion, UnknownLabel or ModelNotReady."""
        self._know(model)
        route = self._route(version, label)
        if route.label is not None:
            return self._catalog.labelled(model, route.label, route.remaining())
        return self._catalog.live(model, route.version, route.remaining())

    def predict(
        self, model: str, read: Callable[[], Instances], version: int | None = None, label: str | None = None
    ) -> Prediction:
        """Predict what *read* reads, by the version or label that the path or else the query names.

        Raises the errors of `serving.errors`.
        """
        self._know(model)
        route = self._route(version, label)
        with self._metrics.in_flight.track_inprogress():
            instances = bounded(read(), self._settings.max_instances)
            g.instances = instances
            prediction = self._predicted(model, instances.values, route)
        self._metrics.predicted(prediction)
        g.stage_seconds = prediction.stage_seconds
        return prediction

    def _predicted(self, model: str, instances: Sequence[Any], route: Route) -> Prediction:
        """Predict, and note the version that answered or should have."""
        try:
            prediction = self._predictor.predict(model, instances, route.remaining(), route.version, route.label)
        except PredictionError as error:
            g.version = error.version
            raise
        g.version = prediction.version
        return prediction

    def _know(self, model: str) -> None:
        self._catalog.state(model)
        g.model = model  # from here on it is a name that we know, which may label a metric

    def _route(self, version: int | None, label: str | None) -> Route:
        started = g.get("started", time.perf_counter())
        route = read_route(request, self._settings.deadline_seconds, started)
        return route if version is None and label is None else replace(route, version=version, label=label)

    def _count(self, reply: Response) -> Response:
        known = g._get_current_object()  # each look through the proxy takes longer than what is done with it
        if started := known.get("started"):
            seconds = time.perf_counter() - started
            model, trace_id = known.get("model", UNKNOWN), known.get("sampled_trace_id")
            self._metrics.answered(model, known.get("version"), reply.status_code, seconds, trace_id)
        if stage_seconds := known.get("stage_seconds"):
            reply.headers["Server-Timing"] = _server_timing(stage_seconds)
        return reply


def _start() -> None:
    if is_prediction():
        g.started = time.perf_counter()


def _server_timing(stage_seconds: Mapping[str, float]) -> str:
    """Write each stage's time in milliseconds, in the form of W3C's Server Timing."""
    former = {FORMER_STAGES[stage]: seconds for stage, seconds in stage_seconds.items() if stage in FORMER_STAGES}
    return ", ".join(f"{stage};dur={seconds * 1000:.3f}" for stage, seconds in {**stage_seconds, **former}.items())
