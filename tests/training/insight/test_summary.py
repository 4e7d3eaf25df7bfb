import math

import numpy as np
import pytest

from serving.contract.heads import Labels, Value
from training.data.datasets import Part
from training.data.instances import Lazy
from training.insight.rows import MOST_PICTURES, Looked, some
from training.insight.summary import summarise

RNG = np.random.default_rng(4)


def part(rows, targets=None, **fields):
    columns = {name: make(rows) for name, make in fields.items()}
    instances = [{name: values[row] for name, values in columns.items()} for row in range(rows)]
    return Part(instances, np.arange(rows) % 2 if targets is None else targets)


def summary(train, test, head=Labels(("no", "yes"), top=2)):  # noqa: B008
    return summarise(train, test, (Looked.at(train, {}), Looked.at(test, {})), head, "answer")


def noise(rows):
    return RNG.normal(size=rows).tolist()


def test_equal_distributions_differ_by_chance_only_and_a_shifted_field_is_found():
    train = part(400, a=noise, b=noise, c=lambda rows: ["x", "y"] * (rows // 2))
    test = part(200, a=noise, b=lambda rows: RNG.normal(1, 1, rows).tolist(), c=lambda rows: ["y", "x"] * (rows // 2))

    told = {each.title: each for each in summary(train, test).fields}

    assert [title for title, each in told.items() if each.differs] == ["b"]
    assert told["b"].p == pytest.approx(2e-4)
    assert (told["c"].names, told["c"].train) == (("x", "y"), (0.5, 0.5))
    assert sum(told["a"].train) == pytest.approx(1)
    assert told["a"].quartiles[2] == pytest.approx(0, abs=0.2)


def test_values_that_are_missing_more_often_are_a_difference():
    train, test = part(200, a=noise), part(100, a=lambda rows: [None] * 20 + noise(rows - 20))

    (field,) = summary(train, test).fields

    assert (field.missing, field.differs) == ((0, 20), True)


def test_rare_names_are_counted_together():
    train = part(40, a=lambda rows: [f"name {row % 20:02}" for row in range(rows)])

    (field,) = summary(train, train).fields

    assert (len(field.names), field.others, len(field.train)) == (10, 10, 11)
    assert field.train[-1] == pytest.approx(0.5)


def test_one_constant_field_is_not_told():
    train = part(40, a=noise, b=lambda rows: [7] * rows)

    assert [each.title for each in summary(train, train).fields] == ["a"]


@pytest.mark.parametrize(
    ("values", "suspect"),
    [
        (lambda rows: [f"code {row % 2}" for row in range(rows)], True),
        (lambda rows: [10.0 + row % 2 + row / 1e6 for row in range(rows)], True),
        (lambda rows: [f"row {row}" for row in range(rows)], False),  # an identifier tells nothing of other rows
        (noise, False),
        (lambda rows: [math.nan] * rows, False),
    ],
)
def test_a_field_that_alone_tells_the_class_is_suspect(values, suspect):
    told = summary(part(200, a=values), part(100, a=lambda rows: values(rows + 200)[200:])).suspects

    assert [each.title for each in told] == ["a"] * suspect


def test_a_field_that_alone_tells_the_number_is_suspect():
    prices = np.abs(RNG.normal(100, 40, 300))
    fields = {"net": lambda rows: (prices[:rows] * 0.8).tolist(), "area": noise}
    train = part(300, prices, **fields)

    (suspect,) = summary(train, part(100, prices[:100], **fields), Value("€")).suspects

    assert suspect.title == "net"
    assert suspect.spares > 0.999


def test_a_field_that_helps_is_not_suspect():
    prices = RNG.normal(100, 40, 300)
    train = part(300, prices, area=lambda rows: (prices + RNG.normal(0, 20, 300))[:rows].tolist())

    assert summary(train, train, Value("€")).suspects == []


def test_test_rows_that_were_trained_on_are_counted():
    train = Part([{"a": 1.0, "b": math.nan}, {"b": "x", "a": 2.0}, {"a": 3.0}], np.array([0, 1, 0]))
    test = Part([{"a": 1.0, "b": math.nan}, {"a": 2.0, "b": "x"}, {"a": 4.0}], np.array([0, 0, 0]))

    told = summary(train, test).twins

    assert (told.tested, told.trained, told.equal, told.otherwise) == (3, 3, 2, 1)


def test_no_more_pictures_are_read_than_the_limit():
    reads = []

    class Photos(Lazy):
        def __len__(self):
            return 5000

        def take(self, rows):
            reads.extend(rows.tolist())
            return [{"image": b"photo %d" % row} for row in rows]

    many = Part(Photos(), np.arange(5000) % 2)
    told = summary(many, part(10, a=noise))

    assert told.looked_at == (MOST_PICTURES, 10)
    assert len(set(reads)) < MOST_PICTURES + 20
    assert some(many).tolist() == some(many).tolist()
