import itertools
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator

import grpc
import numpy as np
import pytest

from serving.catalog import Catalog, Contracts, ModelState, Refresher, Refusal
from serving.catalog.admission import Admission
from serving.catalog.weights import ModelWeights, shares_of
from serving.errors import ModelNotReady, UnknownLabel, UnknownModel, UnknownVersion
from serving.tfserving.client import ModelServerClient
from serving.tfserving.version_status import VersionState, VersionStatus
from tests.serving.contracts import tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until


@pytest.fixture
def catalog(client: ModelServerClient) -> Catalog:
    return Catalog(client, ["sentiment", "house_price"])


def refreshed(catalog: Catalog, model: str = "sentiment") -> ModelState:
    catalog.refresh(model)
    return catalog.state(model)


def test_the_newest_version_with_parity_is_live(catalog: Catalog, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract(), 2)
    model_server.publish(text_contract(), 10)
    state = refreshed(catalog)
    assert list(state.live) == [10, 2]
    assert state.ready
    assert catalog.live("sentiment").version == 10
    assert catalog.live("sentiment", 2).document == text_contract().to_json().encode()


def test_the_first_look_asks_the_model_server(catalog: Catalog, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    assert catalog.live("sentiment").version == 1


def test_a_model_that_is_not_configured_is_unknown(catalog: Catalog, model_server: FakeModelServer) -> None:
    model_server.publish(tabular_contract("zebra"))
    with pytest.raises(UnknownModel, match="unknown model 'zebra'; this gateway serves sentiment, house_price"):
        catalog.live("zebra")


def test_a_version_that_is_not_there_is_unknown(catalog: Catalog, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    with pytest.raises(UnknownVersion, match="sentiment: version 7 is not available"):
        catalog.live("sentiment", 7)


def test_a_named_version_is_found_before_the_next_refresh(catalog: Catalog, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    refreshed(catalog)
    model_server.publish(text_contract(), 2)
    assert catalog.live("sentiment").version == 1
    assert catalog.live("sentiment", 2).version == 2


def test_a_model_that_the_server_lacks_is_not_ready(catalog: Catalog) -> None:
    with pytest.raises(ModelNotReady, match="sentiment: not ready: the model server has no such model"):
        catalog.live("sentiment")


def test_readiness_waits_for_each_model_that_may_still_come_but_not_for_one_that_will_not(
    catalog: Catalog, model_server: FakeModelServer
) -> None:
    model_server.publish(text_contract())
    catalog.refresh("sentiment")
    assert not catalog.ready  # house_price has not been asked for yet

    model_server.broken["house_price"] = "no saved_model.pb"
    catalog.refresh("house_price")
    assert catalog.ready


def test_readiness_waits_a_while_for_a_model_that_the_server_does_not_list(
    client: ModelServerClient, model_server: FakeModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_server.publish(text_contract())
    for seconds, ready in ((300.0, False), (0.0, True)):
        monkeypatch.setattr("serving.catalog.catalog.AWAITED_SECONDS", seconds)
        catalog = Catalog(client, ["sentiment", "house_price"])
        for model in catalog.models:
            catalog.refresh(model)
        assert catalog.ready is ready


def test_without_a_model_that_can_answer_nothing_is_ready_however_long_it_waits(
    client: ModelServerClient, model_server: FakeModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.catalog.catalog.AWAITED_SECONDS", 0.0)
    model_server.broken["sentiment"] = "no saved_model.pb"
    catalog = Catalog(client, ["sentiment"])
    catalog.refresh("sentiment")

    assert not catalog.ready


def test_a_version_that_did_not_load_says_why(catalog: Catalog, model_server: FakeModelServer) -> None:
    model_server.broken["sentiment"] = "no saved_model.pb"
    assert refreshed(catalog).problem == "version 9: no saved_model.pb"


def test_a_version_that_answers_is_live_though_it_is_said_to_be_loading(
    catalog: Catalog, model_server: FakeModelServer
) -> None:
    """TensorFlow Serving says so until all requests have ended that ran as it was loaded."""
    model_server.publish(text_contract())
    model_server.loading.add(("sentiment", 2))
    state = refreshed(catalog)
    assert (list(state.live), state.refused, state.ready) == ([1], {}, True)

    model_server.publish(text_contract(), 2)
    assert list(refreshed(catalog).live) == [2, 1]
    assert refreshed(catalog).desired == 2
    model_server.withdraw("sentiment", 2)
    assert list(refreshed(catalog).live) == [1]
    model_server.publish(text_contract(), 2)
    assert list(refreshed(catalog).live) == [2, 1]
    model_server.loading.clear()
    assert list(refreshed(catalog).live) == [2, 1]


def test_a_version_that_is_said_to_be_loading_is_checked_like_any_other(
    catalog: Catalog, model_server: FakeModelServer
) -> None:
    model_server.publish(text_contract())
    model_server.publish(text_contract(), 2, weights=1)
    model_server.loading.add(("sentiment", 2))
    assert "parity example 0: scores are off by" in refusals(catalog, model_server)


def test_what_the_model_server_says_of_versions_is_known_until_it_is_away(
    catalog: Catalog, model_server: FakeModelServer
) -> None:
    model_server.publish(text_contract())
    model_server.broken["sentiment"] = "no saved_model.pb"
    state = refreshed(catalog)
    assert {status.version: status.state for status in state.statuses} == {1: "available", 9: "failed"}
    assert (state.available, state.failed, state.desired) == (1, [9], 9)

    model_server.stop()
    assert refreshed(catalog).statuses == ()


def test_a_version_that_went_is_no_longer_live(catalog: Catalog, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    model_server.publish(text_contract(), 2)
    refreshed(catalog)
    model_server.withdraw("sentiment", 2)
    assert list(refreshed(catalog).live) == [1]


def test_a_contract_is_read_once(catalog: Catalog, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    first = refreshed(catalog).newest
    assert refreshed(catalog).newest is first
    assert model_server.contracts_sent == 1


def refusals(catalog: Catalog, model_server: FakeModelServer) -> str:
    """Publish nothing more, refresh, and give why version 2 was refused while version 1 goes on."""
    state = refreshed(catalog)
    assert list(state.live) == [1]
    assert state.ready
    return state.refused[2].reason


def test_weights_that_are_not_the_contracts_are_refused(catalog: Catalog, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    model_server.publish(text_contract(), 2, weights=1)
    assert "parity example 0: scores are off by" in refusals(catalog, model_server)


def test_another_models_contract_is_refused(catalog: Catalog, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    model_server.publish(text_contract("topic"))
    served = model_server.versions
    served["sentiment"] = served["sentiment"] | {2: served["topic"][1]}
    assert refusals(catalog, model_server) == "expected the contract of sentiment, got that of topic"


@pytest.mark.parametrize("document", [b"", b"{}", b"\xff", b'{"schema": 99}', b"[]"])
def test_a_contract_that_can_not_be_read_is_refused(
    catalog: Catalog, model_server: FakeModelServer, document: bytes
) -> None:
    model_server.publish(text_contract())
    served = model_server.versions
    served["sentiment"] = served["sentiment"] | {2: (document, served["sentiment"][1][1])}
    assert "contract" in refusals(catalog, model_server)


def test_scores_of_another_shape_are_refused(catalog: Catalog, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    model_server.publish(text_contract(), 2, model=lambda features: np.zeros((2, 3), np.float32))
    assert "expected output 'scores' as float32[2, 1], got float32[2, 3]" in refusals(catalog, model_server)


def test_a_server_error_refuses_and_an_outage_is_tried_again(catalog: Catalog, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    model_server.failure = (grpc.StatusCode.RESOURCE_EXHAUSTED, "busy")
    assert "busy" in refreshed(catalog).problem
    model_server.failure = (grpc.StatusCode.INTERNAL, "out of memory")
    assert "out of memory" in refreshed(catalog).problem
    model_server.failure = None
    assert not refreshed(catalog).ready  # it is remembered


def test_a_refused_version_is_remembered_and_logged_once(
    catalog: Catalog, model_server: FakeModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    model_server.publish(text_contract(), weights=1)
    for _ in range(5):
        assert "version 1 was not admitted: " in refreshed(catalog).problem
    assert model_server.contracts_sent == 1
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1


def test_a_refused_version_is_tried_again_in_the_end(client: ModelServerClient, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    statuses = client.versions("sentiment", 5)
    for retry_at, ready in ((time.monotonic() + 60, False), (time.monotonic(), True)):
        before = ModelState(refused={1: Refusal("it was another then", retry_at)})
        assert Admission(client, "sentiment", 5, Contracts()).run(before, statuses).ready is ready


def test_a_version_that_was_refused_and_ended_is_not_forgotten_at_once(client: ModelServerClient) -> None:
    ended = VersionStatus(7, VersionState.ENDED)
    for retry_at, refused in ((time.monotonic() + 60, [7]), (time.monotonic(), [])):
        before = ModelState(refused={7: Refusal("its parity examples differ", retry_at)})
        assert [*Admission(client, "sentiment", 5, Contracts()).run(before, [ended]).refused] == refused


def test_while_the_server_is_away_live_versions_stay_but_are_not_ready(
    catalog: Catalog, model_server: FakeModelServer
) -> None:
    model_server.publish(text_contract())
    live = refreshed(catalog).newest
    model_server.stop()
    state = refreshed(catalog)
    assert state.newest is live
    assert not state.ready
    assert state.problem == "the model server is not available"
    model_server.start()
    wait_until(lambda: refreshed(catalog).ready)
    assert catalog.live("sentiment") is live


def test_a_server_that_comes_back_with_another_model_is_read_again(
    catalog: Catalog, model_server: FakeModelServer
) -> None:
    model_server.publish(text_contract())
    refreshed(catalog)
    model_server.stop()
    refreshed(catalog)
    other = text_contract(words="bad film good very a", weights=4)
    model_server.publish(other, 1, weights=4)
    model_server.start()
    wait_until(lambda: refreshed(catalog).ready)
    assert catalog.live("sentiment").document == other.to_json().encode()


def test_a_caller_in_a_hurry_does_not_make_a_model_unready(catalog: Catalog, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    assert refreshed(catalog).ready
    with pytest.raises(UnknownVersion):
        catalog.live("sentiment", 9, budget_seconds=1e-6)
    assert catalog.state("sentiment").ready


class Replicas:
    """Model servers behind one address that are asked in turn, as round_robin does."""

    def __init__(self, *clients: ModelServerClient) -> None:
        self._clients = itertools.cycle(clients)

    def __getattr__(self, name: str):  # type: ignore[no-untyped-def]
        return getattr(next(self._clients), name)


@pytest.fixture
def replicas(model_server: FakeModelServer, client: ModelServerClient) -> Iterator[tuple[FakeModelServer, Catalog]]:
    """Another server beside `model_server`, and a catalog of both."""
    other = FakeModelServer().start()
    other_client = ModelServerClient(other.address)
    yield other, Catalog(Replicas(client, other_client), ["sentiment"])  # type: ignore[arg-type]
    other_client.close()
    other.stop()


def test_what_one_of_several_servers_has_stays_live(
    replicas: tuple[FakeModelServer, Catalog], model_server: FakeModelServer
) -> None:
    other, catalog = replicas
    for server in (model_server, other):
        server.publish(text_contract())
    assert list(refreshed(catalog).live) == [1]
    model_server.withdraw("sentiment", 1)
    model_server.publish(text_contract(), 2)
    for _ in range(6):
        assert 1 in refreshed(catalog).live
    other.withdraw("sentiment", 1)
    other.publish(text_contract(), 2)
    wait_until(lambda: list(refreshed(catalog).live) == [2])


@pytest.mark.parametrize("skipped", [0, 1])
def test_while_servers_differ_there_is_always_something_live(
    replicas: tuple[FakeModelServer, Catalog], model_server: FakeModelServer, skipped: int
) -> None:
    """Whoever has a new version has no old one, and its contract is asked of the other."""
    other, catalog = replicas
    for server in (model_server, other):
        server.publish(text_contract())
    refreshed(catalog)
    model_server.withdraw("sentiment", 1)
    model_server.publish(text_contract(), 2)
    for _ in range(skipped):
        catalog._server.versions("sentiment", 5)
    for _ in range(8):
        assert refreshed(catalog).ready


CANARY = shares_of({"sentiment": {4: 20.0, 5: 10.0}})


def shares(catalog: Catalog) -> dict[int, float]:
    drawn = Counter(catalog.live("sentiment").version for _ in range(2000))
    return {version: count / 2000 for version, count in drawn.items()}


def test_canaries_get_their_share_and_the_newest_other_version_the_rest(
    client: ModelServerClient, model_server: FakeModelServer
) -> None:
    catalog = Catalog(client, ["sentiment"], weights=CANARY)
    for version in (2, 3, 4):
        model_server.publish(text_contract(), version)
    assert refreshed(catalog).newest.version == 3  # type: ignore[union-attr]
    assert shares(catalog) == pytest.approx({3: 0.8, 4: 0.2}, abs=0.05)
    model_server.publish(text_contract(), 5)
    refreshed(catalog)
    assert shares(catalog) == pytest.approx({3: 0.7, 4: 0.2, 5: 0.1}, abs=0.05)
    assert catalog.live("sentiment", 5).version == 5
    assert {catalog.live("sentiment", without=3).version for _ in range(50)} == {4, 5}


def test_a_canary_that_is_alone_answers_everything(client: ModelServerClient, model_server: FakeModelServer) -> None:
    catalog = Catalog(client, ["sentiment"], weights=CANARY)
    model_server.publish(text_contract(), 4)
    assert shares(catalog) == {4: 1.0}


def test_a_canary_that_is_withdrawn_gets_nothing(client: ModelServerClient, model_server: FakeModelServer) -> None:
    catalog = Catalog(client, ["sentiment"], weights=CANARY)
    for version in (3, 4):
        model_server.publish(text_contract(), version)
    assert shares(catalog).keys() == {3, 4}
    model_server.withdraw("sentiment", 4)
    refreshed(catalog)
    assert shares(catalog) == {3: 1.0}


def test_newer_versions_than_the_stable_one_get_nothing_but_their_share(
    client: ModelServerClient, model_server: FakeModelServer
) -> None:
    catalog = Catalog(client, ["sentiment"], weights={"sentiment": ModelWeights(3, {5: 10.0})})
    for version in (2, 3, 4, 5):
        model_server.publish(text_contract(), version)
    assert shares(catalog) == pytest.approx({3: 0.9, 5: 0.1}, abs=0.05)
    assert (refreshed(catalog).desired, catalog.live("sentiment", 4).version) == (3, 4)
    model_server.withdraw("sentiment", 3)
    refreshed(catalog)
    assert shares(catalog).keys() == {2, 5}
    model_server.withdraw("sentiment", 2)
    refreshed(catalog)
    assert shares(catalog).keys() == {4, 5}, "rather than no answer"


def test_a_stable_version_that_is_still_loading_is_waited_for(
    client: ModelServerClient, model_server: FakeModelServer
) -> None:
    catalog = Catalog(client, ["sentiment"], weights={"sentiment": ModelWeights(3)})
    model_server.publish(text_contract(), 4)
    model_server.loading.add(("sentiment", 3))
    assert not refreshed(catalog).ready
    with pytest.raises(ModelNotReady, match="version 3, which is stable, is not loaded yet"):
        catalog.live("sentiment")
    model_server.loading.clear()
    model_server.publish(text_contract(), 3)
    assert refreshed(catalog).ready
    assert shares(catalog) == {3: 1.0}


def test_a_refused_version_never_answers_until_it_is_no_longer_refused(
    client: ModelServerClient, model_server: FakeModelServer
) -> None:
    catalog = Catalog(client, ["sentiment"])
    for version in (4, 5):
        model_server.publish(text_contract(), version)
    model_server.labels["sentiment", "next"] = 5
    assert shares(catalog) == {5: 1.0}
    catalog.weigh({"sentiment": ModelWeights(refused={5: "it fails"})})
    for _ in range(2):  # at once, and after a refresh
        assert shares(catalog) == {4: 1.0}
        assert (catalog.state("sentiment").ready, catalog.state("sentiment").desired) == (True, 4)
        with pytest.raises(UnknownVersion, match="refused by the weights document: it fails"):
            catalog.live("sentiment", 5)
        with pytest.raises(UnknownVersion, match="refused by the weights document: it fails"):
            catalog.labelled("sentiment", "next")
        refreshed(catalog)
    catalog.weigh({})
    assert list(refreshed(catalog).live) == [5, 4]


def test_what_is_refused_is_not_even_tried(client: ModelServerClient, model_server: FakeModelServer) -> None:
    catalog = Catalog(client, ["sentiment"], weights={"sentiment": ModelWeights(refused={5: ""})})
    model_server.publish(text_contract(), 5)
    state = refreshed(catalog)
    assert (state.ready, list(state.refused), model_server.contracts_sent) == (False, [5], 0)
    with pytest.raises(ModelNotReady, match="version 5 was not admitted: it is refused by the weights document"):
        catalog.live("sentiment")


def test_weights_do_not_wait_for_a_refresh(client: ModelServerClient, model_server: FakeModelServer) -> None:
    for version in (4, 5):
        model_server.publish(text_contract(), version)
    catalog = Catalog(client, ["sentiment"])
    refreshed(catalog)
    model_server.publish(text_contract(), 6, model=lambda features: time.sleep(1) or features["ids"][:, :1])
    refresh = threading.Thread(target=catalog.refresh, args=("sentiment",))
    refresh.start()
    wait_until(lambda: len(model_server.rows) > 0)
    catalog.weigh({"sentiment": ModelWeights(4, refused={5: ""})})
    assert refresh.is_alive()
    assert shares(catalog) == {4: 1.0}
    refresh.join()
    assert (list(catalog.state("sentiment").live), shares(catalog)) == ([4], {4: 1.0})


def test_nothing_is_asked_before_the_weights_are_known(
    client: ModelServerClient, model_server: FakeModelServer
) -> None:
    catalog = Catalog(client, ["sentiment"], weights=None)
    model_server.publish(text_contract(), 5)
    with pytest.raises(ModelNotReady):
        catalog.live("sentiment")
    assert (catalog.starting, catalog.tried, model_server.contracts_sent) == (True, False, 0)
    catalog.weigh({})
    assert catalog.live("sentiment").version == 5


def test_a_label_leads_to_its_version_and_moves_with_it(
    catalog: Catalog, model_server: FakeModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.catalog.catalog.LABEL_SECONDS", 1)
    for version in (1, 2):
        model_server.publish(text_contract(), version)
    model_server.labels["sentiment", "stable"] = 1
    assert catalog.labelled("sentiment", "stable").version == 1
    model_server.labels["sentiment", "stable"] = 2
    assert catalog.labelled("sentiment", "stable").version == 1  # it is not asked anew each time
    wait_until(lambda: catalog.labelled("sentiment", "stable").version == 2)


def test_a_label_whose_version_went_is_looked_up_at_once(catalog: Catalog, model_server: FakeModelServer) -> None:
    for version in (1, 2):
        model_server.publish(text_contract(), version)
    model_server.labels["sentiment", "stable"] = 1
    assert catalog.labelled("sentiment", "stable").version == 1
    model_server.labels["sentiment", "stable"] = 2
    model_server.withdraw("sentiment", 1)
    refreshed(catalog)
    assert catalog.labelled("sentiment", "stable").version == 2


def test_an_unknown_label_is_not_kept(catalog: Catalog, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    for number in range(3):
        with pytest.raises(UnknownLabel):
            catalog.labelled("sentiment", f"label {number}")
    assert catalog._labels == {}
    with pytest.raises(UnknownModel):
        catalog.labelled("zebra", "stable")


def test_each_refresh_is_told(client: ModelServerClient, model_server: FakeModelServer) -> None:
    told = []
    catalog = Catalog(client, ["sentiment"], lambda model, state: told.append((model, list(state.live))))
    refreshed(catalog)
    model_server.publish(text_contract())
    refreshed(catalog)
    assert told == [("sentiment", []), ("sentiment", [1])]


def test_callers_at_one_time_share_a_refresh(model_server: FakeModelServer, client: ModelServerClient) -> None:
    asked = []

    class Slow(ModelServerClient):
        def versions(self, model: str, deadline_seconds: float):  # type: ignore[no-untyped-def]
            asked.append(model)
            time.sleep(0.1)
            return client.versions(model, deadline_seconds)

    model_server.publish(text_contract())
    catalog = Catalog(Slow(model_server.address), ["sentiment"])
    threads = [threading.Thread(target=catalog.refresh, args=("sentiment",)) for _ in range(12)]
    for thread in threads:
        thread.start()
    start = time.monotonic()
    catalog.refresh("sentiment", budget_seconds=0.01)
    assert time.monotonic() - start < 0.09
    for thread in threads:
        thread.join()
    assert len(asked) <= 2
    assert catalog.state("sentiment").ready


def test_the_refresher_keeps_up_until_it_is_closed(catalog: Catalog, model_server: FakeModelServer) -> None:
    refresher = Refresher(catalog, 0.02)
    refresher.start()
    model_server.publish(text_contract())
    wait_until(lambda: catalog.state("sentiment").ready)
    refresher.close()
    model_server.publish(text_contract(), 2)
    time.sleep(0.1)
    assert list(catalog.state("sentiment").live) == [1]


def test_a_bug_in_one_refresh_does_not_end_the_thread(
    client: ModelServerClient, model_server: FakeModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    model_server.publish(text_contract())
    calls = []

    def fails_at_first(model: str, state: ModelState) -> None:
        calls.append(model)
        if len(calls) == 1:
            raise ZeroDivisionError

    refresher = Refresher(Catalog(client, ["sentiment"], fails_at_first), 0.02)
    refresher.start()
    wait_until(lambda: len(calls) > 2)
    refresher.close()
    assert "sentiment: the refresh failed" in caplog.text
