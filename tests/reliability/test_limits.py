"""What callers get while a gateway has no descriptor or no memory left, and while the clock jumps."""

import contextlib
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.cgroups import MemoryGroup, memory_group
from tests.reliability.conftest import Record
from tests.reliability.load import CALLERS
from tests.reliability.servers import WORKERS, Gateway, in_process, stopped_at_the_end
from tests.reliability.versions import MODEL, ModelsFolder

LOAD = "8 callers, gateway that computes the models"
DAY = 24 * 3600
WRONG_CLOCK = Path(__file__).with_name("wrong_clock")
MEGABYTE = 2**20
LIMIT = 768 * MEGABYTE
SHARED = Path(f"/dev/shm/plumbline-{os.getpid()}")  # noqa: S108 - memory is what it is for


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
def test_a_worker_without_memory_is_replaced(models: ModelsFolder, tmp_path: Path, record: Record) -> None:
    with memory_group() as group:
        gateway = Gateway(models, tmp_path / "gateway.log", *in_process(models))
        group.add(gateway.pid)
        with stopped_at_the_end(gateway):
            gateway.wait_until_ready()
            group.limit(LIMIT)
            with gateway.load() as load:
                load.wait_for("right")
                with _taken(group, LIMIT - group.used() - 20 * MEGABYTE):
                    for _ in range(4):  # each within the limits of a request
                        with contextlib.suppress(OSError):
                            gateway.stack.post(f"/predict/{MODEL}", b'{"rooms": "' + b"9" * (15 * MEGABYTE) + b'"}')
                ended = time.monotonic()
                gateway.wait_until_ready()
                figures = load.recovered(ended)
            kills, is_alive = group.kills(), gateway.popen.poll() is None

    fault = f"memory of the control group used up: {kills} workers killed"
    record(LOAD, fault, figures, lost=kills * CALLERS, told=load.told())
    assert kills, "the limit was not reached"
    assert is_alive


@contextlib.contextmanager
def _taken(group: MemoryGroup, size: int) -> Iterator[None]:
    """Take *size* bytes of the group's memory, by a file in memory that belongs to no process."""
    code = f"input(); file = open({str(SHARED)!r}, 'wb'); [file.write(bytes(2**20)) for _ in range({size // 2**20})]"
    try:
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as writer:
            group.add(writer.pid)
            writer.communicate(b"\n")
        yield
    finally:
        SHARED.unlink(missing_ok=True)


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    """The file with the seconds by which a gateway's clock is wrong."""
    (tmp_path / "clock").write_text("0")
    return tmp_path / "clock"


@pytest.fixture
def timed_gateway(models: ModelsFolder, clock: Path, tmp_path: Path) -> Iterator[Gateway]:
    wrong = {"PYTHONPATH": str(WRONG_CLOCK), "WRONG_CLOCK": str(clock)}
    gateway = Gateway(models, tmp_path / "gateway.log", *in_process(models), variables=wrong)
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
            clock.write_text(str(offset))
            load.go_on(seconds)
            models.publish()
            timed_gateway.wait_until_ready()
        figures = load.recovered(time.monotonic())

    record(LOAD, "Python's clock a day ahead, then a day behind, then right; a version each", figures, told=load.told())
    assert figures.refused == 0, load.told()
