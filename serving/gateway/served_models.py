"""GET /models: which models are served, what their instances look like, and where they come from."""

from typing import Any

from flask import Blueprint, Response

from serving.catalog import Catalog, LiveModel, ModelState
from serving.catalog.catalog import STATUS_SECONDS
from serving.gateway.replies import json_reply
from serving.gateway.request_facts import request_facts


def models_routes(catalog: Catalog, max_instances: int, max_body_bytes: int) -> Blueprint:
    """Make the blueprint. The maxima tell callers how much to send in one request."""
    routes = Blueprint("models", __name__, url_prefix="/models")

    def known(model: str) -> ModelState:
        if not catalog.state(model).ready:  # perhaps only this process has not noticed yet
            catalog.refresh(model, STATUS_SECONDS)
        return catalog.state(model)

    @routes.get("")
    def all_models() -> Response:
        limits = {"instances": max_instances, "body_bytes": max_body_bytes}
        return json_reply({"models": [_summary(model, known(model)) for model in catalog.models], "limits": limits})

    @routes.get("/<model>")
    def one_model(model: str) -> Response:
        return json_reply(_details(model, known(model)))

    @routes.get("/<model>/versions/<int:version>/contract")
    def contract(model: str, version: int) -> Response:
        catalog.state(model)
        request_facts().model = model
        return Response(catalog.live(model, version).document, mimetype="application/json")

    return routes


def _summary(model: str, state: ModelState) -> dict[str, Any]:
    summary: dict[str, Any] = {"name": model, "ready": state.ready, "versions": list(state.live)}
    if state.problem:
        summary["problem"] = state.problem
    if state.refused:
        summary["refused"] = _reasons(state)
    if state.newest:
        contract = state.newest.contract
        summary["data"] = contract.provenance.get("data")
        summary["recipe"] = contract.provenance.get("recipe")
        summary["metrics"] = contract.evaluation
    return summary


def _reasons(state: ModelState) -> dict[str, str]:
    return {str(version): refusal.reason for version, refusal in state.refused.items()}


def _details(model: str, state: ModelState) -> dict[str, Any]:
    details = _summary(model, state) | {"refused": _reasons(state)}
    return details | _described(state.newest) if state.newest else details


def _described(live: LiveModel) -> dict[str, Any]:
    contract = live.contract
    return {
        "version": live.version,
        "problem_type": contract.problem,
        "instance": {
            "schema": contract.record.schema,
            "controls": {name: encoder.control for name, encoder in contract.record.fields.items()},
            "example": contract.examples[0].instance,
        },
        "answer": {**contract.answers.facts, "schema": contract.answers.schema},
        "provenance": contract.provenance,
        "contract": f"/models/{live.model}/versions/{live.version}/contract",
    }
