"""What both clients do with httpx: make one from the caller's settings, send a call, take a reply within its limits."""

import time
from ssl import SSLContext
from typing import Any
from uuid import uuid4

import httpx

from serving.client.calls import Ask, Call, Conversation, NoReply
from serving.client.errors import UnexpectedReply
from serving.client.replies import Reply

MAX_REPLY_BYTES = 64 * 1024 * 1024


class Asking:
    """What a client keeps for its calls: their deadline, the size of replies, the conversation."""

    def __init__(self, deadline_seconds: float, max_reply_bytes: int) -> None:
        self._seconds = deadline_seconds
        self._max_bytes = max_reply_bytes
        self.conversation = Conversation()
        self.ask(None)  # so that a deadline that can't be used is refused at once
        if max_reply_bytes < 1:
            raise ValueError(f"expected max_reply_bytes of at least 1, got {max_reply_bytes}")

    def ask(
        self,
        deadline_seconds: float | None,
        model: str = "",
        version: int | None = None,
        label: str | None = None,
        request_id: str | None = None,
    ) -> Ask:
        """Return what is asked for from now on. Raise ValueError for what can't be sent."""
        seconds = self._seconds if deadline_seconds is None else deadline_seconds
        return Ask(model, version, label, seconds, uuid4().hex if request_id is None else request_id)

    def incoming(self, call: Call, reply: httpx.Response) -> "Incoming":
        """Begin to take a reply."""
        return Incoming(reply, time.monotonic() + call.seconds, self._max_bytes)


class Incoming:
    """A reply as it comes in, of limited size and time."""

    def __init__(self, reply: httpx.Response, ends: float, max_bytes: int) -> None:
        self._reply = reply
        self._ends = ends
        self._max_bytes = max_bytes
        self._body = bytearray()
        if (coding := reply.headers.get("Content-Encoding", "identity")) != "identity":
            raise UnexpectedReply("", f"expected a reply that is not compressed, got Content-Encoding {coding[:40]!r}")

    def add(self, chunk: bytes) -> None:
        """Take a part of the body. Raise UnexpectedReply if there is too much, httpx.ReadTimeout if it is too late."""
        self._body += chunk
        if len(self._body) > self._max_bytes:
            raise UnexpectedReply(
                "", f"expected a reply of at most {self._max_bytes} bytes (max_reply_bytes), got more"
            )
        if time.monotonic() > self._ends:
            raise httpx.ReadTimeout("the deadline has passed")

    @property
    def reply(self) -> Reply:
        """The whole reply."""
        headers = {name.lower(): value for name, value in self._reply.headers.items()}
        return Reply(self._reply.status_code, headers, bytes(self._body))


def options(url: str, api_key: str | None, max_connections: int, tls: SSLContext | None) -> dict[str, Any]:
    """Return the arguments of httpx's clients. Raise ValueError for those that can't be used."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "plumbline-client"}
    if api_key is not None:
        if not (api_key.isascii() and api_key.isprintable() and api_key.strip()):
            raise ValueError("expected an api_key of printable ASCII characters; it is not shown here")
        headers["Authorization"] = f"Bearer {api_key}"
    if max_connections < 1:
        raise ValueError(f"expected max_connections of at least 1, got {max_connections}")
    limits = httpx.Limits(max_connections=max_connections, max_keepalive_connections=max_connections)
    return {"base_url": _address(url), "headers": headers, "limits": limits, "verify": tls or True}


def request(call: Call) -> dict[str, Any]:
    """Return the arguments of httpx's `stream`."""
    sent = {"method": call.method, "url": call.path, "content": call.body, "headers": call.headers}
    return {**sent, "timeout": httpx.Timeout(call.seconds)}


def no_reply(address: httpx.URL, error: httpx.TransportError) -> NoReply:
    """Return why there was no reply from *address*."""
    if isinstance(error, httpx.TimeoutException):
        return NoReply("", timed_out=True)
    lost = isinstance(error, httpx.ReadError | httpx.RemoteProtocolError | httpx.WriteError)
    return NoReply(f"no gateway answers at {address}: {str(error) or type(error).__name__}", lost=lost)


def _address(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"expected a URL such as https://gateway.example, got {url!r:.100}: {error}") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise ValueError(f"expected a URL such as https://gateway.example, got {url!r:.100}")
    if address.userinfo or address.query or address.fragment:
        raise ValueError(f"expected a URL without user, query and fragment, of host {address.host!r}")
    return address
