"""The synchronous client: sends the requests of `calls` with httpx, and waits."""

import time
from collections.abc import Iterable
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

import httpx

from serving.client.answer import Answer
from serving.client.calls import Call, NoReply, Pause, Steps, T
from serving.client.explanation import Explanation
from serving.client.replies import Reply, ServedModel
from serving.client.transport import MAX_REPLY_BYTES, Asking, no_reply, options, request


class Client:
    """Asks the gateway at *url*. Safe to share between threads, which then share its connections.

    *deadline_seconds* is for a whole call with all its requests and pauses, unless the call has its own.
    *tls* has own CA certificates or a client certificate; without it, https is checked by the system's CAs.

    Every method raises the errors of `serving.errors`; ValueError for arguments that can't be sent.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        deadline_seconds: float = 30.0,
        max_connections: int = 16,
        max_reply_bytes: int = MAX_REPLY_BYTES,
        tls: SSLContext | None = None,
    ) -> None:
        self._asking = Asking(deadline_seconds, max_reply_bytes)
        self._http = httpx.Client(**options(url, api_key, max_connections, tls))

    def predict(
        self,
        model: str,
        instance: Any,
        *,
        version: int | None = None,
        label: str | None = None,
        deadline_seconds: float | None = None,
        request_id: str | None = None,
    ) -> Answer:
        """Return the answer of *model*, of its newest version unless a *version* or *label* is named.

        A `pathlib.Path` or bytes anywhere in the instance are sent as base64.
        """
        ask = self._asking.ask(deadline_seconds, model, version, label, request_id)
        return self._run(self._asking.conversation.predict(ask, instance))

    def predict_many(
        self,
        model: str,
        instances: Iterable[Any],
        *,
        version: int | None = None,
        label: str | None = None,
        deadline_seconds: float | None = None,
        request_id: str | None = None,
    ) -> list[Answer]:
        """Return an answer for each of *instances*, in their order.

        They are sent in as many requests as the gateway's limits make of them. Each answer says which version gave it.
        """
        ask = self._asking.ask(deadline_seconds, model, version, label, request_id)
        return self._run(self._asking.conversation.predict_many(ask, instances))

    def explain(
        self,
        model: str,
        instance: Any,
        *,
        target: str | None = None,
        head: str | None = None,
        method: str | None = None,
        budget: int | None = None,
        version: int | None = None,
        label: str | None = None,
        deadline_seconds: float | None = None,
        request_id: str | None = None,
    ) -> Explanation:
        """Return what carried the answer to *instance*: which words, columns or parts of the picture.

        By default the label that is answered is explained, by Shapley values and as many predictions as the gateway
        allows; otherwise *target* names a label, tag or value, *head* one of several heads, *method* is "occlusion",
        and *budget* the most predictions.
        """
        ask = self._asking.ask(deadline_seconds, model, version, label, request_id)
        question = {"target": target, "head": head, "method": method, "budget": budget}
        return self._run(self._asking.conversation.explain(ask, instance, question))

    def feedback(
        self,
        model: str,
        request_id: str,
        truth: Any,
        *,
        index: int = 0,
        version: int | None = None,
        deadline_seconds: float | None = None,
    ) -> None:
        """Tell what turned out to be true of the answer to instance *index* of an earlier request.

        It is kept once this returns. *truth* is a label, a number, a list of tags, or an object of these; the *version*
        that answered, if it is known, says which labels there are.
        """
        ask = self._asking.ask(deadline_seconds, model)
        item = {"request_id": request_id, "index": index, "truth": truth, "version": version}
        self._run(self._asking.conversation.feedback(ask, item))

    def models(self, *, deadline_seconds: float | None = None) -> list[ServedModel]:
        """Return the models that the gateway serves."""
        return self._run(self._asking.conversation.models(self._asking.ask(deadline_seconds)))

    def ready(self, model: str = "", *, deadline_seconds: float | None = None) -> bool:
        """Return whether *model*, or else the gateway, can answer; False also where nothing answers. Never retries."""
        return self._run(self._asking.conversation.ready(self._asking.ask(deadline_seconds, model)))

    def alive(self, *, deadline_seconds: float | None = None) -> bool:
        """Return whether a gateway answers. Never retries."""
        return self._run(self._asking.conversation.alive(self._asking.ask(deadline_seconds)))

    @property
    def lost(self) -> int:
        """How many connections ended before their answer; each such request was sent again, once."""
        return self._asking.conversation.lost

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _run(self, steps: Steps[T]) -> T:
        got: Reply | NoReply | None = None
        try:
            while True:
                step = steps.send(got)
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    got = None
                else:
                    got = self._sent(step)
        except StopIteration as end:
            answer: T = end.value
            return answer

    def _sent(self, call: Call) -> Reply | NoReply:
        try:
            with self._http.stream(**request(call)) as reply:
                incoming = self._asking.incoming(call, reply)
                for chunk in reply.iter_raw():
                    incoming.add(chunk)
                return incoming.reply
        except httpx.TransportError as error:
            return no_reply(self._http.base_url, error)
