import dataclasses

import pytest

from training.jobs.training_job import Job, run, train
from training.task import find_task, task_names

OTHERS = [(name, recipe) for name in task_names() for recipe in find_task(name).recipes if recipe != "baseline"]


@pytest.mark.parametrize("name", task_names())
def test_each_recipe_has_a_small_form_for_the_sample(name):
    task = find_task(name)

    assert task.recipes.keys() == task.sample_recipes.keys()


@pytest.mark.parametrize(("name", "recipe"), OTHERS)
def test_each_other_recipe_is_trained_exported_and_replayed(name, recipe, tmp_path):
    published = run(Job(name, find_task(name), recipe, tmp_path, None, True, 1, print))  # raises if parity is broken

    assert (published / "saved_model.pb").exists()


def test_photos_are_learnt_by_transfer_then_by_fine_tuning_unless_another_recipe_is_asked_for(tmp_path):
    task = find_task("image")
    *_, default = task.recipes
    job = Job("image", task, default, tmp_path, None, True, 1, print, compares=False)
    record = train(job, job.load()).record

    for recipes in (task.recipes, task.sample_recipes):
        assert recipes[default].tuning_epochs
        assert recipes[default].top_layers
    assert list(record.final) == list(record.folds[0].stages) == ["frozen base", "fine-tuning"]
    assert record.final["fine-tuning"]["loss"][-1] < record.final["frozen base"]["loss"][-1]
    assert task.problem.measure(record.test_targets, record.test_scores) > 0.9


@pytest.mark.parametrize(
    ("name", "recipe"), [(name, recipe) for name in task_names() for recipe in find_task(name).recipes]
)
def test_the_last_training_takes_the_epochs_of_the_recipe(name, recipe):
    task = find_task(name)
    early = [{"training": {"val_loss": [0.1, 0.2, 0.3]}}]

    for each in (task.recipes[recipe], task.sample_recipes[recipe]):
        assert each.settled(early) == each


@pytest.mark.parametrize("name", ["sentiment", "topic", "house_price", "digits"])
def test_with_patience_the_last_training_takes_the_median_of_the_epochs_that_validated_best(name):
    recipe = dataclasses.replace(find_task(name).recipes["baseline"], patience=5)
    losses = ([0.5, 0.1, 0.3], [0.1, 0.2], [0.4, 0.3, 0.2, 0.1])
    settled = recipe.settled([{"training": {"val_loss": loss}} for loss in losses])

    assert settled == dataclasses.replace(recipe, epochs=2, patience=0)
