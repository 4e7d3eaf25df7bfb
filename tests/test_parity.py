"""What the gateway answers is what the Keras model computes, from raw input, for every model."""

import numpy as np
import pytest

from serving.registry.server_config import BATCHING_FILE, MAX_ROWS, batching_parameters
from serving.runtime.batching_parameters import read_batching_parameters
from training.data.datasets import as_json
from training.task import find_task, task_names


@pytest.mark.parametrize("name", task_names())
def test_served_answers_equal_keras_predict(name, trained, stack):
    model, contract = trained[name].model, trained[name].contract
    instances = find_task(name).load_sample().test.instances[5:25]
    expected = contract.answers.make({"scores": model.predict(contract.features(instances), verbose=0)})

    reply = stack.post(f"/predict/{name}", {"instances": [as_json(instance) for instance in instances]})

    assert reply.status == 200
    for got, want in zip(reply.json()["predictions"], expected, strict=True):
        assert_same(got, want)


def assert_same(got, want):
    if "value" in want:
        assert got == {"value": pytest.approx(want["value"], abs=1e-4), "unit": want["unit"]}
        return
    assert got["label"] == want["label"]
    assert got["score"] == pytest.approx(want["score"], abs=1e-6)
    for label in got["scores"].keys() & want["scores"]:  # the last of the top may change places with the next
        assert got["scores"][label] == pytest.approx(want["scores"][label], abs=1e-6)


@pytest.mark.parametrize("name", task_names())
def test_one_instance_is_answered_as_one_of_many(name, trained, stack):
    example = trained[name].contract.examples[0].instance

    alone, one_of_many = (stack.post(f"/predict/{name}", body).json() for body in (example, {"instances": [example]}))
    assert alone["predictions"] == one_of_many["predictions"]
    assert alone["version"] == 1
    assert alone["model"] == name


@pytest.mark.parametrize("name", task_names())
def test_the_model_tells_its_data_metrics_and_example(name, trained, stack):
    told = stack.get(f"/models/{name}").json()

    assert told["data"] == "sample"
    assert told["versions"] == [1]
    metric = told["metrics"]["metric"]
    assert np.isfinite(told["metrics"]["test"][metric])
    assert np.isfinite(told["metrics"]["baseline"][metric])
    assert stack.post(f"/predict/{name}", told["instance"]["example"]).status == 200


@pytest.mark.parametrize("name", task_names())
def test_a_version_says_how_it_is_to_be_batched(name, trained, published):
    file = published / name / "1" / BATCHING_FILE
    assert file.read_text() == batching_parameters(trained[name].contract)
    assert read_batching_parameters(file).max_batch_size == MAX_ROWS, "it is one that the model server accepts"
