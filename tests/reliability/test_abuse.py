"""What callers get while others abuse the gateway, and what these get."""

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.attacks import PICTURES, dripping, flood, floods, idle
from tests.reliability.conftest import Record
from tests.reliability.servers import WORKERS, Gateway, stopped_at_the_end
from tests.reliability.versions import MODEL, ModelsFolder
from tests.serving.contracts import image_contract

LOAD = "8 callers, gateway that computes two models"
REFUSED = {400, 404, 405, 408, 411, 413, 414, 415, 422, 429, 431, 501, 503}
CLOSED = 0
MAX_MEGABYTES = 700
FLOODS = floods()


@pytest.fixture(scope="module")
def gateway(shared_models: ModelsFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that has a model of pictures, too."""
    from tests.serving.saved_models import write_saved_model  # brings TensorFlow

    contract = image_contract(PICTURES)
    write_saved_model(shared_models.path / PICTURES / "1", contract, contract.to_json())
    options = ("--models-dir", str(shared_models.path), "--models", f"{MODEL},{PICTURES}")
    server = Gateway(shared_models, tmp_path_factory.mktemp("gateway") / "gateway.log", *options)
    with stopped_at_the_end(server):
        server.wait_until_ready()
        server.stack.wait_for("/readyz", lambda reply: reply.status == 200)
        yield server


@pytest.mark.parametrize("attack", FLOODS)
def test_a_flood_is_refused_and_others_are_answered(gateway: Gateway, attack: str, whole: bool, record: Record) -> None:
    workers = gateway.workers
    with gateway.load() as load:
        load.wait_for("right")
        statuses = flood(gateway.port, FLOODS[attack], 5.0 if whole else 0.0)
        figures = load.recovered(time.monotonic(), 1.0 if whole else 0.2)

    fault = f"flood by 8 others: {attack}"
    record(LOAD, fault, figures, told=load.told())
    assert figures.refused == 0, load.told()
    assert set(statuses) <= REFUSED | {CLOSED}, statuses
    assert gateway.workers == workers
    assert max(map(_megabytes, workers)) < MAX_MEGABYTES
    assert "Traceback" not in gateway.log.read_text()


@pytest.mark.whole_suite
@pytest.mark.parametrize(("hold", "count"), [(idle, 2000), (dripping, 200)], ids=["idle", "dripping"])
def test_connections_that_send_nothing_whole_cost_others_nothing(
    gateway: Gateway, hold, count: int, record: Record
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    try:
        with gateway.load() as load:
            load.wait_for("right")
            with hold(gateway.port, count):
                load.go_on(10.0)
                assert gateway.stack.get("/healthz").status == 200
            figures = load.recovered(time.monotonic())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    record(LOAD, f"{count} connections, {hold.__name__}", figures, told=load.told())
    assert figures.refused == 0, load.told()
    assert len(gateway.workers) == WORKERS


def _megabytes(pid: int) -> float:
    """Return the most memory that a process ever had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
