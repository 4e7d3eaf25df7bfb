"""Reads the gateway's replies: answers, models, and problems, which become the errors of `serving.errors`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NoReturn

from serving import errors
from serving.client.answer import Answer
from serving.client.errors import GatewayTimeout, GatewayUnavailable, UnexpectedReply
from serving.client.explanation import Explanation, Part
from serving.client.instances import MAX_BODY_BYTES, Limits
from serving.errors import Fault, InvalidFeedback, InvalidInstance, PredictionError, shown

_MAX_INSTANCES = 100_000


@dataclass(frozen=True)
class Reply:
    """A reply of whatever answers at the address. The names of *headers* are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def request_id(self) -> str:
        """The request's id in the gateway's log, empty if the reply does not say it."""
        return self.headers.get("x-request-id", "")

    def retry_after(self, now: float) -> float | None:
        """Return the seconds to wait from *now*, a Unix time, on; None if the reply does not say it."""
        text = self.headers.get("retry-after", "")
        if text.isascii() and text.isdecimal():
            return float(text[:12])
        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - now)
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True)
class ServedModel:
    """What a gateway says of one model. *refused* has the versions that it does not admit, with the reasons."""

    name: str
    ready: bool
    versions: tuple[int, ...]
    problem: str | None
    refused: Mapping[int, str]
    data: str | None
    recipe: str | None
    metrics: Mapping[str, Any] | None


def read_answers(reply: Reply, model: str, first: int, count: int) -> list[Answer]:
    """Read the answers to *count* instances, of which number *first* was the first. Raise PredictionError."""
    if reply.status != 200:
        raise_problem(reply, model, first)
    document = _object(reply, model)
    version = _member(document, "version", int, reply, model)
    predictions = _member(document, "predictions", list, reply, model)
    _expect(document.get("model") == model, f"model: {model!r}", document.get("model"), reply, model)
    _expect(len(predictions) == count, f"{count} predictions", len(predictions), reply, model)
    for place, each in enumerate(predictions):
        _expect(isinstance(each, dict), f"predictions/{place}: an object", each, reply, model)
    return [Answer(model, version, reply.request_id, each) for each in predictions]


def read_explanation(reply: Reply, model: str) -> Explanation:
    """Read the reply to POST /explain/<model>. Raise PredictionError."""
    if reply.status != 200:
        raise_problem(reply, model)
    document = _object(reply, model)
    version = _member(document, "version", int, reply, model)
    answer = Answer(model, version, reply.request_id, _member(document, "prediction", dict, reply, model))
    told = _member(document, "explanation", dict, reply, model)
    score, base = (float(_member(told, name, float, reply, model)) for name in ("score", "base"))
    parts = tuple(_part(each, reply, model) for each in _member(told, "parts", list, reply, model))
    return Explanation(answer, _member(told, "target", str, reply, model), score, base, parts, told)


def _part(each: Any, reply: Reply, model: str) -> Part:
    _expect(isinstance(each, dict), "parts: objects", each, reply, model)
    contribution = float(_member(each, "contribution", float, reply, model))
    error = None if each.get("error") is None else float(_member(each, "error", float, reply, model))
    return Part(_member(each, "field", str, reply, model), contribution, error, each)


def read_accepted(reply: Reply, model: str) -> None:
    """Read the reply to feedback. Raise PredictionError unless it was kept."""
    if reply.status != 202:
        raise_problem(reply, model)
    _member(_object(reply, model), "accepted", int, reply, model)


def read_models(reply: Reply) -> list[ServedModel]:
    """Read the reply to GET /models. Raise PredictionError."""
    return [_model(each, reply) for each in _member(_listed(reply), "models", list, reply)]


def read_limits(reply: Reply) -> Limits:
    """Read the limits in that reply. Raise PredictionError."""
    told = _member(_listed(reply), "limits", dict, reply)
    instances, body_bytes = (_member(told, name, int, reply) for name in ("instances", "body_bytes"))
    _expect(instances > 0 and body_bytes > 0, "limits: above 0", told, reply)
    return Limits(instances, body_bytes).least(Limits(_MAX_INSTANCES, MAX_BODY_BYTES))


def read_ready(reply: Reply, model: str) -> bool:
    """Read the reply to GET /readyz: whether *model* is ready, or if empty, the gateway. Raise PredictionError."""
    if reply.status not in (200, 503) or (reply.status == 503 and not _is_json(reply)):
        raise_problem(reply)
    document = _object(reply)
    if not model:
        return bool(_member(document, "ready", bool, reply))
    models = _member(document, "models", dict, reply)
    if model not in models:
        raise _told(errors.UnknownModel(model, tuple(models)), reply)
    _expect(isinstance(models[model], dict), f"models/{model}: an object", models[model], reply)
    return bool(_member(models[model], "ready", bool, reply))


def raise_problem(reply: Reply, model: str = "", first: int = 0) -> NoReturn:
    """Raise the error that *reply* tells of, for instances that begin with number *first* of the caller's."""
    document = _object(reply, model) if _is_json(reply) else {}
    detail, code = document.get("detail"), document.get("code")
    if not isinstance(detail, str) or not isinstance(code, str):
        what = f"{reply.status} {_phrase(reply.status)}: {shown(reply.body)}"
        raise _told(_remote(_BY_STATUS.get(reply.status, UnexpectedReply), what, model), reply)
    named = document["model"] if isinstance(document.get("model"), str) else ""
    if invalid := {kind.code: kind for kind in (InvalidInstance, InvalidFeedback)}.get(code):
        faults = list(_faults(document, reply, model, first))
        raise _told(invalid(named, faults, _member(document, "error_count", int, reply, model)), reply)
    kind = _BY_CODE.get(code) or (errors.RequestError if reply.status < 500 else PredictionError)
    raise _told(_remote(kind, detail.removeprefix(f"{named}: "), named), reply)


def _faults(document: Mapping[str, Any], reply: Reply, model: str, first: int) -> Iterator[Fault]:
    told = _member(document, "errors", list, reply, model)
    _expect(bool(told), "errors: at least one", told, reply, model)
    for each in told:
        _expect(isinstance(each, dict), "errors: objects", each, reply, model)
        row = _member(each, "index", int, reply, model) + first
        before, _, got = _member(each, "detail", str, reply, model).partition(", got ")
        path = _path(_member(each, "pointer", str, reply, model))
        yield Fault(row, path, before.removeprefix("expected "), got)


def _path(pointer: str) -> tuple[str | int, ...]:
    """Return the place within an instance, from a pointer (RFC 6901) such as /instances/0/curve/2."""
    names = [name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")[3:]]
    return tuple(int(name) if place and name.isdecimal() else name for place, name in enumerate(names))


def _remote(kind: type[PredictionError], problem: str, model: str) -> PredictionError:
    """Make an error whose facts are known to the gateway alone; its constructor would ask for them."""
    error = kind.__new__(kind)
    PredictionError.__init__(error, problem, model)
    return error


def _told(error: PredictionError, reply: Reply) -> PredictionError:
    error.request_id = reply.request_id
    if isinstance(error, errors.RateLimited):
        error.retry_after_seconds = int(reply.retry_after(0.0) or 0)
    return error


def _model(each: Any, reply: Reply) -> ServedModel:
    _expect(isinstance(each, dict), "models: objects", each, reply)
    versions = _member(each, "versions", list, reply)
    refused = each.get("refused", {})
    numbers = isinstance(refused, dict) and all(name.isdecimal() for name in refused)
    _expect(all(isinstance(number, int) for number in versions), "versions: numbers", versions, reply)
    _expect(numbers, "refused: reasons by version", refused, reply)
    return ServedModel(
        _member(each, "name", str, reply),
        _member(each, "ready", bool, reply),
        tuple(versions),
        each.get("problem"),
        {int(number): str(reason) for number, reason in refused.items()},
        each.get("data"),
        each.get("recipe"),
        each.get("metrics"),
    )


def _listed(reply: Reply) -> dict[str, Any]:
    if reply.status != 200:
        raise_problem(reply)
    return _object(reply)


def _object(reply: Reply, model: str = "") -> dict[str, Any]:
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        document = reply.body
    _expect(isinstance(document, dict), "a JSON object", document, reply, model)
    return dict(document)


def _member(document: Mapping[str, Any], name: str, kind: type, reply: Reply, model: str = "") -> Any:
    value = document.get(name)
    _expect(
        isinstance(value, int | float if kind is float else kind) and (kind is bool or value is not True),
        f"{name}: {_NAMES[kind]}",
        value,
        reply,
        model,
    )
    return value


def _expect(holds: bool, expected: str, got: object, reply: Reply, model: str = "") -> None:
    if not holds:
        what = f"expected a reply of a Plumbline gateway, with {expected}, got {shown(got)}"
        raise _told(UnexpectedReply(model, f"{what} ({reply.status} {_phrase(reply.status)})"), reply)


def _is_json(reply: Reply) -> bool:
    media = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media in ("application/json", "application/problem+json")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


_NAMES: dict[type, str] = {
    int: "an integer",
    float: "a number",
    list: "a list",
    dict: "an object",
    str: "a text",
    bool: "a boolean",
}

_BY_STATUS: dict[int, type[PredictionError]] = {
    401: errors.Unauthorized,
    403: errors.Forbidden,
    413: errors.RequestTooLarge,
    429: errors.Overloaded,
    502: GatewayUnavailable,
    503: GatewayUnavailable,
    504: GatewayTimeout,
}
"""What a reply without a problem means: a proxy sent it."""

_BY_CODE: dict[str, type[PredictionError]] = {
    kind.code: kind
    for kind in (
        *(errors.MalformedRequest, errors.Unauthorized, errors.Forbidden, errors.UnknownModel, errors.UnknownVersion),
        *(errors.UnknownLabel, errors.RequestTooLarge, errors.UnsupportedMedia, errors.RateLimited, errors.Overloaded),
        *(errors.TooManyPictures, errors.NoFeedback, errors.FeedbackUnavailable),
        *(errors.CapturesForbidden, errors.CapturesUnavailable),
        *(errors.NoExplanations, errors.InvalidExplanation),
        *(errors.ContractError, errors.ParityError, errors.ModelServerError, errors.ModelServerOverloaded),
        *(errors.ModelServerUnavailable, errors.ModelNotReady, errors.ModelServerTimeout),
    )
}
