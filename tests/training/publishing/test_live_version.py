import dataclasses
import shutil

import numpy as np
import pytest

from serving.contract import Answers
from serving.contract.heads import Labels, Value
from serving.registry.versions import Version
from training.jobs.training_job import Job, train
from training.problem_types import MULTICLASS
from training.publishing.export import export
from training.publishing.live_version import Incomparable, compare_with_live
from training.task import find_task
from training.validation import HoldOut

BAD = Answers.single(Labels(("bad", "positive"), top=2))


def live_of(name, folder):
    """A model trained on its sample and exported as version 7, with the result of its job."""
    job = Job(name, find_task(name), "baseline", folder, None, True, 1, print, protocol=HoldOut(0.2), compares=False)
    result = train(job, job.load())
    export(result.model, result.contract, folder / "7")
    return Version(7, folder / "7", result.contract), result


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    return live_of("sentiment", tmp_path_factory.mktemp("reviews"))


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    return live_of("house_price", tmp_path_factory.mktemp("houses"))


def changed(version, **changes):
    return dataclasses.replace(version, contract=dataclasses.replace(version.contract, **changes))


@pytest.mark.parametrize("kind", ["reviews", "houses"])
def test_the_live_version_answers_the_rows_as_it_answered_its_own_job(request, kind):
    live, result = request.getfixturevalue(kind)

    compared = compare_with_live(live, result.record)

    assert compared.version == 7
    assert compared.rows == len(result.record.test_scores)
    assert compared.live == compared.new == result.contract.evaluation["test"][result.record.metric]
    assert not compared.significant


def test_rows_are_its_own_whatever_data_it_was_measured_on(reviews):
    live, result = reviews
    part = slice(0, 30)
    record = dataclasses.replace(
        result.record,
        test_instances=result.record.test_instances[part],
        test_targets=1 - result.record.test_targets[part],  # what was right is wrong now
        test_scores=1 - result.record.test_scores[part],
    )

    compared = compare_with_live(live, record)

    assert compared.rows == 30
    assert compared.live == pytest.approx(1 - compared.new)


def test_labels_are_compared_by_their_names(reviews):
    live, result = reviews
    record, turned = result.record, Labels(("positive", "negative"), top=2)
    swapped = dataclasses.replace(
        record, test_targets=1 - record.test_targets, test_scores=1 - record.test_scores, head=turned
    )

    assert compare_with_live(live, swapped).live == compare_with_live(live, record).live


def test_a_label_that_the_live_version_does_not_know_is_one_that_it_gets_wrong(reviews):
    live, result = reviews
    names = ("mixed", "negative", "positive")
    targets = np.where(np.arange(len(result.record.test_targets)) < 40, 0, result.record.test_targets + 1)
    record = dataclasses.replace(
        result.record,
        problem=MULTICLASS,
        head=Labels(names, top=3),
        test_targets=targets,
        test_scores=np.eye(3, dtype=np.float32)[targets],
    )

    compared = compare_with_live(live, record)

    right = ((result.record.test_scores[:, 0] >= 0.5) == result.record.test_targets)[40:].sum()
    assert compared.live == right / len(targets)
    assert compared.new == 1


def test_a_field_that_is_new_in_the_data_is_kept_from_the_live_version(houses):
    live, result = houses
    rows = [{**row, "GARDEN": 1.0} for row in result.record.test_instances]
    record = dataclasses.replace(result.record, test_instances=rows)

    assert compare_with_live(live, record).live == result.contract.evaluation["test"]["mae"]


@pytest.mark.parametrize("missing", ["error", "mean"])
def test_fields_that_no_row_has_are_named(houses, missing):
    live, result = houses
    without = [{name: row[name] for name in row if name not in ("RM", "TAX")} for row in result.record.test_instances]
    record = live.contract.record
    fields = {name: dataclasses.replace(encoder, missing=missing) for name, encoder in record.fields.items()}
    filled = changed(live, record=dataclasses.replace(record, fields=fields))

    with pytest.raises(Incomparable, match="requires fields that the test rows lack: 'RM', 'TAX'"):
        compare_with_live(filled, dataclasses.replace(result.record, test_instances=without))


def test_a_row_that_it_can_not_read_is_named(houses):
    live, result = houses
    rows = [*result.record.test_instances]
    rows[60] = {**rows[60], "RM": "six"}

    with pytest.raises(Incomparable, match=r"can't read test row 60: .*RM.*expected a number, got 'six'"):
        compare_with_live(live, dataclasses.replace(result.record, test_instances=rows))


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        ("houses", {"answers": Answers.single(Value("EUR"))}, "answers in the unit 'EUR', not '.1000'"),
        ("houses", {"answers": Answers.single(Labels(("cheap", "dear"), top=2))}, "answers another kind of question"),
        ("reviews", {"problem": "multilabel"}, "answers another kind of question: multilabel, not binary"),
        (
            "reviews",
            {"answers": Answers.single(Labels(("bad", "positive"), top=2))},
            "has labels that the new model lacks: 'bad'",
        ),
    ],
)
def test_a_model_that_answers_another_question_is_not_compared(request, kind, changes, reason):
    live, result = request.getfixturevalue(kind)

    with pytest.raises(Incomparable, match=reason):
        compare_with_live(changed(live, **changes), result.record)


@pytest.mark.parametrize("content", [b"", b"no model"])
def test_a_model_that_can_not_be_loaded_is_not_compared(houses, tmp_path, content):
    live, result = houses
    shutil.copytree(live.path, tmp_path / "7")
    (tmp_path / "7" / "saved_model.pb").write_bytes(content)

    with pytest.raises(Incomparable, match=r"can't be loaded and run here: .+"):
        compare_with_live(dataclasses.replace(live, path=tmp_path / "7"), result.record)


def test_scores_of_another_shape_than_in_its_contract_are_not_compared(reviews):
    live, result = reviews
    output = Labels(("negative", "positive", "mixed"), top=3)
    scores = np.eye(3, dtype=np.float32)[result.record.test_targets]
    record = dataclasses.replace(result.record, problem=MULTICLASS, head=output, test_scores=scores)

    with pytest.raises(Incomparable, match="not of the shape that its contract states"):
        compare_with_live(changed(live, answers=Answers.single(output), problem="multiclass"), record)
