"""GET /captures/mistakes/<model>: the last captured answers that were wrong, for keys that may read captures."""

import json
import logging
import threading
from typing import Any

from flask import Blueprint, Response, request

from serving.captures.record import time_to_json
from serving.catalog import Catalog
from serving.errors import CapturesForbidden, CapturesUnavailable
from serving.gateway.replies import json_reply
from serving.gateway.request_facts import request_facts
from serving.gateway.routing import check_parameters
from serving.truth.mistakes import Mistake, Mistakes, find_mistakes
from serving.truth.report import Measure

_MOST_CHARACTERS = 200
_MOST_FIELDS = 50
_log = logging.getLogger(__name__)


def mistakes_routes(place: str, catalog: Catalog) -> Blueprint:
    """Make the blueprint for captures at *place*. One request at a time reads, in each process."""
    routes = Blueprint("captures", __name__, url_prefix="/captures")
    reading = threading.Lock()

    def find(model: str) -> Mistakes:
        if not reading.acquire(blocking=False):
            raise CapturesUnavailable(model, "another request reads them just now")
        try:
            return find_mistakes(place, model)
        except Exception as error:  # each store has errors of its own
            _log.warning("captures of %s can't be read: %.300s", model, error)
            raise CapturesUnavailable(model, "the folder or store of CAPTURE fails") from error
        finally:
            reading.release()

    @routes.get("/mistakes/<model>")
    def mistakes(model: str) -> Response:
        facts = request_facts()
        catalog.state(model)
        if not facts.reads_captures:
            raise CapturesForbidden(facts.owner)
        check_parameters(request)
        catalog.live(model)
        facts.model = model
        reply = json_reply({"model": model, **_told(find(model), _kept_by_all(catalog, model))})
        reply.cache_control.no_store = True
        return reply

    return routes


def _kept_by_all(catalog: Catalog, model: str) -> frozenset[str]:
    """Return the fields that all live versions keep: a version may say now what an earlier one did not."""
    contracts = [live.contract for live in catalog.state(model).live.values()]
    fields = frozenset(name for contract in contracts for name in contract.handlings)
    return frozenset(name for name in fields if all(it.handlings.get(name) == "keep" for it in contracts))


def _told(found: Mistakes, kept: frozenset[str]) -> dict[str, Any]:
    return {
        "known": found.known,
        "since": time_to_json(found.since) if found.since else None,
        "complete": found.is_complete,
        "damaged": found.damaged,
        "measures": [_measure(version, measure) for version, measure in found.measures],
        "order": "largest error" if found.are_errors else "newest",
        "mistakes": [_mistake(it, kept) for it in found.mistakes],
    }


def _measure(version: int, measure: Measure) -> dict[str, Any]:
    low, high = measure.interval or (None, None)
    named = {"version": version, "head": measure.head, "measure": measure.name}
    return named | {"value": measure.value, "low": low, "high": high, "answers": measure.answers}


def _mistake(mistake: Mistake, kept: frozenset[str]) -> dict[str, Any]:
    capture = mistake.capture
    return {
        "time": time_to_json(capture.time),
        "request_id": capture.request_id,
        "index": capture.index,
        "version": capture.version,
        "instance": _shown(capture.instance, kept),
        "answer": _brief(capture.answer),
        "truth": _brief(mistake.truth),
    }


def _shown(instance: Any, kept: frozenset[str]) -> dict[str, Any]:
    fields = instance.items() if isinstance(instance, dict) else ()
    return {name: _brief(value) for name, value in [it for it in fields if it[0] in kept][:_MOST_FIELDS]}


def _brief(value: Any) -> Any:
    """Return *value*, without scores, or the beginning of its text if that is long."""
    if isinstance(value, dict):
        value = {name: _brief(part) for name, part in value.items() if name != "scores"}
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
