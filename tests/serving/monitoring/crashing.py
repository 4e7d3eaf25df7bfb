"""Killed before each of its changes to the disc in turn, the archiving of a worker loses and doubles no count."""

import sys
from pathlib import Path

from serving.monitoring.worker_files import worker_ended
from tests.serving.killing import killed
from tests.serving.monitoring.worker import told, write_worker

COUNTS = {"a_counter_totalm0": 6.0, "a_counter_totalm1": 6.0, "a_histogram_summ0": 6.0, "a_histogram_summ1": 6.0}


def main(folder: Path) -> None:
    calls = 0
    while _killed(folder / str(calls), calls):
        _check(folder / str(calls))
        calls += 1
    assert calls > 10, f"only {calls} changes"
    print(f"killed before each of {calls} changes")


def _killed(folder: Path, calls: int) -> bool:
    folder.mkdir()
    for pid in (1, 2, 3):
        write_worker(folder, pid, series=2)
    worker_ended(folder, 1)
    return killed(lambda: worker_ended(folder, 2), calls)


def _check(folder: Path) -> None:
    def counts() -> dict[str, float]:
        return {name: value for name, value in told(folder).items() if name in COUNTS}

    assert counts() == COUNTS, counts()
    worker_ended(folder, 3)
    worker_ended(folder, 2)
    assert counts() == COUNTS, counts()
    assert len(list(folder.glob("*.db"))) == 2, list(folder.iterdir())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
