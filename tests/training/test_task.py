import dataclasses

import pytest

from training.errors import BadRequest
from training.jobs.training_job import Job, train
from training.task import find_task
from training.validation import NoValidation

NOTES = ("Made up.", "Not for use.")


def test_another_data_set_is_another_task_under_the_same_name():
    task = find_task("house_price")
    california = task.on("california")

    assert task.on(None) is task
    assert california.recipes.keys() == task.recipes.keys()
    assert "MedInc" in california.load_sample().train.instances[0]
    with pytest.raises(BadRequest, match="unknown data set 'boston'; available: california"):
        task.on("boston")
    with pytest.raises(BadRequest, match="unknown data set 'x'; available: none"):
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
    options = {"overrides": (*overrides, "epochs=1"), "protocol": NoValidation(), "compares": False}
    job = Job("house_price", task, "best", tmp_path, None, True, 1, print, **options)
    result = train(job, job.load())

    assert tuple(result.record.notes) == NOTES
    assert tuple(result.contract.provenance["notes"]) == NOTES
    assert len(result.contract.record.fields) == fields
    assert all(len(example.instance) == fields for example in result.contract.examples)


def test_a_sample_is_marked_as_one_whatever_its_author_called_it(tmp_path):
    task = find_task("house_price")
    named = dataclasses.replace(task.load_sample(), name="customers")
    task = dataclasses.replace(task, load=lambda folder: named, load_sample=lambda: named)

    sample, real = (Job("houses", task, "best", tmp_path, None, sample, 1, print).load() for sample in (True, False))
    assert (sample.name, real.name) == ("sample", "customers")


def test_what_may_be_captured_is_said_of_fields_that_there_are(tmp_path):
    task = find_task("house_price")
    wrong = dataclasses.replace(task, capture={"CRIMM": "drop"})

    with pytest.raises(BadRequest, match="houses: capture names 'CRIMM'; expected fields of the data"):
        Job("houses", wrong, "best", tmp_path, None, True, 1, print).load()
    with pytest.raises(BadRequest, match="capture of 'CRIM': expected one of keep, hash, drop, got 'no'"):
        dataclasses.replace(task, capture={"CRIM": "no"})


@pytest.mark.parametrize(
    ("package", "files", "message"),
    [
        ("nopackage", {}, r"--tasks: package 'nopackage' not found, neither installed nor in /"),
        ("lone", {"lone.py": ""}, "--tasks lone: expected a package, which is a folder of modules, got a module"),
        ("empty", {"empty/__init__.py": ""}, "unknown model 'churn'; available: none"),
        ("syntax", {"syntax/churn.py": "x = ("}, r"churn\.py, line 1: SyntaxError"),
        ("lacking", {"lacking/churn.py": "\nimport pandaz"}, r"churn\.py, line 2: can't import 'pandaz'"),
        ("failing", {"failing/churn.py": "1 / 0"}, r"churn\.py, line 1: ZeroDivisionError"),
        ("nothing", {"nothing/churn.py": ""}, r"nothing\.churn: expected TASK = Task\(...\), got NoneType"),
    ],
)
def test_a_task_that_can_not_be_imported_is_an_error_that_names_the_place(
    package, files, message, tmp_path, monkeypatch
):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(BadRequest, match=message):
        find_task("churn", package)
