"""How often the features of a row are made: a photo is decoded once for all fits that see the same of it."""

import dataclasses
from pathlib import Path

import pytest

from training.data import features
from training.jobs.training_job import Job, train
from training.task import find_task
from training.validation import HoldOut, KFold


@pytest.fixture
def made(monkeypatch):
    """The number of instances in each piece of which features are made."""
    pieces, read = [], features.read
    monkeypatch.setattr(features, "read", lambda record, rows, *of: pieces.append(len(rows)) or read(record, rows, *of))
    return pieces


def trained(model, protocol):
    task = find_task(model)
    recipe = dataclasses.replace(task.sample_recipes["baseline"], epochs=1)
    task = dataclasses.replace(task, sample_recipes={"baseline": recipe})
    job = Job(model, task, "baseline", Path(), None, True, 1, print, protocol=protocol, compares=False)
    data = job.load()
    return data, train(job, data)


def test_rows_that_each_fit_sees_alike_are_prepared_once(made):
    data, result = trained("digits", HoldOut(0.2))

    assert sum(made) == len(data.train) + len(data.test)
    assert result.record.folds[0].validation_rows == len(data.train) // 5


def test_rows_that_each_fit_scales_otherwise_are_prepared_for_each(made):
    data, _ = trained("house_price", HoldOut(0.2))

    assert sum(made) == 2 * len(data.train) + len(data.test)


def test_the_rows_of_a_fold_are_not_prepared_again_for_its_scores(made):
    data, _ = trained("digits", KFold(2))

    assert sum(made) == (2 + 1) * len(data.train) + len(data.test)
