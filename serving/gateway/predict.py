"""POST /predict/<model>."""

import time
from collections.abc import Mapping

from flask import Blueprint, Response, g, request

from serving.catalog import Catalog
from serving.gateway.instances import read_instances
from serving.gateway.replies import json_reply
from serving.gateway.routing import read_route
from serving.gateway.settings import Settings
from serving.monitoring.metrics import UNKNOWN, Metrics
from serving.predictor import Predictor


def predict_routes(settings: Settings, catalog: Catalog, predictor: Predictor, metrics: Metrics) -> Blueprint:
    """Make the blueprint."""
    routes = Blueprint("predict", __name__)

    @routes.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @routes.after_request
    def count(reply: Response) -> Response:
        metrics.answered(g.get("model", UNKNOWN), reply.status_code, time.perf_counter() - g.started)
        return reply

    @routes.post("/predict/<model>")
    def predict(model: str) -> Response:
        catalog.state(model)
        g.model = model  # from here on it is a name that we know, which may label a metric

        route = read_route(request, settings.deadline_seconds, g.started)

        def takes_image() -> bool:
            live = catalog.live(model, route.version, route.remaining())
            return live.contract.preprocessor.fields == ("image",)

        with metrics.in_flight.track_inprogress():
            instances = read_instances(request, takes_image, settings.max_instances)
            prediction = predictor.predict(model, instances, route.remaining(), route.version, route.label)
        metrics.predicted(prediction)
        reply = json_reply({"model": model, "version": prediction.version, "predictions": prediction.answers})
        reply.headers["Server-Timing"] = _server_timing(prediction.stage_seconds)
        return reply

    return routes


def _server_timing(stage_seconds: Mapping[str, float]) -> str:
    """Write the time by stage as W3C's Server Timing does, in milliseconds."""
    return ", ".join(f"{stage};dur={seconds * 1000:.3f}" for stage, seconds in stage_seconds.items())
