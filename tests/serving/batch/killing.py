"""Killed before each of its changes to the disc in turn, and given again, a run ends with the same bytes.

A program of its own (`python -m`), as forking is safe only where no threads are. Ends with 0 if all is well.
"""

import os
import sys
from pathlib import Path

from tests.serving.batch.conftest import done, houses, write_csv
from tests.serving.contracts import tabular_contract

CHANGES = {"os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir"}
OPTIONS = {"part_rows": 4, "batch_rows": 2}


def main(folder: Path) -> None:
    os.fsync = lambda descriptor: None  # a process that is killed loses nothing that it wrote; this only saves time
    rows = [*houses(10), {"rooms": "none", "age": 1}]
    sources = [write_csv(folder / "in1.csv", rows), write_csv(folder / "in2.csv", houses(3))]
    for ending in ("jsonl.gz", "parquet"):
        _run(sources, folder, f"expected.{ending}")
        expected = _files(folder, f"expected.{ending}")
        changes = 0
        while _killed(sources, folder, f"{changes}.{ending}", changes):
            _run(sources, folder, f"{changes}.{ending}")
            assert _files(folder, f"{changes}.{ending}") == expected, f"killed before change {changes}"
            assert not (folder / f"{changes}.{ending}.parts").exists()
            changes += 1
        assert changes > 20, f"only {changes} changes"
        print(f"{ending}: killed before each of {changes} changes")


def _run(sources: list[Path], folder: Path, output: str) -> None:
    done(folder, tabular_contract(), sources, output, **OPTIONS)


def _files(folder: Path, output: str) -> list[bytes]:
    return [(folder / output).read_bytes(), (folder / f"{output}.rejects.jsonl").read_bytes()]


def _killed(sources: list[Path], folder: Path, output: str, calls: int) -> bool:
    child = os.fork()
    if not child:
        left = calls

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in CHANGES or (event == "open" and _writes(arguments[2])):
                if not left:
                    os._exit(9)  # nothing is cleaned up, as with SIGKILL
                left -= 1

        sys.addaudithook(count)
        _run(sources, folder, output)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), code
    return code == 9


def _writes(flags: object) -> bool:
    return isinstance(flags, int) and flags & os.O_ACCMODE != os.O_RDONLY


if __name__ == "__main__":
    main(Path(sys.argv[1]))
