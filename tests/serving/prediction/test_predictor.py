import itertools
import threading
import time
from contextlib import ExitStack

import grpc
import numpy as np
import pytest
from PIL import Image

from serving.catalog import Catalog, Contracts, Refresher
from serving.contract import DecodingBudget, InstanceLimits, deadline, decoding_budget
from serving.errors import (
    InvalidInstance,
    ModelNotReady,
    ModelServerError,
    ModelServerTimeout,
    NotFinite,
    Overloaded,
    TooManyPictures,
    UnknownVersion,
)
from serving.prediction import run_queue
from serving.prediction.concurrency import ConcurrencyLimits
from serving.prediction.predictor import STAGES, Predictor
from serving.prediction.run_queue import RunQueue
from serving.tfserving.client import ModelServerClient
from tests.serving.contract.encoders.pictures import encoded
from tests.serving.contracts import answers, image_contract, png, tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until

TEXTS = [{"text": "a good film"}, {"text": "a very bad film"}, {"text": "good good bad"}]


@pytest.fixture
def predictor(client: ModelServerClient) -> Predictor:
    return Predictor(Catalog(client, ["sentiment", "house_price", "digits"]), client)


def test_raw_instances_become_answers(predictor: Predictor, model_server: FakeModelServer) -> None:
    best = {"label": "8", "score": 0.1956044, "scores": {"8": 0.1956044, "3": 0.1846154, "6": 0.1472528}}
    other = {"label": "5", "score": 0.189011, "scores": {"5": 0.189011, "0": 0.178022, "8": 0.1516484}}
    negative = {"label": "negative", "score": 0.9313725, "scores": {"negative": 0.9313725, "positive": 0.0686275}}
    for contract, instances, expected in (
        (text_contract(), [{"text": "naïve, very bad ✓"}], [negative]),
        (tabular_contract(), [{"rooms": 6.5, "age": 40.0}], [{"value": 0.8088235, "unit": "1000 USD"}]),
        (image_contract(), [{"image": png(90)}, {"image": png(3)}], [best, other]),
    ):
        model_server.publish(contract)
        prediction = predictor.predict(contract.model, instances, 5)
        assert (prediction.model, prediction.version) == (contract.model, 1)
        assert prediction.answers == expected


def test_stages_are_timed(predictor: Predictor, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    predictor.predict("sentiment", TEXTS, 5)
    model_server.delay_seconds = 0.1
    seconds = predictor.predict("sentiment", TEXTS, 5).stage_seconds
    assert tuple(seconds) == STAGES
    assert seconds["predict"] > 0.1
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


def test_a_request_that_is_refused_waits_for_its_turn_too(
    client: ModelServerClient, model_server: FakeModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or those that are refused, and ask again at once, would take the processor from those that are not."""
    monkeypatch.setattr(run_queue, "SLICE_SECONDS", 30.0)
    model_server.publish(text_contract())
    queue = RunQueue()
    predictor = Predictor(Catalog(client, ["sentiment"]), client, ConcurrencyLimits(0, 0), run_queue=queue)

    def ask() -> None:
        with queue.one_turn(), pytest.raises(Overloaded):
            predictor.predict("sentiment", TEXTS, 20)

    thread = threading.Thread(target=ask)
    with queue.one_turn():
        queue.begin()
        thread.start()
        wait_until(lambda: queue.waiting == 1)
    thread.join(20)
    assert not thread.is_alive()


def test_an_answer_by_another_version_is_refused(predictor: Predictor, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    model_server.answers_as = 2
    with pytest.raises(ModelServerError, match="sentiment: expected an answer of version 1, got one of version 2"):
        predictor.predict("sentiment", TEXTS, 5)


@pytest.mark.parametrize(
    ("scores", "problem"),
    [
        (np.zeros((2, 1), np.float32), r"got float32\[2, 1\]"),
        (np.zeros((3, 2), np.float32), r"got float32\[3, 2\]"),
        (np.full((3, 1), np.nan, np.float32), "instance 0 of 3: expected finite numbers of the model, got NaN"),
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


def test_where_each_is_answered_those_without_finite_numbers_are_rejected(
    client: ModelServerClient, model_server: FakeModelServer
) -> None:
    catalog = Catalog(client, ["house_price"])
    predictor = Predictor(catalog, client)
    contract = tabular_contract()
    model_server.publish(contract)
    houses = [
        {"rooms": 6.5, "age": 40.0},
        {"rooms": 5.0, "age": 0.0},
        {"rooms": "x", "age": 1.0},
        {"rooms": 5.0, "age": 9},
    ]
    broken = contract.features([houses[1]])["features"][0]
    live = catalog.live("house_price")
    expected = predictor.predict("house_price", [houses[0], houses[3]], 5).answers

    def model(features: dict[str, np.ndarray]) -> np.ndarray:
        wrong = (features["features"] == broken).all(axis=1)
        return np.where(wrong, np.nan, 1.0).astype(np.float32)[:, None]

    model_server.publish(contract, model=model)
    prediction = predictor.predict_each(live, houses, 5)
    assert sorted(prediction.rejected) == [1, 2]
    assert str(prediction.rejected[1][0]) == "expected finite numbers of the model, got NaN or infinity"
    assert len(prediction.answers) == len(expected) == 2
    with pytest.raises(NotFinite, match="instance 1 of 2"):
        predictor.predict("house_price", houses[:2], 5)


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


def test_the_deadline_holds_while_pictures_are_decoded(
    model_server: FakeModelServer, client: ModelServerClient
) -> None:
    model_server.publish(image_contract())
    catalog = Catalog(client, ["digits"])
    assert catalog.live("digits").version == 1
    large = encoded(Image.linear_gradient("L").resize((5000, 4000)), "WEBP")
    with pytest.raises(ModelServerTimeout, match="digits: the deadline passed while a picture was decoded"):
        Predictor(catalog, client).predict("digits", [{"image": large}], 0.5)


def test_other_pictures_may_take_the_memory_for_decoding(
    model_server: FakeModelServer, client: ModelServerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding_budget, "_WAIT_SECONDS", 0.0)
    model_server.publish(image_contract())
    model_server.publish(text_contract())
    budget = DecodingBudget(10_000)
    contracts = Contracts(InstanceLimits(100, 10**6, 10**6, budget))
    predictor = Predictor(Catalog(client, ["digits", "sentiment"], contracts=contracts), client)
    with ExitStack() as held:
        with deadline.until(time.perf_counter() + 60):
            held.enter_context(budget.held(9_999))
        with pytest.raises(TooManyPictures):
            predictor.predict("digits", [{"image": png(3)}], 5)
        assert predictor.predict("sentiment", TEXTS, 5).answers
    assert predictor.predict("digits", [{"image": png(3)}], 5).answers


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
    for version in range(1, 9):
        model_server.publish(contracts[version], version, weights=version)
        model_server.withdraw("sentiment", version - 1)
        wait_until(lambda version=version: version in seen)
    rolling.clear()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_label_is_followed_and_prepared_by_its_versions_contract(
    predictor: Predictor, model_server: FakeModelServer
) -> None:
    """The vocabularies differ, so that ids by the wrong contract would give other answers."""
    words = {1: "a good film bad very", 2: "very bad film good a"}
    for version, vocabulary in words.items():
        model_server.publish(text_contract(words=vocabulary, weights=version), version, weights=version)
    for version in (2, 1):
        model_server.labels["sentiment", "stable"] = version
        model_server.withdraw("sentiment", 3 - version)
        prediction = predictor.predict("sentiment", TEXTS, 5, label="stable")
        assert prediction.version == version
        assert prediction.answers == answers(text_contract(words=words[version]), TEXTS, weights=version)
        other = 3 - version
        model_server.publish(text_contract(words=words[other], weights=other), other, weights=other)


def test_replicas_mid_roll_over_lose_no_request() -> None:
    """One server has only the old version, the other only the new one; then both have the new one."""
    servers = [FakeModelServer().start() for _ in range(2)]
    contracts = {1: text_contract(), 2: text_contract(words="film very a bad good", weights=5)}
    expected = {version: answers(contract, TEXTS, 5 * (version - 1)) for version, contract in contracts.items()}
    for server in servers:
        server.publish(contracts[1])
    client = ModelServerClient("ipv4:" + ",".join(server.address for server in servers))
    predictor = Predictor(catalog := Catalog(client, ["sentiment"]), client)
    refresher = Refresher(catalog, 0.05)
    refresher.start()
    done, failures, seen = threading.Event(), [], []

    def ask() -> None:
        while not done.is_set():
            try:
                prediction = predictor.predict("sentiment", TEXTS, 5)
            except Exception as error:
                failures.append(repr(error))
                continue
            seen.append(prediction.version)
            if prediction.answers != expected[prediction.version]:
                failures.append(f"version {prediction.version} gave another's answer")

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for server in servers:
        time.sleep(0.7)
        server.publish(contracts[2], 2, weights=5)
        server.withdraw("sentiment", 1)
    time.sleep(0.7)
    done.set()
    for thread in threads:
        thread.join()
    refresher.close()
    client.close()
    for server in servers:
        server.stop()
    assert failures == []
    assert (seen[0], seen[-1]) == (1, 2)


def test_errors_tell_the_version_that_should_have_answered(
    client: ModelServerClient, model_server: FakeModelServer
) -> None:
    catalog = Catalog(client, ["house_price"])
    predictor = Predictor(catalog, client)
    with pytest.raises(ModelNotReady) as not_ready:
        predictor.predict("house_price", [{}], 5)
    assert not_ready.value.version is None
    model_server.publish(tabular_contract())

    def is_live() -> bool:
        catalog.refresh("house_price")
        return catalog.state("house_price").ready

    wait_until(is_live)
    with pytest.raises(InvalidInstance) as invalid:
        predictor.predict("house_price", [{}], 5)
    assert invalid.value.version == 1
    model_server.failure = (grpc.StatusCode.INTERNAL, "out of memory")
    with pytest.raises(ModelServerError) as failed:
        predictor.predict("house_price", [{"rooms": 1, "age": 2}], 5)
    assert failed.value.version == 1
