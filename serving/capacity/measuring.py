"""Costs that are measured on the spot: of a running gateway, or of a version that is computed in this process."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from serving.capacity.costs import Costs, http_seconds
from serving.capacity.errors import NotMeasured
from serving.contract import Contract
from serving.model_servers import connect
from serving.model_servers.errors import CannotServe

_WARM_UP = 20
_MEASURED_SECONDS = 3.0
_MOST = 2000
_FEW = 50


def of_gateway(costs: Costs, ask: Callable[[int], object], in_model: Callable[[], tuple[float, int]]) -> Costs:
    """Return *costs* with those of a request that *ask* sends, one at a time, given the number of it.

    *in_model* returns the seconds that a model has computed so far, and for how many requests. Raises NotMeasured.
    """
    for number in range(_WARM_UP):
        ask(number)
    seconds_before, count_before = in_model()
    times = _times(ask, time.perf_counter)
    seconds, count = in_model()
    if count <= count_before:
        raise NotMeasured("the gateway's metrics counted none of the requests; expected those of /metrics to grow")
    of_model = (seconds - seconds_before) / (count - count_before)
    share = min(1.0, of_model / statistics.fmean(times))
    return _replaced(costs, statistics.median(times) * (1 - share), statistics.median(times) * share)


def of_version(costs: Costs, models_dir: Path, model: str) -> Costs:
    """Return *costs* with those of the newest version of *model*, computed here. Raises NotMeasured.

    The time of HTTP is added as it was measured for texts.
    """
    try:
        server = connect.one_version(models_dir, model, None)
    except CannotServe as error:
        raise NotMeasured(str(error)) from error
    version = server.versions(model, 1.0)[0].version
    contract = Contract.from_json(server.contract(model, version, 1.0))
    instances = [example.instance for example in contract.examples]
    features = [contract.features([instance]) for instance in instances]

    def prepare(number: int) -> None:
        contract.features([instances[number % len(instances)]])

    def compute(number: int) -> None:
        _, outputs = server.predict(model, version, features[number % len(features)], 1.0)
        contract.answers.make(outputs)

    for number in range(_WARM_UP):
        compute(number)
    by_contract, by_model = (statistics.median(_times(what, time.process_time)) for what in (prepare, compute))
    server.close()
    return _replaced(costs, http_seconds() + by_contract, by_model)


def _times(ask: Callable[[int], object], clock: Callable[[], float]) -> Sequence[float]:
    """Return the time of each of some requests, one after the other."""
    times: list[float] = []
    end = time.monotonic() + _MEASURED_SECONDS
    while len(times) < _FEW or (len(times) < _MOST and time.monotonic() < end):
        start = clock()
        ask(len(times))
        times.append(clock() - start)
    return times


def _replaced(costs: Costs, gateway: float, model_server: float) -> Costs:
    """Put the seconds where *costs* has some."""
    changed: dict[str, Any] = {"gateway_seconds": gateway, "model_server_seconds": model_server}
    if not costs.model_server_seconds:
        changed = {"gateway_seconds": gateway + model_server}
    return replace(costs, **changed, source="requests measured here; memory and the rest as in docs/performance.md")
