"""Which recipe a file gets that names none, by the kinds of fields and the number of rows."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.training.declarations.tables import run_new, write
from training.declarations.task import declared_task
from training.execution.execution import Execution
from training.experiments.evaluation import Experiment
from training.networks.mixed import Mixed
from training.networks.transfer import Transfer


def recipe_of(tmp_path, data, more=""):
    done = run_new(data, "--output", tmp_path / "out.toml", "--force")
    assert done.exit_code == 0, done.output
    path = tmp_path / "out.toml"
    path.write_text(path.read_text("utf-8").replace("[recipe]\n", f"[recipe]\n{more}\n"), "utf-8")
    (found,) = declared_task(path)[1].recipes.values()
    return found


def table(rows):
    rng = np.random.default_rng(1)
    return "x,kind,y\n" + "".join(f"{rng.normal():.4f},{'abc'[row % 3]},{rng.normal():.4f}\n" for row in range(rows))


@pytest.mark.parametrize(("rows", "epochs"), [(100, 100), (7_500, 50), (60_000, 10)])
def test_a_table_gets_wide_and_deep_networks_and_the_fewer_epochs_the_more_rows(tmp_path, rows, epochs):
    recipe = recipe_of(tmp_path, write(tmp_path, "t.csv", table(rows)))

    assert isinstance(recipe, Mixed)
    assert recipe.wide
    assert recipe.members > 1
    assert recipe.epochs == epochs
    assert recipe.patience < epochs


def test_what_the_file_says_goes_before_what_suits(tmp_path):
    more = "wide = false\nmembers = 1\nrate = 0.0\ndecay = 0\nepochs = 7"
    recipe = recipe_of(tmp_path, write(tmp_path, "t.csv", table(100)), more)

    assert (recipe.wide, recipe.members, recipe.rate, recipe.decay, recipe.epochs) == (False, 1, 0.0, 0, 7)


@pytest.mark.parametrize(("categories", "dtype"), [(20, "float32"), (80, "int32")])
def test_many_categories_have_an_embedding_whether_the_file_says_so_or_not(tmp_path, categories, dtype):
    rows = "".join(f"k{row % categories},{row % 7}.5\n" for row in range(800))
    write(tmp_path, "t.csv", f"kind,y\n{rows}")
    path = tmp_path / "t.toml"
    path.write_text('[data]\nfile = "t.csv"\n[target]\ncolumn = "y"\n[fields.kind]\nkind = "category"\n')
    task = declared_task(path)[1]
    data = task.load(None)

    record = task.fit(data, data.train.instances, None)
    ((_, spec),) = record.specs.items()
    assert spec.dtype == dtype


@pytest.mark.parametrize(
    ("targets", "name", "relative"),
    [([1.5, 2.5, 7.25], "Mixed", True), (["up", "down", "up"], "SequenceConvNet", False)],
)
def test_windows_of_a_series_are_relative_where_a_number_is_asked(tmp_path, targets, name, relative):
    rows = [
        {"window": [row * 0.3, None if row % 9 == 4 else 2.0, row % 7 + 0.5], "y": targets[row % 3]}
        for row in range(60)
    ]
    recipe = recipe_of(tmp_path, write(tmp_path, "t.jsonl", "\n".join(map(json.dumps, rows))))

    assert type(recipe).__name__ == name
    assert (recipe.relative, recipe.skip_zeros) == (relative, relative)


@pytest.mark.parametrize(("count", "tuned"), [(30, 0), (90, 9)])
def test_photos_are_fine_tuned_after_the_head_unless_there_are_too_few(tmp_path, count, tuned):
    for label in ("ant", "bee", "crab"):
        (tmp_path / "zoo" / label).mkdir(parents=True)
        for number in range(count // 3):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / "zoo" / label / f"{number}.png")
    recipe = recipe_of(tmp_path, tmp_path / "zoo")

    assert isinstance(recipe, Transfer)
    assert recipe.top_layers == tuned
    assert recipe.head_epochs > 0
    assert not recipe.augmentation.flip  # letters would be other letters
    assert recipe.tuning_rate < recipe.head_rate


def test_a_sum_of_many_categories_and_an_interaction_is_learnt_from_few_rows(tmp_path):
    rng = np.random.default_rng(2)
    effect = rng.normal(size=60) * 3
    rows = [
        {"shop": f"s{shop}", "x": x, "z": z, "price": effect[shop] + 2 * x * (z > 0)}
        for shop, x, z in zip(rng.integers(0, 60, 1200).tolist(), *rng.normal(size=(2, 1200)).tolist(), strict=True)
    ]
    data = write(tmp_path, "t.jsonl", "\n".join(map(json.dumps, rows)))
    recipe_of(tmp_path, data)
    task = declared_task(tmp_path / "out.toml")[1]
    experiment = Experiment("t", task, task.load(None), Execution(seed=1), lambda line: None)
    fitted = experiment.fit(task.recipes["mixed"], experiment.data.train)
    test = experiment.data.test

    error = task.problem.measure(test.targets, fitted.outputs(test.instances)["scores"])
    assert error < 0.25 * np.abs(test.targets - test.targets.mean()).mean()
