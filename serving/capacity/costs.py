"""What a request costs: processor time and memory, measured."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Costs:
    """The costs of requests of one kind; *model_server_seconds* is 0 where gateways compute the models themselves.

    *gateway_seconds* and *model_server_seconds* are processor time. *variation* is their standard deviation by their
    mean. *load_seconds* is how long a new version keeps a processor busy. *source* says where the figures are from.
    """

    gateway_seconds: float
    model_server_seconds: float
    gateway_mb: float
    model_server_mb: float
    load_seconds: float
    variation: float
    source: str


def read_costs() -> dict[str, Any]:
    """Return the measured costs as their file has them."""
    costs: dict[str, Any] = json.loads(files("serving.capacity").joinpath("costs.json").read_bytes())
    return costs


def http_seconds() -> float:
    """Return what a request costs the gateway beside its contract and its model."""
    return float(read_costs()["http_ms"]) / 1000


def kinds() -> tuple[str, ...]:
    """Return the kinds of requests that were measured."""
    return tuple(read_costs()["kinds"])


def measured_costs(kind: str, in_gateway: bool = False) -> Costs:
    """Return the costs of a request of *kind*, with model servers or with the models *in_gateway*."""
    read = read_costs()
    return _with_seconds(read, in_gateway, **_seconds(read["kinds"][kind], in_gateway))


def _seconds(kind: Mapping[str, float], in_gateway: bool) -> dict[str, float]:
    if in_gateway:
        return {"gateway_seconds": kind["in_gateway_ms"] / 1000, "model_server_seconds": 0.0}
    return {"gateway_seconds": kind["gateway_ms"] / 1000, "model_server_seconds": kind["model_server_ms"] / 1000}


def _with_seconds(read: Mapping[str, Any], in_gateway: bool, **seconds: float) -> Costs:
    return Costs(
        **seconds,
        gateway_mb=read["in_gateway_mb" if in_gateway else "gateway_mb"],
        model_server_mb=0.0 if in_gateway else read["model_server_mb"],
        load_seconds=read["load_seconds"],
        variation=read["variation"],
        source=read["source"],
    )
