import dataclasses
import functools
from pathlib import Path

import pytest

from training.jobs.training_job import Job, train
from training.publishing.export import export
from training.task import find_task, task_names
from training.validation import HoldOut, NoValidation

OTHERS = [(name, recipe) for name in task_names() for recipe in find_task(name).recipes if recipe != "baseline"]
*_, PHOTOS = find_task("image").recipes


@pytest.mark.parametrize("name", task_names())
def test_each_recipe_has_a_small_variant_for_the_sample(name):
    task = find_task(name)

    assert task.recipes.keys() == task.sample_recipes.keys()


@functools.cache
def trained(name, recipe):
    """The result of training a recipe on its sample; the default for photos is validated, too."""
    protocol = HoldOut(0.2) if (name, recipe) == ("image", PHOTOS) else NoValidation()
    job = Job(name, find_task(name), recipe, Path(), None, True, 1, print, protocol=protocol, compares=False)
    return train(job, job.load())


@pytest.mark.parametrize(("name", "recipe"), OTHERS)
def test_each_other_recipe_is_trained_exported_and_replayed(name, recipe, tmp_path):
    result = trained(name, recipe)
    assert result.lite, result.record.lite
    export(result.model, result.contract, tmp_path / "1")  # raises if parity is broken

    assert (tmp_path / "1" / "saved_model.pb").exists()


def test_the_plainer_recipes_are_validated_on_the_same_folds(tmp_path):
    sentiment = find_task("sentiment").sample_recipes
    recipes = {name: dataclasses.replace(sentiment["baseline"], epochs=1) for name in ("plain", "better", "best")}
    task = dataclasses.replace(find_task("sentiment"), sample_recipes=recipes)
    job = Job("sentiment", task, "better", tmp_path, None, True, 1, print)
    record = train(job, job.load()).record

    (fold,), (compared,) = record.folds, record.compared["plain"]
    assert record.compared.keys() == {"plain"}
    assert (compared.train_rows, compared.validation_rows) == (fold.train_rows, fold.validation_rows)
    assert dataclasses.replace(job, compares=False).plainer_recipes() == {}


def test_photos_are_learned_by_transfer_then_by_fine_tuning_by_default():
    task, default = find_task("image"), PHOTOS
    record = trained("image", default).record

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
