"""Requests that measure a running gateway: its model's parity examples, over one connection."""

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from serving.capacity.costs import Costs
from serving.capacity.measuring import of_gateway
from serving.commands.gateway_client import GatewayClient, GatewayError
from serving.contract import Contract

_SECONDS = 30.0


def measured_at(costs: Costs, url: str, api_key: str | None, model: str) -> Costs:
    """Return *costs* with those of *model*'s requests to the gateway at *url*. Raises GatewayError, NotMeasured."""
    gateway = GatewayClient(url, api_key)
    details = gateway.get_json(f"/models/{model}")
    if "contract" not in details:
        raise GatewayError(f"{model}: {details.get('problem', 'not ready')}")
    contract = Contract.from_json(gateway.get(details["contract"]))
    bodies = [json.dumps(example.instance).encode() for example in contract.examples]
    with _connection(url) as connection:

        def ask(number: int) -> None:
            _ask(connection, f"/predict/{model}", bodies[number % len(bodies)], api_key)

        return of_gateway(costs, ask, lambda: in_model(gateway.get("/metrics").decode(), model))


def in_model(metrics: str, model: str) -> tuple[float, int]:
    """Return the seconds that *model* has computed so far, and for how many requests, from the gateway's *metrics*."""

    def value(name: str) -> float:
        labels = rf'model="{re.escape(model)}",stage="predict"'
        found = re.search(rf"^plumbline_gateway_stage_seconds_{name}{{{labels}}} (\S+)", metrics, re.M)
        return float(found[1]) if found else 0.0

    return value("sum"), int(value("count"))


@contextmanager
def _connection(url: str) -> Iterator[http.client.HTTPConnection]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=_SECONDS)
    try:
        yield connection
    except (OSError, http.client.HTTPException) as error:
        raise GatewayError(f"the gateway at {url} ended the connection: {error!r}") from error
    finally:
        connection.close()


def _ask(connection: http.client.HTTPConnection, path: str, body: bytes, api_key: str | None) -> None:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {api_key}"} if api_key else {})}
    connection.request("POST", path, body, headers)
    reply = connection.getresponse()
    answer = reply.read()
    if reply.status != 200:
        raise GatewayError(f"expected an answer to a request like training's, got {reply.status}: {answer[:200]!r}")
