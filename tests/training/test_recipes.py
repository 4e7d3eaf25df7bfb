import pytest

from training.job import Job, run
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
