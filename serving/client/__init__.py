"""A client of the gateway for programs in Python, with httpx: `pip install 'plumbline[client]'`.

    with Client("http://localhost:8000") as client:
        print(client.predict("sentiment", {"text": "A joy."}).label)

It raises the errors of `serving.errors`: what the gateway reports, and what is found on the way to it.
"""

from importlib.util import find_spec

if find_spec("httpx") is None:
    raise ModuleNotFoundError("serving.client needs httpx: pip install 'plumbline[client]'", name="httpx")

from serving.client.answer import Answer
from serving.client.async_client import AsyncClient
from serving.client.client import Client
from serving.client.errors import GatewayTimeout, GatewayUnavailable, UnexpectedReply
from serving.client.explanation import Explanation
from serving.client.replies import ServedModel

__all__ = [
    "Answer",
    "AsyncClient",
    "Client",
    "Explanation",
    "GatewayTimeout",
    "GatewayUnavailable",
    "ServedModel",
    "UnexpectedReply",
]
