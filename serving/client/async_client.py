"""The asynchronous client: sends the requests of `calls` with httpx, and waits."""

from collections.abc import Iterable
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

import anyio
import httpx

from serving.client.answer import Answer
from serving.client.calls import Call, NoReply, Pause, Steps, T
from serving.client.explanation import Explanation
from serving.client.replies import Reply, ServedModel
from serving.client.transport import MAX_REPLY_BYTES, Asking, no_reply, options, request


class AsyncClient:
    """`Client` for asyncio and trio: the same arguments, methods and errors."""

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
        self._http = httpx.AsyncClient(**options(url, api_key, max_connections, tls))

    async def predict(
        self,
        model: str,
        instance: Any,
        *,
        version: int | None = None,
        label: str | None = None,
        deadline_seconds: float | None = None,
        request_id: str | None = None,
    ) -> Answer:
        """Return what `Client.predict` does."""
        ask = self._asking.ask(deadline_seconds, model, version, label, request_id)
        return await self._run(self._asking.conversation.predict(ask, instance))

    async def predict_many(
        self,
        model: str,
        instances: Iterable[Any],
        *,
        version: int | None = None,
        label: str | None = None,
        deadline_seconds: float | None = None,
        request_id: str | None = None,
    ) -> list[Answer]:
        """Return what `Client.predict_many` does."""
        ask = self._asking.ask(deadline_seconds, model, version, label, request_id)
        return await self._run(self._asking.conversation.predict_many(ask, instances))

    async def explain(
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
        """Do what `Client.explain` does."""
        ask = self._asking.ask(deadline_seconds, model, version, label, request_id)
        question = {"target": target, "head": head, "method": method, "budget": budget}
        return await self._run(self._asking.conversation.explain(ask, instance, question))

    async def feedback(
        self,
        model: str,
        request_id: str,
        truth: Any,
        *,
        index: int = 0,
        version: int | None = None,
        deadline_seconds: float | None = None,
    ) -> None:
        """Do what `Client.feedback` does."""
        ask = self._asking.ask(deadline_seconds, model)
        item = {"request_id": request_id, "index": index, "truth": truth, "version": version}
        await self._run(self._asking.conversation.feedback(ask, item))

    async def models(self, *, deadline_seconds: float | None = None) -> list[ServedModel]:
        """Return what `Client.models` does."""
        return await self._run(self._asking.conversation.models(self._asking.ask(deadline_seconds)))

    async def ready(self, model: str = "", *, deadline_seconds: float | None = None) -> bool:
        """Return what `Client.ready` does."""
        return await self._run(self._asking.conversation.ready(self._asking.ask(deadline_seconds, model)))

    async def alive(self, *, deadline_seconds: float | None = None) -> bool:
        """Return what `Client.alive` does."""
        return await self._run(self._asking.conversation.alive(self._asking.ask(deadline_seconds)))

    @property
    def lost(self) -> int:
        """How many connections ended before their answer; each such request was sent again, once."""
        return self._asking.conversation.lost

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _run(self, steps: Steps[T]) -> T:
        got: Reply | NoReply | None = None
        try:
            while True:
                step = steps.send(got)
                if isinstance(step, Pause):
                    await anyio.sleep(step.seconds)
                    got = None
                else:
                    got = await self._sent(step)
        except StopIteration as end:
            answer: T = end.value
            return answer

    async def _sent(self, call: Call) -> Reply | NoReply:
        with anyio.move_on_after(call.seconds):
            try:
                async with self._http.stream(**request(call)) as reply:
                    incoming = self._asking.incoming(call, reply)
                    async for chunk in reply.aiter_raw():
                        incoming.add(chunk)
                    return incoming.reply
            except httpx.TransportError as error:
                return no_reply(self._http.base_url, error)
        return NoReply("", timed_out=True)
