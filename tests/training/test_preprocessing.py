import pytest

from training.ensembles import DenseEnsemble
from training.errors import BadRequest
from training.networks import Dense
from training.preprocessing import tabular_scaler
from training.samples import house_prices

DATA = house_prices()


@pytest.mark.parametrize("recipe", [DenseEnsemble, Dense])
def test_a_field_that_the_recipe_leaves_out_is_no_field_of_the_instance(recipe):
    settings = {"epochs": 1, "batch_size": 1}
    everything = tabular_scaler(DATA, DATA.train.instances, recipe(**settings))
    fewer = tabular_scaler(DATA, DATA.train.instances, recipe(**settings, without=("B", "CHAS")))

    assert [name for name in everything.fields if name not in fewer.fields] == ["CHAS", "B"]
    assert fewer.inputs["features"].shape == (None, 11)


def test_a_field_to_leave_out_must_be_there_and_one_must_remain():
    with pytest.raises(BadRequest, match="without: no field ROOMS; there are CRIM, ZN"):
        tabular_scaler(DATA, DATA.train.instances, DenseEnsemble(without=("ROOMS", "B")))
    with pytest.raises(BadRequest, match="no field is left"):
        tabular_scaler(DATA, DATA.train.instances, DenseEnsemble(without=tuple(DATA.train.instances[0])))
