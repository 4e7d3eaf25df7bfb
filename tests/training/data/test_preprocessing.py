from types import SimpleNamespace

import numpy as np
import pytest

from serving.contract import Record
from serving.contract.encoders import Number
from training.data.datasets import Dataset, Part
from training.data.features import prepare
from training.data.preprocessing import photo_resizer, tabular_scaler, text_vectorizer
from training.data.samples import house_prices
from training.errors import BadRequest, UnusableData
from training.networks.dense import Dense
from training.networks.ensembles import DenseEnsemble

DATA = house_prices()


@pytest.mark.parametrize("recipe", [DenseEnsemble, Dense])
def test_a_field_that_the_recipe_leaves_out_is_no_field_of_the_instance(recipe):
    settings = {"epochs": 1, "batch_size": 1}
    everything = tabular_scaler(DATA, DATA.train.instances, recipe(**settings))
    fewer = tabular_scaler(DATA, DATA.train.instances, recipe(**settings, without=("B", "CHAS")))

    assert [name for name in everything.fields if name not in fewer.fields] == ["CHAS", "B"]
    assert fewer.specs["features"].shape == (None, 11)


def test_a_field_to_leave_out_must_be_there_and_one_must_remain():
    with pytest.raises(BadRequest, match="without: unknown field ROOMS; available: CRIM, ZN"):
        tabular_scaler(DATA, DATA.train.instances, DenseEnsemble(without=("ROOMS", "B")))
    with pytest.raises(BadRequest, match="no field remains"):
        tabular_scaler(DATA, DATA.train.instances, DenseEnsemble(without=tuple(DATA.train.instances[0])))


@pytest.mark.parametrize("value", ["Torgersen", True, [1.0]])
def test_a_row_that_is_not_all_numbers_is_named(value):
    rows = [{"island": 1.0, "mass": 2.0}, {"island": value, "mass": 3.0}]

    with pytest.raises(UnusableData, match=r"row 1 of the data: island: expected a .*number"):
        tabular_scaler(DATA, rows, Dense(epochs=1, batch_size=1))


def test_of_what_is_prepared_the_row_is_named():
    record = Record.packed({"mass": Number.fit([0.0, 2.0])}, "features")

    with pytest.raises(UnusableData, match="row 600 of the data: mass: expected a number, got 'x'"):
        prepare(record, [{"mass": 1.0}] * 600 + [{"mass": "x"}])


def test_a_text_that_is_none_is_named():
    part = Part([{"text": "good"}, {"text": None}], np.array([0, 1]))

    with pytest.raises(UnusableData, match="row 1 of the data: text: expected a string, got nothing"):
        text_vectorizer(Dataset("x", part, part), part.instances, SimpleNamespace(num_words=9, length=3))


def test_sizes_of_nothing_are_refused():
    with pytest.raises(BadRequest, match="num_words must be at least 1, got 0"):
        text_vectorizer(DATA, [], SimpleNamespace(num_words=0, length=3))
    with pytest.raises(BadRequest, match="height must be at least 1, got 0"):
        photo_resizer(DATA, [], SimpleNamespace(height=0, width=3))
