"""A task that asks several questions, from its data to a report and a published version."""

import dataclasses
import json
import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from serving.contract import Contract
from serving.contract.encoders import Number
from serving.contract.heads import Interval, Labels, TagSet, Value, Values
from serving.registry import live_version
from training.data.datasets import Dataset, Part, named
from training.data.preprocessing import tabular_scaler
from training.data.records import record_fitter
from training.errors import BadRequest
from training.execution.execution import Execution
from training.experiments.evaluation import Experiment
from training.jobs.training_job import Job, run
from training.networks.dense import Dense
from training.networks.ensembles import DenseEnsemble
from training.networks.mixed import Mixed
from training.problem_types import MULTICLASS, MULTILABEL, QUANTILES, REGRESSION, UNIT_REGRESSION, VALUES
from training.publishing.gate import GateRefused
from training.runs.comparison import compare
from training.runs.finding import find
from training.task import Question, Task
from training.validation import HoldOut

HEADS = {
    "kind": Question(MULTICLASS, lambda data: Labels(("x", "y", "z"), top=2)),
    "mass": Question(REGRESSION, lambda data: Value("g")),
    "marks": Question(MULTILABEL, lambda data: TagSet(("t", "u"), (0.5, 0.5))),
    "range": Question(QUANTILES, lambda data: Interval("m", 0.9)),
    "sizes": Question(VALUES, lambda data: Values(("w", "h"), ("mm", "um"))),
    "share": Question(UNIT_REGRESSION, lambda data: Value("", 0.0, 1.0)),
}


def part(rows: int, seed: int) -> Part:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    targets = {
        "kind": (x[:, 0] > 0).astype(int) + (x[:, 1] > 0),
        "mass": 4000 + 500 * x[:, 0],
        "marks": (x[:, :2] > 0.8).astype(int),
        "range": 10 + 2 * x[:, 3] + rng.normal(size=rows).astype(np.float32),
        "sizes": np.stack([x[:, 0] * 3, x[:, 1] * 1000], axis=1),
        "share": 1 / (1 + np.exp(-x[:, 2])),
    }
    return Part(named(x, "abcd"), targets)


def data(name: str = "toy", **changes: np.ndarray) -> Dataset:
    train, test = part(400, 1), part(200, 2)
    return Dataset(name, dataclasses.replace(train, targets={**train.targets, **changes}), test)


def task(**changes) -> Task:
    recipe = {"best": Dense(epochs=20, batch_size=16)}
    return Task(
        **{
            "heads": HEADS,
            "load": lambda data_dir: data(),
            "load_sample": data,
            "fit": tabular_scaler,
            "protocol": HoldOut(0.3),
            "recipes": recipe,
            "sample_recipes": recipe,
            **changes,
        }
    )


def job(folder: Path, asked: Task, **changes) -> Job:
    return Job("toy", asked, "best", folder / "models", None, False, 1, print, **changes)


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    rows = len(data().test)
    rivals = {"all zeros": np.zeros((rows, 3)), "by head": {"mass": np.full((rows, 1), 4000.0)}}
    first = job(folder, task(rivals=lambda data: rivals), reports_dir=folder / "reports")
    assert run(first) == folder / "models" / "toy" / "1"
    return folder


@pytest.fixture(scope="module")
def contract(published) -> Contract:
    return live_version(published / "models", "toy").contract


def test_every_head_has_its_output_and_what_was_chosen_or_measured_for_it(contract):
    heads = contract.answers.heads

    assert (contract.problem, [*heads], [*contract.answers.outputs.values()]) == ("multi_output", [*HEADS], [*HEADS])
    assert heads["marks"].thresholds != (0.5, 0.5)
    assert heads["range"].coverage == pytest.approx(0.9, abs=0.12)
    assert contract.evaluation["metric"] == "accuracy"
    assert [*contract.evaluation["heads"]] == [*HEADS][1:]
    for name, measured in contract.evaluation["heads"].items():
        metric, better = measured["metric"], 1 if HEADS[name].problem.higher_is_better else -1
        assert better * measured["test"][metric] > better * measured["baseline"][metric], name


def test_the_scale_of_one_head_does_not_drown_another(contract):
    measured = contract.evaluation

    assert measured["test"]["accuracy"] > 0.85
    assert measured["heads"]["mass"]["test"]["mae"] < 60  # g, of a standard deviation of 500
    assert measured["heads"]["sizes"]["test"]["r2"] > 0.97
    assert measured["heads"]["share"]["test"]["mae"] < 0.05


def test_the_report_has_a_section_for_each_head(published):
    (folder,) = (published / "reports" / "toy").iterdir()
    page = (folder / "report.html").read_text("utf-8")
    document = json.loads((folder / "metrics.json").read_text("utf-8"))

    assert all(f"Head {name}" in page for name in [*HEADS][1:])
    assert "accuracy of kind by epoch" in page.lower()
    assert document["metric"] == "accuracy"
    assert document["heads"]["range"]["test"]["coverage"] == pytest.approx(0.9, abs=0.12)


def test_a_run_keeps_what_a_comparison_of_each_head_needs(published):
    found = find(published / "reports", "toy@1")

    result = compare(found, found, 10)

    assert [(head.name, head.why_not) for head in result.heads] == [(name, "") for name in ["", *[*HEADS][1:]]]
    assert {head.tested.rows for head in result.heads} == {len(data().test)}
    assert found.document["code"]["sha256"]


def test_rivals_answer_for_the_heads_that_they_name(published):
    (folder,) = (published / "reports" / "toy").iterdir()
    document = json.loads((folder / "metrics.json").read_text("utf-8"))

    assert [*document["baselines"]] == ["most frequent class", "all zeros"]
    assert [*document["heads"]["mass"]["baselines"]] == ["mean", "by head"]
    assert [*document["heads"]["sizes"]["baselines"]] == ["mean"]
    assert {"compared.svg", "mass-compared.svg"} <= {path.name for path in folder.iterdir()}


def test_a_new_version_is_compared_by_the_main_head(published, contract):
    said = []
    again = dataclasses.replace(job(published, task()), seed=2, say=said.append)

    assert run(again) == published / "models" / "toy" / "2"
    assert any("live version 1 has" in line and "on the same 200 rows" in line for line in said)


def test_heads_may_be_called_like_fields_and_inputs_and_test_rows_have_gaps(tmp_path):
    names = {"answer": "mass", "a": "range", "features": "kind"}
    heads = {name: HEADS[old] for name, old in names.items()}

    def renamed(data_dir: Path | None) -> Dataset:
        whole = data(str(len(list(tmp_path.rglob("saved_model.pb")))))  # other data each time
        parts = [
            Part(
                [{**row, "a": math.nan if number % 9 == 0 else row["a"]} for number, row in enumerate(each.instances)],
                {name: each.targets_of(old) for name, old in names.items()},
            )
            for each in (whole.train, whole.test)
        ]
        return dataclasses.replace(whole, train=parts[0], test=parts[1])

    said = []
    fit = record_fitter({"a": partial(Number.fit, missing="mean"), **dict.fromkeys("bcd", Number.fit)})
    asked = task(heads=heads, load=renamed, fit=fit, recipes={"best": Mixed(epochs=15, batch_size=16)})
    for number in ("1", "2"):
        published = run(
            dataclasses.replace(
                job(tmp_path, asked, reports_dir=tmp_path / "reports"), seed=int(number), say=said.append
            )
        )
        assert published == tmp_path / "models" / "toy" / number

    assert any("live version 1 has" in line and "on the same 200 rows" in line for line in said)
    assert [*live_version(tmp_path / "models", "toy").contract.answers.heads] == [*names]
    assert live_version(tmp_path / "models", "toy").contract.answers.heads["answer"] == Value("g")


def test_a_head_that_has_learned_nothing_is_not_published(tmp_path):
    misleading = 8000 - part(400, 1).targets_of("mass")
    heads = {name: HEADS[name] for name in ("kind", "mass")}
    asked = task(heads=heads, load=lambda data_dir: data("misleading", mass=misleading))

    with pytest.raises(GateRefused, match=r"which must be beaten by the head 'mass'"):
        run(job(tmp_path, asked, reports_dir=tmp_path / "reports"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"heads": {}}, r"expected Task\(problem=..., output=...\), or Task\(heads="),
        ({"problem": MULTICLASS}, r"not both"),
        ({"heads": {"größe": HEADS["mass"]}}, r"head 'größe': expected a name of ASCII letters, digits"),
        ({"heads": {"a b": HEADS["mass"]}}, r"head 'a b': expected a name of ASCII letters, digits"),
    ],
)
def test_a_task_asks_one_question_or_several(changes, message):
    with pytest.raises(BadRequest, match=message):
        task(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"share": np.full(400, 1.5)}, r"target of 'share' of training row 0: expected a number from 0 to 1, got 1\.5"),
        (
            {"sizes": np.zeros(400)},
            r"targets of 'sizes' of the training rows: expected an array \[400, 2\], got \[400\]",
        ),
        ({"kind": np.full(400, 3)}, r"target of 'kind' of training row 0: expected a class from 0 to 2, got 3"),
    ],
)
def test_targets_are_checked_head_by_head(tmp_path, changes, message):
    with pytest.raises(BadRequest, match=message):
        run(job(tmp_path, task(load=lambda data_dir: data(**changes))))


def test_missing_targets_are_named(tmp_path):
    whole = data()
    lacking = dataclasses.replace(whole, train=Part(whole.train.instances, {"kind": whole.train.targets["kind"]}))

    with pytest.raises(BadRequest, match=r"targets: expected some for the head 'mass', got kind"):
        run(job(tmp_path, task(load=lambda data_dir: lacking)))


def test_a_recipe_with_one_output_says_so(tmp_path):
    with pytest.raises(BadRequest, match=r"this recipe answers one question, not 6 \(kind, mass"):
        run(job(tmp_path, task(recipes={"best": DenseEnsemble()})))


def test_a_rival_with_other_scores_than_the_head_has_is_named():
    asked = task(rivals=lambda data: {"odd": np.zeros(len(data.test))})

    with pytest.raises(BadRequest, match=r"rivals: expected scores \[200, 3\] of 'odd' for kind, got \[200\]"):
        Experiment("toy", asked, data(), Execution(), print).rivals("kind")
