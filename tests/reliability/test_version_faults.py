"""What callers get while versions come, good ones and bad ones."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.conftest import Record
from tests.reliability.load import CALLERS
from tests.reliability.servers import (
    Gateway,
    ModelServer,
    in_process,
    stopped_at_the_end,
    with_model_server,
)
from tests.reliability.spoiling import BAD, BESIDE_THE_GRAPH
from tests.reliability.versions import MODEL, ModelsFolder

TWO_SECONDS = 2.0
SLICE = ["an empty folder", "a label that is a list"]


OTHER = pytest.param("asks a model server", marks=pytest.mark.whole_suite)


@pytest.fixture(scope="module", params=["computes the models", OTHER])
def gateway(
    request: pytest.FixtureRequest, shared_models: ModelsFolder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    logs = tmp_path_factory.mktemp("logs")
    with contextlib.ExitStack() as stack:
        options = in_process(shared_models)
        if request.param == "asks a model server":
            server = ModelServer(shared_models, logs / "server.log")
            stack.enter_context(stopped_at_the_end(server))
            options = with_model_server(f"127.0.0.1:{server.port}")
        gateway = Gateway(shared_models, logs / "gateway.log", *options)
        stack.enter_context(stopped_at_the_end(gateway))
        gateway.wait_until_ready()
        yield gateway


@pytest.fixture
def load_told(request: pytest.FixtureRequest, gateway: Gateway) -> str:
    return f"8 callers, gateway that {request.node.callspec.params['gateway']}"


def test_new_versions_lose_nothing_and_each_answers_by_its_own_contract(
    gateway: Gateway, shared_models: ModelsFolder, whole: bool, record: Record, load_told: str
) -> None:
    count = 15 if whole else 2
    with gateway.load() as load:
        load.wait_for("right")
        for _ in range(count):
            newest = shared_models.publish()
            load.go_on(TWO_SECONDS)
        gateway.wait_until_ready(newest)
        figures = load.recovered(time.monotonic())

    record(load_told, f"a new version every 2 s, {count} in all", figures, told=load.told())
    assert figures.refused == 0, load.told()


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_version_changes_nothing(
    gateway: Gateway, shared_models: ModelsFolder, bad: str, whole: bool, record: Record, load_told: str
) -> None:
    if not (whole or bad in SLICE):
        pytest.skip("only `make reliability` runs it")
    if bad == BESIDE_THE_GRAPH and "asks" in load_told:
        pytest.skip("a model server reads nothing but the graph")
    with gateway.load() as load:
        load.wait_for("right")
        spoiled = shared_models.put(shared_models.newest + 1, BAD[bad])
        load.go_on(TWO_SECONDS)
        shutil.rmtree(spoiled)
        ended = time.monotonic()
        load.go_on(1)
        figures = load.recovered(ended)
        versions = gateway.stack.get(f"/models/{MODEL}").json()["versions"]

    record(load_told, f"a bad version: {bad}", figures, told=load.told())
    assert figures.refused == 0, load.told()
    assert set(versions) <= shared_models.truth.published


@pytest.mark.whole_suite
def test_a_good_version_answers_behind_any_number_of_bad_ones(
    models: ModelsFolder, tmp_path: Path, record: Record
) -> None:
    gateway = Gateway(models, tmp_path / "gateway.log", *in_process(models))
    with stopped_at_the_end(gateway):
        gateway.wait_until_ready()
        with gateway.load() as load:
            load.wait_for("right")
            for number, bad in enumerate(BAD, 2):
                models.put(number, BAD[bad])
                load.go_on(TWO_SECONDS / 2)
            before = gateway.workers
            os.kill(before[-1], signal.SIGKILL)  # the next one starts behind them
            gateway.stack.wait_until(lambda: len({*gateway.workers} - {*before}) == 1)
            ended = time.monotonic()
            gateway.wait_until_ready(1)
            figures = load.recovered(ended)

    fault = f"{len(BAD)} bad versions in a row, then a worker killed"
    record("8 callers, gateway that computes the models", fault, figures, lost=CALLERS, told=load.told())
    assert figures.refused == 0, load.told()
