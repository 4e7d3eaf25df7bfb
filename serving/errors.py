"""The errors that Plumbline raises on purpose. The gateway turns a PredictionError into an RFC 9457 problem.

    PlumblineError
    ├── PredictionError
    │   ├── RequestError                 an error of the caller
    │   │   ├── MalformedRequest         400
    │   │   ├── Unauthorized             401
    │   │   ├── Forbidden                403
    │   │   ├── UnknownModel             404
    │   │   ├── UnknownVersion           404
    │   │   ├── UnknownLabel             404
    │   │   ├── RequestTooLarge          413
    │   │   ├── UnsupportedMedia         415
    │   │   ├── NoFeedback               404   the gateway takes none
    │   │   ├── NoExplanations           404   the gateway gives none
    │   │   ├── CapturesForbidden        403   the key may not read captures
    │   │   ├── InvalidInstance          422
    │   │   │   └── InvalidFeedback      422
    │   │   ├── InvalidExplanation       422
    │   │   ├── RateLimited              429   valid, but the key's rate limit is exceeded
    │   │   ├── TooManyPictures          429   valid, but others are being decoded
    │   │   └── Overloaded               429   valid, but the queue is full
    │   │       └── KeyOverloaded        429   the share of it that one API key may take
    │   ├── FeedbackUnavailable          503   feedback could not be made durable in time
    │   ├── CapturesUnavailable          503   captures can't be read just now
    │   ├── ContractError                500   the model's contract is broken
    │   │   ├── InvalidContract          500   its JSON is none
    │   │   │   └── LaterSchema          500   a later release wrote it
    │   │   └── ParityError              500   the served model does not compute what training computed
    │   └── ModelServerError             502   the model server answered with an error
    │       ├── ModelServerRefused       502   it rejected the tensors
    │       ├── NotFinite                502   it computed NaN or infinity
    │       │   └── NotFiniteWithout     502   only where parts of an instance are left out, to explain its answer
    │       ├── ModelServerOverloaded    503
    │       ├── ModelServerUnavailable   503
    │       ├── ModelNotReady            503
    │       ├── ModelServerTimeout       504
    │       └── in serving.client: GatewayUnavailable, GatewayTimeout (of the two above), UnexpectedReply
    └── RegistryError, StoreError, BatchError, CapacityError, TrainingError, ServingError: in their packages' errors.py

Constructors take facts; the class states the HTTP status and a stable, machine-readable code.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from reprlib import Repr
from typing import ClassVar

_MAX_LISTED = 20


class PlumblineError(Exception):
    """The base class: catch this to catch everything that Plumbline raises on purpose."""


class PredictionError(PlumblineError):
    """A request or a prediction failed with *problem*; *model* is empty if no model is concerned."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    version: int | None = None
    """The version that should have answered, once it is known."""
    request_id: str = ""
    """The request's id, which is in the gateway's log; set by `serving.client`."""

    def __init__(self, problem: str, model: str = "") -> None:
        super().__init__(f"{model}: {problem}" if model else problem)
        self.problem = problem
        self.model = model


class RequestError(PredictionError):
    """The request can't be answered as it is."""

    status = 400
    code = "bad_request"


class MalformedRequest(RequestError):
    """The body does not match its media type, or lacks the expected outer structure."""

    code = "malformed_request"


class Unauthorized(RequestError):
    """No API key, or an unknown one."""

    status = 401
    code = "unauthorized"

    def __init__(self) -> None:
        super().__init__("expected a known API key, as 'Authorization: Bearer <key>' or 'X-API-Key: <key>'")


class Forbidden(RequestError):
    """The API key of *owner* is for other models than this one, whether there is such a model or not."""

    status = 403
    code = "forbidden"

    def __init__(self, model: str, owner: str, allowed: Sequence[str]) -> None:
        names = _listed(allowed)
        super().__init__(f"the API key of {owner} is not for model {shown(model)}; it is for {names}")


class UnknownModel(RequestError):
    """No such model is served: it is not configured, or was left out for a *reason*."""

    status = 404
    code = "unknown_model"

    def __init__(self, model: str, known: Sequence[str], reason: str = "") -> None:
        left_out = f" ({reason})" if reason else ""
        super().__init__(f"unknown model {shown(model)}{left_out}; this gateway serves {_listed(known)}")
        self._facts = model, known, reason

    def told_of(self, is_told: Callable[[str], bool]) -> "UnknownModel":
        """Return the same error, which lists only those models of which *is_told* is true."""
        model, known, reason = self._facts
        return UnknownModel(model, [*filter(is_told, known)], reason)


class UnknownVersion(RequestError):
    """The model server does not, or no longer, serve this version, or it was refused for a *reason*."""

    status = 404
    code = "unknown_version"

    def __init__(self, model: str, version: int | None, reason: str = "") -> None:
        which = "no version" if version is None else f"version {version} is not"
        refused = f"version {version} was not admitted: {reason}"
        super().__init__(refused if reason else f"{which} available on the model server", model)


class UnknownLabel(RequestError):
    """The model has no such label on the model server, or no version is served under it."""

    status = 404
    code = "unknown_label"

    def __init__(self, model: str, label: str) -> None:
        super().__init__(f"no version is available on the model server under label {shown(label)}", model)


class RequestTooLarge(RequestError):
    """The body, or the number of instances in it, is over the limit."""

    status = 413
    code = "too_large"


class UnsupportedMedia(RequestError):
    """The model does not take this media type."""

    status = 415
    code = "unsupported_media_type"


def pointer(path: Sequence[str | int]) -> str:
    """Return *path* as a JSON pointer (RFC 6901); empty for the whole document."""
    return "".join(f"/{str(name).replace('~', '~0').replace('/', '~1')}" for name in path)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with an instance: its *row*, the *path* from its field, what was expected, what came.

    An empty path is the instance itself.
    """

    row: int
    path: tuple[str | int, ...]
    expected: str
    got: str

    @property
    def pointer(self) -> str:
        """The place within the instance, as a JSON pointer (RFC 6901); empty for the instance itself."""
        return pointer(self.path)

    @property
    def problem(self) -> str:
        """What was expected, and what came."""
        return f"expected {self.expected}, got {self.got}"

    def __str__(self) -> str:
        return f"{'/'.join(map(str, self.path))}: {self.problem}" if self.path else self.problem


class InvalidInstance(RequestError):
    """Instances break the contract: *faults* are the first, *count* is of all."""

    status = 422
    code = "invalid_instance"
    noun: ClassVar[str] = "instance"

    def __init__(self, model: str, faults: Sequence[Fault], count: int) -> None:
        self.faults = faults
        self.count = count
        first = faults[0]
        place = f"{self.noun} {first.row}" + (f", field {'/'.join(map(str, first.path))!r}" if first.path else "")
        more = f" (the first of {count} errors)" if count > 1 else ""
        super().__init__(f"{place}: {first.problem}{more}", model)


class InvalidFeedback(InvalidInstance):
    """Items of feedback are no such: *faults* are the first, *count* is of all."""

    code = "invalid_feedback"
    noun = "item"


class InvalidExplanation(RequestError):
    """What is asked of an explanation does not fit the model: its head, target or budget."""

    status = 422
    code = "invalid_explanation"


class NoFeedback(RequestError):
    """The gateway takes no feedback, since it keeps no captures to join it with."""

    status = 404
    code = "no_feedback"

    def __init__(self, model: str) -> None:
        super().__init__("this gateway takes no feedback: it needs the setting CAPTURE, a folder or URL", model)


class NoExplanations(RequestError):
    """The gateway gives no explanations, since it may spend no predictions on them."""

    status = 404
    code = "no_explanations"

    def __init__(self, model: str) -> None:
        super().__init__("this gateway explains no answers: its setting EXPLAIN_BUDGET is 0", model)


class FeedbackUnavailable(PredictionError):
    """Feedback could not be made durable, or not in time. To send it again does no harm."""

    status = 503
    code = "feedback_unavailable"

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"the feedback may be lost: {reason}; send it again, which does no harm", model)


class CapturesForbidden(RequestError):
    """The API key of *owner* may not read captures; without keys nobody may."""

    status = 403
    code = "captures_forbidden"

    def __init__(self, owner: str | None) -> None:
        got = f"that of {owner}" if owner else "none: this gateway has no API_KEYS_FILE"
        super().__init__(f"expected an API key with the right captures=read, got {got}")


class CapturesUnavailable(PredictionError):
    """Captures can't be read just now, for a *reason*."""

    status = 503
    code = "captures_unavailable"

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"captures can't be read: {reason}; try again later", model)


class RateLimited(RequestError):
    """The rate limit of the API key's owner is exceeded; the next request is allowed in *seconds*."""

    status = 429
    code = "rate_limited"

    def __init__(self, owner: str, rate: str, seconds: int) -> None:
        super().__init__(f"rate limit exceeded: {rate} for {owner}; try again in {seconds} s")
        self.retry_after_seconds = seconds


class Overloaded(RequestError):
    """The queue of this model is full."""

    status = 429
    code = "overloaded"

    def __init__(self, model: str, waiting: int) -> None:
        super().__init__(f"the queue is full: {waiting} requests are waiting; try again later", model)


class KeyOverloaded(Overloaded):
    """The API keys of *owner* have as many requests in the queue as they may: the rest of it is for other keys."""

    def __init__(self, queue: str, owner: str, most: int) -> None:
        RequestError.__init__(self, f"{most} requests of {owner} run or wait already; try again later", queue)


class TooManyPictures(RequestError):
    """The pictures that are being decoded take all the memory that there is for that."""

    status = 429
    code = "too_many_pictures"

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"other pictures are being decoded, for which there are {most_bytes:,} bytes; try again later")


class ContractError(PredictionError):
    """A contract can't be read, or does not fit its model."""

    code = "contract"


class InvalidContract(ContractError):
    """The JSON of a contract is none: *wrong* says what is wrong at *path*, which leads there from its root."""

    def __init__(self, wrong: str, path: Sequence[str | int] = ()) -> None:
        self.wrong = wrong
        self.path = tuple(path)
        super().__init__(f"{pointer(path)}: {wrong}" if path else wrong)


class LaterSchema(InvalidContract):
    """A contract was written by a later release, in a form that this one does not know."""


class ParityError(ContractError):
    """Replaying a parity example gave a different result than training."""

    code = "parity"

    def __init__(self, model: str, example: int, difference: str) -> None:
        super().__init__(f"parity example {example}: {difference}", model)


class ModelServerError(PredictionError):
    """The model server answered with an error."""

    status = 502
    code = "model_server_error"

    def __init__(self, model: str, problem: str) -> None:
        super().__init__(problem, model)


class ModelServerRefused(ModelServerError):
    """The model server rejected the tensors of a call; a retry is useless."""


class NotFinite(ModelServerError):
    """The model has no finite numbers for *rows*, of *count* instances."""

    def __init__(self, model: str, rows: Sequence[int], count: int) -> None:
        more = f" (the first of {len(rows)} such instances)" if len(rows) > 1 else ""
        super().__init__(
            model,
            f"instance {rows[0]} of {count}: expected finite numbers of the model, got NaN or infinity{more}: "
            "the model computes nothing for such values, though they fit its contract",
        )
        self.rows = rows


class NotFiniteWithout(NotFinite):
    """The model has finite numbers for an instance, but none once parts of it are left out."""

    def __init__(self, error: NotFinite) -> None:
        ModelServerError.__init__(
            self,
            error.model,
            "expected finite numbers of the model without parts of the instance, got NaN or infinity: "
            "it has an answer, but none that can be explained",
        )
        self.rows = error.rows


class ModelServerOverloaded(ModelServerError):
    """The model server's queue is full."""

    status = 503
    code = "model_server_overloaded"


class ModelServerUnavailable(ModelServerError):
    """Nothing answers at the model server's address."""

    status = 503
    code = "model_server_unavailable"


class ModelNotReady(ModelServerError):
    """The model is configured, but no version of it has been admitted yet."""

    status = 503
    code = "model_not_ready"


class ModelServerTimeout(ModelServerError):
    """The deadline passed before the model server answered."""

    status = 504
    code = "model_server_timeout"


def _listed(models: Sequence[str]) -> str:
    more = f" and {len(models) - _MAX_LISTED} more" if len(models) > _MAX_LISTED else ""
    return ", ".join(models[:_MAX_LISTED]) + more or "no model yet"


_short = Repr()  # the value comes from a client: it may have any depth and length
_short.maxlevel = _short.maxdict = _short.maxlist = 2
_short.maxstring = 60


def shown(value: object) -> str:
    """Return a short text of a value that a client sent."""
    if value is None:
        return "nothing"  # a field that is missing, or null
    return _short.repr(value[:40] if isinstance(value, bytes) else value)
