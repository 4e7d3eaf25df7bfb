"""POST /feedback/<model>: what turned out to be true of answers. 202 says that it is on the disk, or in the store."""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request

from serving.catalog import Catalog
from serving.contract import Contract
from serving.errors import (
    Fault,
    InvalidFeedback,
    MalformedRequest,
    NoFeedback,
    RequestTooLarge,
    UnsupportedMedia,
    shown,
)
from serving.gateway.protocols.body import kind, parse_json, read_body
from serving.gateway.protocols.predict_body import Instances, pointer
from serving.gateway.replies import json_reply
from serving.gateway.request_facts import request_facts
from serving.gateway.routing import check_parameters, read_seconds
from serving.gateway.settings import Settings
from serving.monitoring.gateway_metrics import UNKNOWN, Metrics
from serving.truth.accepting import FeedbackLog
from serving.truth.comparing import misfit
from serving.truth.feedback import Feedback, is_index, is_request_id

_MEMBERS = ("request_id", "index", "truth", "version")
_EXAMPLE = '{"feedback": [{"request_id": "...", "index": 0, "truth": ...}, ...]}'
_MAX_FAULTS = 20


def feedback_routes(settings: Settings, catalog: Catalog, log: FeedbackLog | None, metrics: Metrics) -> Blueprint:
    """Make the blueprint. Without a *log* each call is answered by saying what is missing."""
    routes = Blueprint("feedback", __name__)

    @routes.post("/feedback/<model>")
    def feedback(model: str) -> Response:
        until = time.perf_counter() + read_seconds(request, settings.deadline_seconds)
        catalog.state(model)
        facts = request_facts()
        facts.model = model
        if log is None:
            raise NoFeedback(model)
        check_parameters(request)
        facts.instances = items = _bounded(_items(settings.max_json_depth), settings.max_instances)
        contracts = _contracts(catalog, model, until - time.perf_counter())
        read = list(_read(model, items.values, contracts))
        log.add(model, read, max(0.0, until - time.perf_counter()))
        metrics.fed_back(model, len(read))
        return json_reply({"model": model, "accepted": len(read)}, 202)

    @routes.after_request
    def count(reply: Response) -> Response:
        metrics.answered_feedback(request_facts().model or UNKNOWN, reply.status_code)
        return reply

    return routes


def _items(max_depth: int) -> Instances:
    """Read one item, or many. Raise MalformedRequest or UnsupportedMedia."""
    if request.mimetype != "application/json":
        raise UnsupportedMedia(f"expected Content-Type application/json, got {request.mimetype[:80]!r}")
    document = parse_json(read_body(request), max_depth)
    if not isinstance(document, dict):
        raise MalformedRequest(f"expected an object such as {_EXAMPLE}, got {kind(document)}")
    if "feedback" not in document:
        return Instances([document], lambda index, path: pointer(*path))
    if len(document) > 1 or not isinstance(document["feedback"], list):
        raise MalformedRequest(f"expected {_EXAMPLE}, or one item alone, got {shown(document)}")
    return Instances(document["feedback"], lambda index, path: pointer("feedback", index, *path))


def _bounded(items: Instances, most: int) -> Instances:
    if not items.values:
        raise MalformedRequest("expected at least one item of feedback, got none")
    if len(items.values) > most:
        raise RequestTooLarge(f"expected at most {most} items (MAX_INSTANCES), got {len(items.values)}")
    return items


def _contracts(catalog: Catalog, model: str, seconds: float) -> dict[int, Contract]:
    """Return the contracts of the live versions, newest first. Raise ModelNotReady if there are none."""
    catalog.live(model, budget_seconds=max(0.0, seconds))
    return {version: live.contract for version, live in catalog.state(model).live.items()}


def _read(model: str, items: Sequence[Any], contracts: Mapping[int, Contract]) -> Iterator[Feedback]:
    """Yield the feedback. Raise InvalidFeedback with all faults."""
    faults = [fault for row, item in enumerate(items) for fault in _faults(row, item, contracts)]
    if faults:
        raise InvalidFeedback(model, faults[:_MAX_FAULTS], len(faults))
    now = datetime.now(UTC)
    for item in items:
        given = {"request_id": item["request_id"], "index": item.get("index", 0), "truth": item["truth"]}
        yield Feedback(time=now, model=model, **given)


def _faults(row: int, item: Any, contracts: Mapping[int, Contract]) -> Iterator[Fault]:
    if not isinstance(item, dict):
        yield Fault(row, (), "an object", kind(item))
        return
    for name in item.keys() - {*_MEMBERS}:
        yield Fault(row, (name[:60],), f"no member but {', '.join(_MEMBERS)}", "one")
    if not is_request_id(item.get("request_id")):
        yield Fault(row, ("request_id",), "the X-Request-ID of a prediction", shown(item.get("request_id")))
    if not is_index(item.get("index", 0)):
        yield Fault(row, ("index",), "the number of an instance in its request, from 0", shown(item["index"]))
    version = item.get("version")
    if not (version is None or is_index(version)):
        yield Fault(row, ("version",), "the number of a version", shown(version))
        return
    its = [contracts[version]] if version is not None and version in contracts else [*contracts.values()]
    if found := _misfit(item.get("truth"), its):
        yield Fault(row, ("truth", *found[0]), found[1], shown(item.get("truth")))


def _misfit(truth: Any, contracts: Sequence[Contract]) -> tuple[tuple[str, ...], str] | None:
    """Return what is wrong by the newest of *contracts*, if the truth fits none of them."""
    found = [misfit(contract.answers, truth) for contract in contracts]
    return found[0] if all(found) else None
