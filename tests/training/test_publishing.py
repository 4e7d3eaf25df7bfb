import os
import threading

import pytest

from training.publishing import publish, versions


def write_model(folder):
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text("whole")


def test_versions_count_up_from_the_highest_that_is_there(tmp_path):
    (tmp_path / "m" / "7").mkdir(parents=True)

    assert publish(tmp_path, "m", write_model) == tmp_path / "m" / "8"
    assert versions(tmp_path, "m") == [7, 8]
    assert (tmp_path / "m" / "8" / "saved_model.pb").read_text() == "whole"


def test_nothing_is_published_when_writing_fails(tmp_path):
    def fail(folder):
        write_model(folder)
        raise RuntimeError("disc full")

    with pytest.raises(RuntimeError, match="disc full"):
        publish(tmp_path, "m", fail)

    assert versions(tmp_path, "m") == []
    assert list((tmp_path / ".staging").iterdir()) == []


def test_an_unfinished_version_is_never_under_the_models_folder(tmp_path):
    def look(folder):
        write_model(folder)
        assert versions(tmp_path, "m") == []

    publish(tmp_path, "m", look)


def test_two_jobs_at_once_take_two_numbers(tmp_path):
    barrier = threading.Barrier(4)

    def write_together(folder):
        write_model(folder)
        barrier.wait(timeout=10)

    threads = [threading.Thread(target=publish, args=(tmp_path, "m", write_together)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert versions(tmp_path, "m") == [1, 2, 3, 4]


def test_other_entries_are_no_versions(tmp_path):
    for name in ("abc", "8.tmp", "-1", "12"):
        os.makedirs(tmp_path / "m" / name)

    assert versions(tmp_path, "m") == [12]
