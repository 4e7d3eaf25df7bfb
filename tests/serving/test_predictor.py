import itertools
import threading
import time

import grpc
import numpy as np
import pytest

from serving.catalog import Catalog
from serving.errors import InvalidInstance, ModelNotReady, ModelServerError, ModelServerTimeout, UnknownVersion
from serving.predictor import STAGES, Predictor
from serving.tfserving.client import ModelServerClient
from tests.serving.contracts import answers, image_contract, tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer

TEXTS = [{"text": "a good film"}, {"text": "a very bad film"}, {"text": "good good bad"}]


@pytest.fixture
def predictor(client: ModelServerClient) -> Predictor:
    return Predictor(Catalog(client, ["sentiment", "house_price", "digits"]), client)


def test_raw_instances_become_answers(predictor: Predictor, model_server: FakeModelServer) -> None:
    for contract in (text_contract(), tabular_contract(), image_contract()):
        model_server.publish(contract)
        instances = [dict(example.instance) for example in contract.examples]
        prediction = predictor.predict(contract.model, instances, 5)
        assert (prediction.model, prediction.version) == (contract.model, 1)
        assert prediction.answers == answers(contract, instances)


def test_stages_are_timed(predictor: Predictor, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    predictor.predict("sentiment", TEXTS, 5)
    model_server.delay_seconds = 0.1
    seconds = predictor.predict("sentiment", TEXTS, 5).stage_seconds
    assert tuple(seconds) == STAGES
    assert seconds["rpc"] > 0.1
    assert 0 < seconds["decode"] + seconds["preprocess"] + seconds["postprocess"] < 0.1


def test_a_named_version_answers(predictor: Predictor, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    model_server.publish(text_contract(weights=5), 2, weights=5)
    assert predictor.predict("sentiment", TEXTS, 5, version=1).version == 1
    assert predictor.predict("sentiment", TEXTS, 5).version == 2
    model_server.withdraw("sentiment", 1)
    with pytest.raises(UnknownVersion, match="version 1 is not"):
        predictor.predict("sentiment", TEXTS, 5, version=1)


def test_a_bad_instance_is_named(predictor: Predictor, model_server: FakeModelServer) -> None:
    model_server.publish(tabular_contract())
    with pytest.raises(InvalidInstance, match="house_price: instance 1, field 'rooms': expected a number"):
        predictor.predict("house_price", [{"rooms": 1, "age": 2}, {"rooms": "x", "age": 2}], 5)


def test_an_answer_by_another_version_is_refused(predictor: Predictor, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    model_server.answers_as = 2
    with pytest.raises(ModelServerError, match="sentiment: version 2 answered, asked for 1"):
        predictor.predict("sentiment", TEXTS, 5)


@pytest.mark.parametrize(
    ("scores", "problem"),
    [
        (np.zeros((2, 1), np.float32), r"got float32\[2, 1\]"),
        (np.zeros((3, 2), np.float32), r"got float32\[3, 2\]"),
        (np.full((3, 1), np.nan, np.float32), "not all finite"),
    ],
)
def test_scores_that_are_not_the_contracts_are_refused(
    predictor: Predictor, model_server: FakeModelServer, scores: np.ndarray, problem: str
) -> None:
    model_server.publish(text_contract())
    predictor.predict("sentiment", TEXTS, 5)
    model_server.publish(text_contract(), model=lambda features: scores)
    with pytest.raises(ModelServerError, match=problem):
        predictor.predict("sentiment", TEXTS, 5)


def test_the_deadline_covers_everything(predictor: Predictor, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    predictor.predict("sentiment", TEXTS, 5)
    model_server.delay_seconds = 1
    start = time.monotonic()
    with pytest.raises(ModelServerTimeout):
        predictor.predict("sentiment", TEXTS, 0.1)
    with pytest.raises(ModelServerTimeout, match="the deadline has passed"):
        predictor.predict("sentiment", TEXTS, 0)
    assert time.monotonic() - start < 0.5


def test_a_new_version_takes_over_without_a_refresh(predictor: Predictor, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    assert predictor.predict("sentiment", TEXTS, 5).version == 1
    model_server.publish(text_contract(weights=3), 2, weights=3)
    model_server.withdraw("sentiment", 1)
    prediction = predictor.predict("sentiment", TEXTS, 5)
    assert prediction.version == 2
    assert prediction.answers == answers(text_contract(), TEXTS, weights=3)


def test_a_model_that_went_is_not_ready(predictor: Predictor, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    predictor.predict("sentiment", TEXTS, 5)
    model_server.withdraw("sentiment", 1)
    with pytest.raises(ModelNotReady):
        predictor.predict("sentiment", TEXTS, 5)


def test_a_server_that_contradicts_itself_ends_in_an_error(predictor: Predictor, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    predictor.predict("sentiment", TEXTS, 5)
    model_server.failure = (grpc.StatusCode.NOT_FOUND, "although it is listed")
    with pytest.raises(ModelNotReady, match="change faster"):
        predictor.predict("sentiment", TEXTS, 5)


def test_a_roll_over_under_load_loses_no_request_and_mixes_no_versions(
    predictor: Predictor, model_server: FakeModelServer
) -> None:
    """Each version has another vocabulary and other weights, so any mixture would give another answer."""
    orders = itertools.permutations(["a", "good", "film", "bad", "very"])
    contracts = {
        version: text_contract(words=" ".join(words), weights=version)
        for version, words in enumerate(itertools.islice(orders, 8), 1)
    }
    expected = {version: answers(contract, TEXTS, version) for version, contract in contracts.items()}
    assert len({str(answer) for answer in expected.values()}) == len(expected)

    model_server.publish(contracts[1], 1, weights=1)
    rolling, failures, seen = threading.Event(), [], set()
    rolling.set()

    def ask() -> None:
        while rolling.is_set():
            try:
                prediction = predictor.predict("sentiment", TEXTS, 5)
                seen.add(prediction.version)
                if prediction.answers != expected[prediction.version]:
                    failures.append(f"version {prediction.version} gave another's answer")
            except Exception as error:
                failures.append(repr(error))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for version in range(2, 9):
        time.sleep(0.1)
        model_server.publish(contracts[version], version, weights=version)
        model_server.withdraw("sentiment", version - 1)
    time.sleep(0.1)
    rolling.clear()
    for thread in threads:
        thread.join()
    assert failures == []
    assert seen == set(range(1, 9))
