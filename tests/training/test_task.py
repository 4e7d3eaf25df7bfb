import dataclasses

import pytest

from training.errors import BadRequest
from training.job import Job, train
from training.task import find_task

NOTES = ("Made up.", "Not for use.")


def test_another_data_set_is_another_task_under_the_same_name():
    task = find_task("house_price")
    california = task.on("california")

    assert task.on(None) is task
    assert california.recipes.keys() == task.recipes.keys()
    assert "MedInc" in california.load_sample().train.instances[0]
    with pytest.raises(BadRequest, match="no other data set 'boston'; there are california"):
        task.on("boston")
    with pytest.raises(BadRequest, match="no other data set 'x'; there are none"):
        find_task("digits").on("x")


@pytest.mark.parametrize(
    ("dataset", "overrides", "fields"),
    [
        (None, (), 12),
        (None, ("without=",), 13),
        ("california", (), 8),
    ],
)
def test_what_is_known_of_the_data_goes_with_the_model(dataset, overrides, fields, tmp_path):
    task = find_task("house_price").on(dataset)
    sample = dataclasses.replace(task.load_sample(), notes=NOTES)
    task = dataclasses.replace(task, load_sample=lambda: sample)
    overrides = (*overrides, "epochs=1")
    job = Job("house_price", task, "best", tmp_path, None, True, 1, print, overrides)
    result = train(job, job.load())

    assert tuple(result.record.notes) == NOTES
    assert tuple(result.contract.provenance["notes"]) == NOTES
    assert len(result.contract.preprocessor.fields) == fields
    assert all(len(example.instance) == fields for example in result.contract.examples)
