"""For operators: whether the gateway is alive and ready, and its metrics."""

from flask import Blueprint, Response, request
from werkzeug.http import parse_options_header

from serving.catalog import Catalog
from serving.gateway.drain import Drain
from serving.gateway.replies import json_reply
from serving.monitoring.gateway_metrics import CONTENT_TYPE, CONTENT_TYPE_OPENMETRICS, Metrics


def health_routes(catalog: Catalog, metrics: Metrics, drain: Drain) -> Blueprint:
    """Make the blueprint."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def alive() -> Response:
        return json_reply({"status": "ok"})

    @routes.get("/readyz")
    def ready() -> Response:
        states = catalog.states()
        everything = catalog.ready and not drain.begun
        models = {
            model: {"ready": state.ready, "versions": list(state.live), "problem": state.problem or None}
            | {"refused": {str(version): refusal.reason for version, refusal in state.refused.items()}}
            | ({"failed": {str(it): why for it, why in state.unloadable.items()}} if state.unloadable else {})
            for model, state in states.items()
        }
        models |= {
            model: {"ready": False, "versions": [], "problem": reason, "refused": {}}
            for model, reason in catalog.left_out.items()
        }
        status = {"ready": everything, "models": models} | ({"draining": True} if drain.begun else {})
        if catalog.problem:
            status["problem"] = catalog.problem
        return json_reply(status, 200 if everything else 503)

    @routes.get("/metrics")
    def numbers() -> Response:
        openmetrics = _prefers_openmetrics(request.headers.get("Accept", ""))
        content_type = CONTENT_TYPE_OPENMETRICS if openmetrics else CONTENT_TYPE
        reply = Response(metrics.exposition(openmetrics), content_type=content_type)
        reply.vary.add("Accept")
        return reply

    return routes


def _prefers_openmetrics(accept: str) -> bool:
    """Return whether Accept names OpenMetrics 1.0, and does not prefer the older text format."""
    quality = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for part in accept.split(","):
        media, options = parse_options_header(part)
        media = media.lower()
        if media in quality and options.get("version", "1.0.0") in _VERSIONS[media]:
            quality[media] = max(quality[media], _weight(options.get("q", "1")))
    return 0 < quality["application/openmetrics-text"] >= quality["text/plain"]


_VERSIONS = {
    "application/openmetrics-text": ("0.0.1", "1.0.0"),
    "text/plain": ("0.0.4", "1.0.0"),
}


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
