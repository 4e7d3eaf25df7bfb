"""Every error that Plumbline raises on purpose; the gateway turns each into an RFC 9457 problem.

    PlumblineError
    ├── RequestError                 the caller's fault
    │   ├── MalformedRequest         400
    │   ├── UnknownModel             404
    │   ├── UnknownVersion           404
    │   ├── UnknownLabel             404
    │   ├── RequestTooLarge          413
    │   ├── UnsupportedMedia         415
    │   ├── InvalidInstance          422   (InvalidFields, once their places in the request are known)
    │   └── Overloaded               429   right in itself, but too many came at the same time
    ├── ContractError                500   the model's contract is broken
    │   └── ParityError              500   the served model does not compute what training computed
    └── ModelServerError             502   the model server answered with an error
        ├── ModelServerRefused       502   it found the tensors wrong
        ├── ModelServerOverloaded    503
        ├── ModelServerUnavailable   503
        ├── ModelNotReady            503
        └── ModelServerTimeout       504

Constructors take facts; the class states the HTTP status and a stable, machine-readable code.
"""

from collections.abc import Sequence
from reprlib import Repr
from typing import ClassVar


class PlumblineError(Exception):
    """The root: catch this to catch everything that is ours."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    version: int | None = None
    """The version that was to answer, once that is known."""


class RequestError(PlumblineError):
    """The request can't be answered as it stands."""

    status = 400
    code = "bad_request"


class MalformedRequest(RequestError):
    """The body is not what the media type says, or lacks its outer shape."""

    code = "malformed_request"


class UnknownModel(RequestError):
    """No such model is configured."""

    status = 404
    code = "unknown_model"

    def __init__(self, model: str, known: tuple[str, ...]) -> None:
        super().__init__(f"unknown model {_shortened(model)}; this gateway serves {', '.join(known)}")


class UnknownVersion(RequestError):
    """The model server does not serve this version (any more)."""

    status = 404
    code = "unknown_version"

    def __init__(self, model: str, version: int | None) -> None:
        which = "no version" if version is None else f"version {version} is not"
        super().__init__(f"{model}: {which} available on the model server")


class UnknownLabel(RequestError):
    """The model server knows no such label of the model, or serves no version under it."""

    status = 404
    code = "unknown_label"

    def __init__(self, model: str, label: str) -> None:
        super().__init__(f"{model}: no version is available on the model server under label {_shortened(label)}")


class RequestTooLarge(RequestError):
    """The body, or the number of instances in it, is over the limit."""

    status = 413
    code = "too_large"


class UnsupportedMedia(RequestError):
    """The media type is not one that this model takes."""

    status = 415
    code = "unsupported_media_type"


class InvalidFields(PlumblineError):
    """An instance is not what the contract says: the first *problems*, and the *count* of all that were found.

    Its place in the request is not known yet.
    """

    def __init__(self, problems: Sequence["InvalidField"], count: int) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems
        self.count = count


class InvalidField(InvalidFields):
    """One field of an instance is not what the contract says; an empty *field* is the instance itself."""

    def __init__(self, field: str, expected: str, got: object) -> None:
        self.field = field
        self.problem = f"expected {expected}, got {got if isinstance(got, Described) else _shortened(got)}"
        PlumblineError.__init__(self, f"{field}: {self.problem}" if field else self.problem)
        self.problems = (self,)
        self.count = 1


class Described(str):
    """What came, already put in words (so that it is not quoted again)."""


class InvalidInstance(RequestError):
    """Instances break the contract: *errors* has instance number and field of the first of them, *count* is of all."""

    status = 422
    code = "invalid_instance"

    def __init__(self, model: str, errors: Sequence[tuple[int, InvalidField]], count: int) -> None:
        self.errors = errors
        self.count = count
        index, first = errors[0]
        place = f"instance {index}" + (f", field {first.field!r}" if first.field else "")
        more = f" (the first of {count} errors)" if count > 1 else ""
        super().__init__(f"{model}: {place}: {first.problem}{more}")


class Overloaded(RequestError):
    """As many requests for this model are waiting as may wait."""

    status = 429
    code = "overloaded"

    def __init__(self, model: str, waiting: int) -> None:
        super().__init__(f"{model}: {waiting} requests are waiting already, which is as many as may; try again later")


class ContractError(PlumblineError):
    """A contract can't be read, or does not fit the model that carries it."""

    code = "contract"


class ParityError(ContractError):
    """Replaying a parity example gave something else than training did."""

    code = "parity"

    def __init__(self, model: str, example: int, difference: str) -> None:
        super().__init__(f"{model}: parity example {example}: {difference}")


class ModelServerError(PlumblineError):
    """The model server answered, but not with scores."""

    status = 502
    code = "model_server_error"

    def __init__(self, model: str, problem: str) -> None:
        super().__init__(f"{model}: {problem}")


class ModelServerRefused(ModelServerError):
    """The model server found the tensors of a call wrong, so that calling again is no use."""


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


_short = Repr()  # the value is a stranger's: of any depth, of any length
_short.maxlevel = _short.maxdict = _short.maxlist = 2
_short.maxstring = 60


def _shortened(value: object) -> str:
    if value is None:
        return "nothing"  # a field that is missing, or null
    return _short.repr(value[:40] if isinstance(value, bytes) else value)
