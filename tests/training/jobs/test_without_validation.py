"""A job that does not validate: it takes a part of the time, and its model is the same."""

import dataclasses
from pathlib import Path

from training.jobs.planned_epochs import planned_epochs, validation_fits
from training.jobs.training_job import Job, train
from training.task import find_task
from training.validation import HoldOut, KFold, NoValidation


def test_the_model_is_the_one_that_a_validated_job_publishes(tmp_path: Path) -> None:
    # Where one fold's features are those of the last training too, as of pictures, its order of rows is another.
    task = find_task("house_price")
    job = Job(
        "house_price",
        task,
        "baseline",
        tmp_path,
        None,
        True,
        1,
        lambda line: None,
        overrides=("epochs=2",),
        compares=False,
    )
    data = job.load()

    validated = train(job, data)
    once = train(dataclasses.replace(job, protocol=NoValidation()), data)

    assert once.contract.provenance["weights_sha256"] == validated.contract.provenance["weights_sha256"]
    assert once.contract.evaluation["test"] == validated.contract.evaluation["test"]
    assert len(validated.record.folds) >= 1
    assert len(once.record.folds) == 0


def test_the_epochs_of_all_fits_are_counted() -> None:
    house, image = find_task("house_price").recipes, find_task("image").recipes
    assert planned_epochs(house["baseline"], [], KFold(4), 404, 1) == 130 * 5
    assert planned_epochs(house["best"], [house["baseline"]], KFold(4), 404, 1) == 150 * 5 + 130 * 4
    assert planned_epochs(image["baseline"], [], HoldOut(), 100, 1) == (4 + 2) * 2
    assert planned_epochs(image["baseline"], [], NoValidation(), 100, 1) == 4 + 2
    frozen = dataclasses.replace(image["baseline"], top_layers=0)
    assert planned_epochs(frozen, [], HoldOut(), 100, 1) == 4 * 2
    assert validation_fits(frozen, HoldOut(), 100, 1) == 1
