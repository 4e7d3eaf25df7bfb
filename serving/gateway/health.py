"""What those ask who run the gateway: is it alive, is it ready, what are its numbers."""

from flask import Blueprint, Response

from serving.catalog import Catalog
from serving.gateway.drain import Drain
from serving.gateway.replies import json_reply
from serving.monitoring.metrics import CONTENT_TYPE, Metrics


def health_routes(catalog: Catalog, metrics: Metrics, drain: Drain) -> Blueprint:
    """Make the blueprint."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def alive() -> Response:
        return json_reply({"status": "ok"})

    @routes.get("/readyz")
    def ready() -> Response:
        states = {model: catalog.state(model) for model in catalog.models}
        everything = all(state.ready for state in states.values()) and not drain.begun
        models = {
            model: {"ready": state.ready, "versions": list(state.live), "problem": state.problem or None}
            | {"refused": {str(version): refusal.reason for version, refusal in state.refused.items()}}
            for model, state in states.items()
        }
        told = {"ready": everything, "models": models} | ({"draining": True} if drain.begun else {})
        return json_reply(told, 200 if everything else 503)

    @routes.get("/metrics")
    def numbers() -> Response:
        return Response(metrics.exposition(), content_type=CONTENT_TYPE)

    return routes
