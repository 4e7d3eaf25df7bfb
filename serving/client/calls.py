"""What a client does, without doing it: generators that yield requests and pauses, and are sent the replies.

So the synchronous and the asynchronous client differ only in how they send and wait.
"""

import json
import random
import re
import time
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, urlencode

from serving.client.answer import Answer
from serving.client.errors import GatewayTimeout, GatewayUnavailable
from serving.client.explanation import Explanation
from serving.client.instances import MAX_BODY_BYTES, Limits, Part, Unsent
from serving.client.replies import (
    Reply,
    ServedModel,
    read_accepted,
    read_answers,
    read_explanation,
    read_limits,
    read_models,
    read_ready,
)

MAX_ATTEMPTS = 6
"""How often one request is sent at most."""

REQUEST_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")
"""What the gateway accepts."""

_FIRST_PAUSE_SECONDS = 0.1
_MAX_SECONDS = 24 * 3600.0
_RETRIED = (429, 503)

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """A request to be sent, and how long it may take."""

    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]
    seconds: float


@dataclass(frozen=True)
class Pause:
    """Seconds to wait."""

    seconds: float


@dataclass(frozen=True)
class NoReply:
    """A request that got none, and why. *lost* says that the connection ended after it was sent."""

    problem: str
    timed_out: bool = False
    lost: bool = False


Steps = Generator[Call | Pause, Reply | NoReply | None, T]


@dataclass(frozen=True)
class Ask:
    """What a caller asks for besides instances: of which model, which version or label, by when, under which id."""

    model: str = ""
    version: int | None = None
    label: str | None = None
    seconds: float = 0.0
    request_id: str = ""
    ends: float = field(default_factory=time.monotonic, init=False)

    def __post_init__(self) -> None:
        if self.version is not None and self.label is not None:
            raise ValueError(f"expected version or label, got both: {self.version} and {self.label!r}")
        if not REQUEST_ID.fullmatch(self.request_id):
            raise ValueError(
                f"expected a request id of 1 to 128 letters, digits and ._~:/+=@-, got {self.request_id!r:.60}"
            )
        if not 0 < self.seconds <= _MAX_SECONDS:  # so written that NaN fails too
            raise ValueError(f"expected a deadline above 0 and at most {_MAX_SECONDS:.0f} seconds, got {self.seconds}")
        object.__setattr__(self, "ends", self.ends + self.seconds)

    @property
    def path(self) -> str:
        """The path of the prediction."""
        return f"/predict/{self._name}{self._query({})}"

    def explain_path(self, question: Mapping[str, Any]) -> str:
        """Return the path of an explanation, with those members of the *question* that are not None."""
        return f"/explain/{self._name}{self._query(question)}"

    def _query(self, question: Mapping[str, Any]) -> str:
        chosen = {"version": self.version, "label": self.label, **question}
        given = {name: value for name, value in chosen.items() if value is not None}
        return f"?{urlencode(given)}" if given else ""

    @property
    def feedback_path(self) -> str:
        """The path of feedback."""
        return f"/feedback/{self._name}"

    @property
    def _name(self) -> str:
        return quote(self.model, safe="").replace(".", "%2E")  # or `..` would be a step up

    def left(self) -> float:
        """Return the seconds until the deadline, 0 if it has passed."""
        return max(0.0, self.ends - time.monotonic())


class Conversation:
    """Asks one gateway, whose limits it keeps once they were needed."""

    def __init__(self) -> None:
        self._limits: Limits | None = None
        self.lost = 0
        """How many connections ended before their answer."""

    def predict(self, ask: Ask, instance: Any) -> Steps[Answer]:
        """Ask about one instance. Its size is left to the gateway, unless its limits are known already."""
        limits = self._limits or Limits(1, MAX_BODY_BYTES)
        part = Unsent(ask.model, [instance]).take(limits)
        assert part  # noqa: S101 - of one instance there is one
        (answer,) = yield from self._answered(ask, part)
        return answer

    def predict_many(self, ask: Ask, instances: Iterable[Any]) -> Steps[list[Answer]]:
        """Ask about many, in as many requests as the gateway's limits make of them."""
        limits = self._limits or (yield from self._learnt(ask))
        unsent = Unsent(ask.model, instances)
        answers: list[Answer] = []
        while part := unsent.take(limits):
            reply = yield from self._asked(ask, "POST", ask.path, part.body)
            if reply.status == 413 and (smaller := (yield from self._learnt(ask)).least(limits)) != limits:
                limits = smaller  # the gateway came back with other settings
                unsent.put_back(part)
            else:
                answers += read_answers(reply, ask.model, part.first, len(part.encoded))
        return answers

    def explain(self, ask: Ask, instance: Any, question: Mapping[str, Any]) -> Steps[Explanation]:
        """Ask why one instance is answered as it is."""
        part = Unsent(ask.model, [instance]).take(self._limits or Limits(1, MAX_BODY_BYTES))
        assert part  # noqa: S101 - of one instance there is one
        return read_explanation((yield from self._asked(ask, "POST", ask.explain_path(question), part.body)), ask.model)

    def feedback(self, ask: Ask, item: Mapping[str, Any]) -> Steps[None]:
        """Tell the truth of one answer. To tell it again does no harm, so that is done as for predictions."""
        body = json.dumps({"feedback": [item]}, allow_nan=False).encode()
        read_accepted((yield from self._asked(ask, "POST", ask.feedback_path, body)), ask.model)

    def models(self, ask: Ask) -> Steps[list[ServedModel]]:
        """Ask which models there are."""
        return read_models((yield from self._asked(ask, "GET", "/models")))

    def ready(self, ask: Ask) -> Steps[bool]:
        """Ask whether a model, or every model, can answer; no answer means no."""
        reply = yield _call(ask, "GET", "/readyz")
        return isinstance(reply, Reply) and read_ready(reply, ask.model)

    def alive(self, ask: Ask) -> Steps[bool]:
        """Ask whether a gateway answers."""
        reply = yield _call(ask, "GET", "/healthz")
        return isinstance(reply, Reply) and reply.status == 200

    def _asked(self, ask: Ask, method: str, path: str, body: bytes | None = None) -> Steps[Reply]:
        """Send a request until it is answered otherwise than with "later", or no more time or attempt is left.

        A prediction changes nothing, so it may be sent again whatever became of it. If its connection is lost, which is
        how a killed process of a gateway ends, that is done at once, but only once: the request may be the cause.
        """
        attempt = lost = 0
        while ask.left():
            attempt += 1
            got = (yield _call(ask, method, path, body)) or NoReply("nothing came")
            if isinstance(got, NoReply) and got.lost:
                lost += 1
                self.lost += 1
                if lost > 1:
                    return _fail(ask, got)
                continue
            pause = _pause(got, attempt)
            if pause is None or attempt == MAX_ATTEMPTS or pause >= ask.left():
                return got if isinstance(got, Reply) else _fail(ask, got)
            yield Pause(pause)
        return _fail(ask, NoReply("", timed_out=True))

    def _answered(self, ask: Ask, part: Part) -> Steps[list[Answer]]:
        reply = yield from self._asked(ask, "POST", ask.path, part.body)
        return read_answers(reply, ask.model, part.first, len(part.encoded))

    def _learnt(self, ask: Ask) -> Steps[Limits]:
        limits = self._limits = read_limits((yield from self._asked(ask, "GET", "/models")))
        return limits


def _call(ask: Ask, method: str, path: str, body: bytes | None = None) -> Call:
    seconds = max(ask.left(), 0.001)
    headers = {"X-Request-ID": ask.request_id, "X-Request-Timeout": f"{seconds:.3f}"}
    return Call(method, path, body, headers | ({"Content-Type": "application/json"} if body else {}), seconds)


def _pause(got: Reply | NoReply, attempt: int) -> float | None:
    """Return the seconds before the next attempt, None if there should be none."""
    if isinstance(got, NoReply) and got.timed_out:
        return None
    if isinstance(got, Reply) and got.status not in _RETRIED:
        return None
    asked_for = got.retry_after(time.time()) if isinstance(got, Reply) else None
    pause = asked_for or _FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
    return pause * random.uniform(1.0, 1.2)  # noqa: S311 - so that callers do not come back all at once


def _fail(ask: Ask, got: NoReply) -> NoReturn:
    late = f"no answer within {ask.seconds:g} s"
    error = GatewayTimeout(ask.model, late) if got.timed_out else GatewayUnavailable(ask.model, got.problem)
    error.request_id = ask.request_id
    raise error
