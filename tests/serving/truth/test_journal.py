"""What is synced to a journal is in a part, whatever happens to the process."""

import errno
import gzip
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from serving.captures import parts_in
from serving.truth.journal import Journal, recover

KILLED = """
import os, pathlib, signal, sys
from serving.truth.journal import Journal
journal = Journal(pathlib.Path(sys.argv[1]), "m")
journal.append(b"one\\n")
journal.append(b"two\\n")
os.write(journal._file, b"cut o")
os.kill(os.getpid(), signal.SIGKILL)
"""


def lines(folder: Path) -> list[bytes]:
    parts = [path for path, _ in parts_in(str(folder), "m", "feedback")]
    return [line for path in parts for line in gzip.decompress(Path(path).read_bytes()).splitlines()]


def hidden(folder: Path) -> list[Path]:
    return [*folder.glob("**/.*")]


def test_a_journal_becomes_a_part(tmp_path) -> None:
    journal = Journal(tmp_path, "m")
    journal.append(b"one\n")
    journal.append(b"two\n")
    before = parts_in(str(tmp_path), "m", "feedback")

    journal.finish()

    assert before == []
    assert (lines(tmp_path), hidden(tmp_path)) == ([b"one", b"two"], [])


def test_lines_are_not_taken_into_a_journal_that_somebody_has_removed(tmp_path) -> None:
    journal = Journal(tmp_path, "m")
    journal.append(b"one\n")
    shutil.rmtree(tmp_path / "m")

    with pytest.raises(FileNotFoundError, match=r"somebody has removed the journal: '.*m/feedback"):
        journal.append(b"two\n")


def test_an_empty_journal_leaves_nothing(tmp_path) -> None:
    Journal(tmp_path, "m").finish()

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_journal_of_a_killed_process_is_found_with_its_whole_lines(tmp_path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)])

    assert killed.returncode == -signal.SIGKILL
    assert recover(tmp_path) == 1
    assert (lines(tmp_path), hidden(tmp_path)) == ([b"one", b"two"], [])
    assert recover(tmp_path) == 0


def test_the_journal_of_a_process_that_runs_is_left_alone(tmp_path) -> None:
    journal = Journal(tmp_path, "m")
    journal.append(b"one\n")

    assert recover(tmp_path) == 0
    journal.append(b"two\n")
    journal.finish()
    assert lines(tmp_path) == [b"one", b"two"]


def test_a_part_that_was_made_before_a_crash_is_made_again_alike(tmp_path) -> None:
    journal = Journal(tmp_path, "m")
    journal.append(b"one\n")
    (left,) = hidden(tmp_path)
    kept = left.read_bytes()
    journal.finish()
    left.write_bytes(kept)  # as if it had been killed before it removed it

    assert recover(tmp_path) == 1
    assert (lines(tmp_path), hidden(tmp_path)) == ([b"one"], [])


def test_what_a_full_disk_cut_off_is_taken_back(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    journal = Journal(tmp_path, "m")
    journal.append(b"one\n")

    def fills_up(file: int, data: bytes) -> int:
        if len(data) < 8:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[:5])

    monkeypatch.setattr(os, "write", fills_up)
    with pytest.raises(OSError, match="No space left"):
        journal.append(b"is cut off\n")
    monkeypatch.undo()
    journal.append(b"two\n")
    journal.finish()

    assert lines(tmp_path) == [b"one", b"two"]
