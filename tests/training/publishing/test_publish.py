import threading

import pytest

from serving.contract import Contract
from tests.serving.registry.folders import MODEL, REAL, content, write_version
from training.errors import TrainingError
from training.publishing.publish import CannotPublish, live_contract, publish, versions


def test_versions_count_up_from_the_highest_that_is_there(tmp_path):
    (tmp_path / "m" / "7").mkdir(parents=True)

    assert publish(tmp_path, "m", write_version) == tmp_path / "m" / "8"
    assert versions(tmp_path, "m") == [7, 8]


def test_nothing_is_published_when_writing_fails(tmp_path):
    def fail(folder):
        write_version(folder)
        raise RuntimeError("diverged")

    with pytest.raises(RuntimeError, match="diverged"):
        publish(tmp_path, "m", fail)

    assert versions(tmp_path, "m") == []
    assert [path.name for path in (tmp_path / ".staging").iterdir()] == ["lock"]


def test_a_job_of_an_older_release_is_refused_before_it_trains(tmp_path):
    later = REAL.replace('"schema": 2', '"schema": 3', 1)
    publish(tmp_path, MODEL, lambda folder: write_version(folder, document=later))

    for attempt in (live_contract, lambda *place: publish(*place, write_version)):
        with pytest.raises(TrainingError, match="version 1 was published by a later release") as refused:
            attempt(tmp_path, MODEL)
        assert refused.value.exit_code == 3
    assert versions(tmp_path, MODEL) == [1]


def test_an_unfinished_version_is_never_under_the_models_folder(tmp_path):
    def look(folder):
        write_version(folder)
        assert versions(tmp_path, "m") == []

    publish(tmp_path, "m", look)


def test_two_jobs_at_once_take_two_numbers(tmp_path):
    barrier = threading.Barrier(4)

    def write_together(folder):
        write_version(folder)
        barrier.wait(timeout=10)

    threads = [threading.Thread(target=publish, args=(tmp_path, "m", write_together)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert versions(tmp_path, "m") == [1, 2, 3, 4]


def test_of_two_jobs_that_end_together_the_second_is_judged_by_the_first(tmp_path):
    """Neither may slip past the other: the last look is taken under the lock."""
    barrier = threading.Barrier(2)
    refused = []

    def write_together(folder):
        write_version(folder)
        barrier.wait(timeout=10)

    def only_the_first(live):
        if live:
            raise TrainingError("not better than the live version")

    def job():
        try:
            publish(tmp_path, MODEL, write_together, only_the_first)
        except TrainingError as error:
            refused.append(error)

    threads = [threading.Thread(target=job) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert versions(tmp_path, MODEL) == [1]
    assert len(refused) == 1


def test_the_live_contract_is_the_newest_that_can_be_read(tmp_path):
    assert live_contract(tmp_path, MODEL) is None
    publish(tmp_path, MODEL, write_version)
    publish(tmp_path, MODEL, lambda folder: write_version(folder, document="{"))

    live = live_contract(tmp_path, MODEL)
    assert isinstance(live, Contract)
    assert live.to_json() == REAL


def test_a_folder_that_can_t_be_written_is_an_error_of_the_job(tmp_path):
    (tmp_path / "models").touch()

    with pytest.raises(CannotPublish, match=r"house_price: can't publish to .*/models: .*Not a directory"):
        publish(tmp_path / "models", MODEL, write_version)


def test_a_full_disc_is_an_error_of_the_job(tmp_path):
    def fail(folder):
        raise OSError(28, "No space left on device")

    with pytest.raises(CannotPublish, match="No space left on device"):
        publish(tmp_path, MODEL, fail)


def test_a_spoilt_record_of_numbers_is_an_error_of_the_job(tmp_path):
    (tmp_path / MODEL).mkdir()
    (tmp_path / MODEL / ".highest_version").write_text("many")

    with pytest.raises(CannotPublish, match="got 'many'"):
        publish(tmp_path, MODEL, write_version)


def test_other_entries_are_no_versions(tmp_path):
    for name in ("abc", "8.tmp", ".highest_version", "12"):
        (tmp_path / "m" / name).mkdir(parents=True)

    assert versions(tmp_path, "m") == [12]


def test_what_was_written_is_what_is_published(tmp_path):
    publish(tmp_path, MODEL, lambda folder: write_version(folder, "whole"))

    assert content(tmp_path, 1) == "whole"
