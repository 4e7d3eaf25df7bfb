"""Two extensions of the Open Inference Protocol that Triton's clients use: repository index and statistics."""

from typing import Any

from flask import Blueprint, Response, request

from serving.catalog import Catalog, ModelState
from serving.errors import MalformedRequest, UnknownVersion
from serving.gateway.protocols.body import kind, parse_json, read_body
from serving.gateway.replies import json_reply
from serving.gateway.request_facts import request_facts
from serving.monitoring.call_statistics import VersionStatistics
from serving.monitoring.gateway_metrics import Metrics

_COMPUTE = {
    "queue": ("queue",),
    "compute_input": ("decode", "preprocess"),
    "compute_infer": ("predict",),
    "compute_output": ("postprocess",),
}
"""Triton's names of the stages, and the stages of a prediction that each adds up."""


def add_extensions(routes: Blueprint, catalog: Catalog, metrics: Metrics, max_depth: int) -> None:
    """Add the extensions' routes to the blueprint of the protocol."""

    @routes.post("/repository/index")
    def index() -> Response:
        only_ready = _only_ready(read_body(request), max_depth)
        listed = [entry for model, state in catalog.states().items() for entry in _entries(model, state)]
        listed += [_unavailable(model, reason) for model, reason in catalog.left_out.items()]
        told = [entry for entry in listed if request_facts().may_use(entry["name"])]
        return json_reply([entry for entry in told if entry["state"] == "READY" or not only_ready])

    @routes.get("/models/stats", endpoint="all_statistics")
    @routes.get("/models/<model>/stats")
    @routes.get("/models/<model>/versions/<int:version>/stats")
    def statistics(model: str | None = None, version: int | None = None) -> Response:
        states = catalog.states() if model is None else {model: catalog.state(model)}
        if model is not None and version is not None and version not in states[model].live:
            raise UnknownVersion(model, version)
        counted = metrics.statistics()
        stats = [
            _model_stat(name, number, counted.get((name, number), VersionStatistics()))
            for name, state in states.items()
            if request_facts().may_use(name)
            for number in sorted(state.live)
            if version in (None, number)
        ]
        return json_reply({"model_stats": stats})


def _only_ready(body: bytes, max_depth: int) -> bool:
    document = parse_json(body, max_depth) if body else {}
    if not isinstance(document, dict):
        raise MalformedRequest(f"expected nothing or a JSON object, got {kind(document)}")
    ready = document.get("ready")
    if not isinstance(ready, bool | None):
        raise MalformedRequest(f"expected 'ready' as a boolean, got {kind(ready)}")
    return ready is True


def _entries(model: str, state: ModelState) -> list[dict[str, str]]:
    reasons = dict.fromkeys(state.live, "") | {number: each.reason for number, each in state.refused.items()}
    if not reasons:
        return [_unavailable(model, state.problem)]
    return [
        {
            "name": model,
            "version": str(version),
            "state": "READY" if version in state.live else "UNAVAILABLE",
            "reason": reasons[version],
        }
        for version in sorted(reasons)
    ]


def _unavailable(model: str, reason: str) -> dict[str, str]:
    return {"name": model, "state": "UNAVAILABLE", "reason": reason}


def _model_stat(model: str, version: int, counted: VersionStatistics) -> dict[str, Any]:
    succeeded = _duration(counted.succeeded, counted.seconds - counted.failed_seconds)
    stages = {
        name: _duration(counted.succeeded, sum(counted.stage_seconds.get(stage, 0.0) for stage in stages))
        for name, stages in _COMPUTE.items()
    }
    failed = _duration(counted.failed, counted.failed_seconds)
    return {
        "name": model,
        "version": str(version),
        "inference_count": int(counted.instances),
        "inference_stats": {"success": succeeded, "fail": failed, **stages},
    }


def _duration(count: float, seconds: float) -> dict[str, int]:
    return {"count": int(count), "ns": max(0, round(seconds * 1e9))}
