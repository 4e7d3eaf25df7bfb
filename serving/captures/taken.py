"""What is taken of a request, and the lines that are made of it."""

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from serving.captures.record import FORMAT
from serving.contract import Contract
from serving.contract.handling import Handling
from serving.errors import Fault

_FORM = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


class Failed(NamedTuple):
    """How a request failed: its *status* and problem, and by instance what was wrong with it."""

    status: int
    code: str
    detail: str
    faults: Sequence[Fault] = ()


class Taken(NamedTuple):
    """A request that is captured: of *share* such requests one was, at *time* (UTC).

    There is an answer for each of *instances*, unless it *failed*. *contract* says what may be kept.
    """

    time: datetime
    request_id: str
    model: str
    version: int | None
    share: float
    contract: Contract
    instances: Sequence[Any]
    answers: Sequence[Any]
    failed: Failed | None


class LineMaker:
    """Makes lines of requests. Values that are to be hashed are with *key*, and left out if there is none."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key

    def lines(self, taken: Taken) -> list[bytes]:
        """Return a line for each instance; raises TypeError for values that JSON has not."""
        handlings = taken.contract.handlings
        may_keep_all = taken.contract.may_keep_all
        made = []
        for index, instance in enumerate(taken.instances):
            is_kept = may_keep_all and type(instance) is dict and instance.keys() <= handlings.keys()
            document = {
                "capture": FORMAT,
                "time": taken.time,  # a whole second comes without a fraction
                "request_id": taken.request_id,
                "index": index,
                "model": taken.model,
                "version": taken.version,
                "share": taken.share,
                "instance": instance if is_kept else self._kept(instance, handlings),
            }
            if taken.failed is None:
                document["answer"] = taken.answers[index]
            else:
                document["status"] = taken.failed.status
                document["error"] = {
                    "code": taken.failed.code,
                    "detail": _detail(taken.failed, index, handlings, may_keep_all),
                }
            made.append(orjson.dumps(document, _as_json, _FORM))
        return made

    def _kept(self, instance: Any, handlings: Mapping[str, Handling]) -> Any:
        """Return what may be kept of an instance; nothing of one that is no object."""
        if not isinstance(instance, dict):
            return None
        kept = {}
        for name, value in instance.items():
            handling = handlings.get(name)
            if handling == "keep" or (value is None and handling):
                kept[name] = value
            elif handling == "hash" and self._key:
                kept[name] = self._hashed(value)
        return kept

    def _hashed(self, value: Any) -> str:
        written = orjson.dumps(value, _as_json, orjson.OPT_SORT_KEYS)
        return f"hmac-sha256:{hmac.digest(self._key or b'', written, 'sha256').hex()}"


def _detail(failed: Failed, index: int, handlings: Mapping[str, Handling], may_keep_all: bool) -> str:
    """Return the problem as far as it may be kept: what came stands in it, and a model server may quote it too."""
    if failed.faults:
        return "; ".join(_told(fault, handlings) for fault in failed.faults if fault.row == index)
    return failed.detail if may_keep_all else ""


def _told(fault: Fault, handlings: Mapping[str, Handling]) -> str:
    if not fault.path:
        return "expected an object with named fields"
    field = str(fault.path[0])
    if field not in handlings:
        return "expected no field that the model does not have"
    return str(fault) if handlings[field] == "keep" else f"{field}: expected another value"


def _as_json(value: Any) -> str:
    """Return the base64 text of a picture that came as a file, which is how JSON has it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"expected a value of JSON, got {type(value).__name__}")
