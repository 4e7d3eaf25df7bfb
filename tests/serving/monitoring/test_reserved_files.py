"""Files of metrics on a disk that is full: nothing ends, and what had a place stays exact."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.monitoring import reserved_files
from serving.monitoring.reserved_files import ReservedFile
from serving.monitoring.worker_files import worker_ended
from tests.serving.monitoring.worker import told, write_worker
from tests.serving.small_disk import fill, small_disk

LIMITED = """
from prometheus_client import Counter
from serving.monitoring.reserved_files import use_reserved_files

use_reserved_files()
counter = Counter("done", "Done.", ["model"])
for number in range(2000):
    counter.labels(f"m{number}").inc(number)
print(sum(counter.labels(f"m{number}")._value.get() for number in range(2000)))
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as disk:
        yield disk


def test_without_room_values_are_in_memory_and_written_once_there_is(
    disk: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    filler = fill(disk)
    file = ReservedFile(str(disk / "counter_1.db"))
    for value in (1.0, 2.0):
        file.write_value("a", value, 0.0)
    assert (file.read_value("a"), file.unwritten) == ((2.0, 0.0), {"a": (2.0, 0.0)})
    assert [record.message.rpartition("counter_1.db: ")[2] for record in caplog.records] == [
        "No space left on device; the metrics that it has no room for are missing until there is"
    ]

    filler.unlink()
    monkeypatch.setattr(reserved_files.time, "monotonic", lambda: 1e9)
    file.write_value("a", 3.0, 0.0)

    assert (file.read_value("a"), file.unwritten) == ((3.0, 0.0), {})
    file.close()


def test_what_has_a_place_is_still_counted_when_the_disk_is_full(disk: Path) -> None:
    file = ReservedFile(str(disk / "counter_1.db"))
    file.write_value("early", 1.0, 0.0)
    fill(disk)
    for number in range(3000):
        file.write_value(f"late {number}", 1.0, 0.0)
    file.write_value("early", 2.0, 0.0)
    file.close()

    written = {key: value for key, value, *_ in ReservedFile.read_all_values_from_file(str(disk / "counter_1.db"))}
    assert written["early"] == 2.0
    assert 1000 < len(written) < 3000
    assert len(written) + len(file.unwritten) == 3001


def test_a_process_with_too_small_a_limit_of_file_sizes_counts_on(tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-c", LIMITED]
    done = subprocess.run(command, env=environment, preexec_fn=limit, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "1999000.0\n"), done.stderr
    assert done.stderr.count("File too large") == 1


def test_the_counts_of_an_ended_worker_stay_where_they_are_if_there_is_no_room_for_the_archive(disk: Path) -> None:
    write_worker(disk, 1)
    (disk / "gauge_livesum_1.db").unlink()
    before = told(disk)
    filler = fill(disk)

    with pytest.raises(OSError, match="no room to archive the counts of a worker"):
        worker_ended(disk, 1)

    assert told(disk) == before
    filler.unlink()
    worker_ended(disk, 1)
    assert told(disk) == before
