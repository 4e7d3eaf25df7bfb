"""What callers get while a gateway has no descriptor or no memory left, and while the clock jumps."""

import contextlib
import os
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.cgroups import memory_group
from tests.reliability.conftest import Record
from tests.reliability.load import CALLERS
from tests.reliability.servers import WORKERS, Gateway, in_process, stopped_at_the_end
from tests.reliability.versions import MODEL, ModelsFolder

LOAD = "8 callers, gateway that computes the models"
DAY = 24 * 3600
FAKETIME = [*Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]
MEGABYTE = 2**20


@pytest.mark.whole_suite
def test_callers_with_a_connection_do_not_notice_that_descriptors_are_used_up(
    gateway: Gateway, seconds: float, record: Record
) -> None:
    with gateway.load() as load, contextlib.ExitStack() as idle:
        load.wait_for("right")
        former = [_limit_descriptors(pid, more=4) for pid in gateway.workers]
        for _ in range(40):
            idle.enter_context(socket.create_connection(("127.0.0.1", gateway.port)))
        load.go_on(seconds)
        for pid, limit in zip(gateway.workers, former, strict=True):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
        idle.close()
        ended = time.monotonic()
        gateway.wait_until_ready()
        figures = load.recovered(ended)

    record(LOAD, "no descriptor left (RLIMIT_NOFILE), 40 idle connections more", figures, told=load.told())
    assert figures.refused == 0, load.told()
    assert len(gateway.workers) == WORKERS


def _limit_descriptors(pid: int, more: int) -> tuple[int, int]:
    """Let a process open few *more*; return its former limits."""
    used = max(int(name) for name in os.listdir(f"/proc/{pid}/fd")) + 1
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    return resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + more, hard))


@pytest.mark.whole_suite
def test_a_worker_that_exceeds_its_memory_is_replaced(models: ModelsFolder, tmp_path: Path, record: Record) -> None:
    with memory_group() as group:
        gateway = Gateway(models, tmp_path / "gateway.log", *in_process(models))
        group.add(gateway.pid)
        with stopped_at_the_end(gateway):
            gateway.wait_until_ready()
            with gateway.load() as load:
                load.wait_for("right")
                group.limit(group.used() + 12 * MEGABYTE)
                before, kills = gateway.workers, 0
                for _ in range(8):  # each within the limits of a request
                    with contextlib.suppress(OSError):
                        gateway.stack.post(f"/predict/{MODEL}", b'{"rooms": "' + b"9" * (15 * MEGABYTE) + b'"}')
                kills = group.kills()
                group.limit(group.used() + 2**30)
                ended = time.monotonic()
                gateway.wait_until_ready()
                figures = load.recovered(ended)
            is_alive = gateway.popen.poll() is None

    fault = f"memory limit (cgroup), bodies of 15 MB: {kills} processes killed"
    record(LOAD, fault, figures, lost=max(1, kills) * CALLERS, told=load.told())
    assert is_alive
    assert before


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    """The file with the seconds by which a gateway's clock is wrong."""
    (tmp_path / "clock").write_text("+0")
    return tmp_path / "clock"


@pytest.fixture
def timed_gateway(models: ModelsFolder, clock: Path, tmp_path: Path) -> Iterator[Gateway]:
    if not FAKETIME:
        pytest.skip("libfaketime is not installed")
    fake = {"LD_PRELOAD": str(FAKETIME[0]), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_CACHE_DURATION": "1"}
    fake |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}  # the kernel's can't jump either
    gateway = Gateway(models, tmp_path / "gateway.log", *in_process(models), variables=fake)
    with stopped_at_the_end(gateway):
        gateway.wait_until_ready()
        yield gateway


@pytest.mark.whole_suite
def test_a_clock_that_jumps_changes_nothing(
    timed_gateway: Gateway, models: ModelsFolder, clock: Path, seconds: float, record: Record
) -> None:
    with timed_gateway.load() as load:
        load.wait_for("right")
        for offset in (DAY, -DAY, 0):
            clock.write_text(f"{offset:+d}")
            load.go_on(seconds)
            models.publish()
            timed_gateway.wait_until_ready()
        figures = load.recovered(time.monotonic())

    record(LOAD, "clock a day ahead, then a day behind, then right; a version each", figures, told=load.told())
    assert figures.refused == 0, load.told()
