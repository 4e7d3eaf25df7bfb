"""Counts of workers that are real processes, with the files that prometheus_client gives them."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from serving.monitoring.worker_files import wipe, worker_ended
from tests.serving.fake_model_server import wait_until
from tests.serving.monitoring.worker import told, write_worker

WORKER = """
from prometheus_client import Counter, Gauge, Histogram
Counter("done", "Done.", ["model"]).labels("digits").inc(3)
Histogram("took_seconds", "Time.", buckets=(0.1, 1.0)).observe(0.5)
Gauge("alive", "Alive.", multiprocess_mode="livesum").set(1)
"""


def run_worker(folder: Path) -> int:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    process = subprocess.Popen([sys.executable, "-c", WORKER], env=environment)
    assert process.wait() == 0
    return process.pid


def test_counts_of_ended_workers_stay_and_their_gauges_go(tmp_path: Path) -> None:
    first, second = run_worker(tmp_path), run_worker(tmp_path)
    both = told(tmp_path)
    assert both["done_totaldigits"] == 6
    assert both["took_seconds_bucket1.0"] == 2
    assert both["alive"] == 2
    worker_ended(tmp_path, first)
    assert told(tmp_path) == {**both, "alive": 1}
    worker_ended(tmp_path, second)
    assert told(tmp_path) == {name: value for name, value in both.items() if name != "alive"}
    assert {file.name for file in tmp_path.iterdir()} == {
        "archive.json",
        "counter_archive-2.db",
        "histogram_archive-2.db",
    }


def test_a_workers_number_may_come_again(tmp_path: Path) -> None:
    for _ in range(3):
        write_worker(tmp_path, 7)
        worker_ended(tmp_path, 7)
    write_worker(tmp_path, 7)
    assert told(tmp_path)["a_counter_totalm0"] == 8


def test_a_worker_that_was_killed_as_it_began_is_no_trouble(tmp_path: Path) -> None:
    write_worker(tmp_path, 1)
    for name in ("counter_2.db", "histogram_2.db", "gauge_livesum_2.db"):
        (tmp_path / name).touch()
    before = told(tmp_path)
    assert before["a_counter_totalm0"] == 2
    worker_ended(tmp_path, 2)
    assert told(tmp_path) == before
    worker_ended(tmp_path, 1)
    assert told(tmp_path)["a_counter_totalm0"] == 2


def test_a_worker_that_counted_nothing_is_no_trouble(tmp_path: Path) -> None:
    worker_ended(tmp_path, 7)
    assert list(tmp_path.iterdir()) == []


def test_200_restarts_leave_as_many_files_and_samples_as_one(tmp_path: Path) -> None:
    """So a scrape takes as long as before them: it reads these files, and adds up what is in them."""
    for pid in range(1, 201):
        write_worker(tmp_path, pid, series=50)
        if pid > 2:
            worker_ended(tmp_path, pid - 2)
    assert told(tmp_path)["a_counter_totalm49"] == 400
    files = sorted(tmp_path.glob("*.db"))
    assert len(files) == 2 * 3 + 2
    entries = [len(list(MmapedDict.read_all_values_from_file(str(file)))) for file in files]
    assert max(entries) == 50
    assert sum(file.stat().st_size for file in files) < 1_000_000


def test_wiping_leaves_nothing(tmp_path: Path) -> None:
    write_worker(tmp_path, 1)
    worker_ended(tmp_path, 1)
    wipe(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_kill_at_any_moment_loses_and_doubles_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.serving.monitoring.crashing", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_who_reads_while_workers_end_sees_counts_that_only_grow(tmp_path: Path) -> None:
    done = threading.Event()
    seen: list[float] = []

    def scrape() -> None:
        while not done.is_set():
            seen.append(told(tmp_path).get("a_counter_totalm0", 0.0))

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        for pid in range(1, 61):
            write_worker(tmp_path, pid)
            before = len(seen)
            worker_ended(tmp_path, pid)
            wait_until(lambda: len(seen) > before)  # noqa: B023 - called at once
    finally:
        done.set()
        thread.join()
    assert seen == sorted(seen)
    assert len({*seen}) > 30
    assert told(tmp_path)["a_counter_totalm0"] == 120
