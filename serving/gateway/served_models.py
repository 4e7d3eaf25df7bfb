"""GET /models: which models are served or being trained, what their instances look like, and where they come from."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Blueprint, Response

from serving.catalog import Catalog, LiveModel, ModelState
from serving.catalog.catalog import STATUS_SECONDS
from serving.gateway.replies import json_reply
from serving.gateway.request_facts import request_facts

InTraining = Mapping[str, float | None]
"""The models that are being trained: the share that is done, or None for one that waits for its turn."""


def models_routes(
    catalog: Catalog, max_instances: int, max_body_bytes: int, in_training: Callable[[], InTraining] = dict
) -> Blueprint:
    """Make the blueprint. The maxima tell callers how much to send in one request."""
    routes = Blueprint("models", __name__, url_prefix="/models")

    def catch_up(models: Iterable[str]) -> None:
        """Refresh models that are not ready, perhaps only because this process has not noticed yet."""
        until = time.monotonic() + STATUS_SECONDS  # for all of them: there may be hundreds
        for model in models:
            if (seconds := until - time.monotonic()) > 0 and not catalog.state(model).ready:
                catalog.refresh(model, seconds)

    @routes.get("")
    def all_models() -> Response:
        if not catalog.follows or catalog.starting:  # else hundreds may be loading just now
            catch_up(catalog.models)
        states, trained = catalog.states(), in_training()
        served = [_summary(model, state) | _training(model, trained) for model, state in states.items()]
        left_out = [_left_out(*it) for it in catalog.left_out.items() if it[0] not in trained]
        awaited = [_awaited(*it) for it in trained.items() if it[0] not in states]
        listed = [it for it in served + left_out + awaited if request_facts().may_use(it["name"])]
        limits = {"instances": max_instances, "body_bytes": max_body_bytes}
        return json_reply({"models": listed, "limits": limits})

    @routes.get("/<model>")
    def one_model(model: str) -> Response:
        trained = in_training()
        if model in trained and model not in catalog.models:
            return json_reply(_awaited(model, trained[model]) | {"refused": {}})
        if reason := catalog.left_out.get(model):
            return json_reply(_left_out(model, reason) | {"refused": {}})
        catalog.state(model)
        catch_up([model])
        return json_reply(_details(model, catalog.state(model)) | _training(model, trained))

    @routes.get("/<model>/versions/<int:version>/contract")
    def contract(model: str, version: int) -> Response:
        catalog.state(model)
        request_facts().model = model
        return Response(catalog.live(model, version).document, mimetype="application/json")

    return routes


def _left_out(model: str, reason: str) -> dict[str, Any]:
    return {"name": model, "ready": False, "served": False, "versions": [], "problem": reason}


def _awaited(model: str, share: float | None) -> dict[str, Any]:
    stage = "it waits for its training" if share is None else f"training, {share * 100:.0f} %"
    return _left_out(model, f"no version yet: {stage}") | {"training": share}


def _training(model: str, trained: InTraining) -> dict[str, Any]:
    return {"training": trained[model]} if model in trained else {}


def _summary(model: str, state: ModelState) -> dict[str, Any]:
    summary: dict[str, Any] = {"name": model, "ready": state.ready, "versions": list(state.live)}
    if state.problem:
        summary["problem"] = state.problem
    if state.refused:
        summary["refused"] = _reasons(state)
    if state.unloadable:
        summary["failed"] = {str(version): problem for version, problem in state.unloadable.items()}
    if state.newest:
        contract = state.newest.contract
        summary["engine"] = state.newest.engine
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
        }
        | ({"reading": contract.reading.to_json()} if contract.reading else {}),
        "answer": {**contract.answers.facts, "schema": contract.answers.schema},
        "provenance": contract.provenance,
        "contract": f"/models/{live.model}/versions/{live.version}/contract",
    }
