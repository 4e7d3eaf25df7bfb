"""A catalog that follows what is found: which models it has, when it is ready, and that none waits for another."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.catalog import Catalog, Refresher
from serving.catalog import catalog as module
from serving.errors import UnknownModel
from serving.registry.finding import Found, ModelFinder
from serving.tfserving.client import ModelServerClient
from tests.serving.contracts import tabular_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until


class Folder(ModelFinder):
    """What is found in it is set by the test."""

    def __init__(self, *models: str) -> None:
        super().__init__(Path("/models"))
        self.found: Found | OSError = of(*models)

    def find(self) -> Found:
        if isinstance(self.found, OSError):
            raise self.found
        return self.found

    def is_new(self, name: str) -> bool:
        return False


class Hanging(ModelServerClient):
    """Never says which versions of `hung` there are, until it is let go."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.let_go = threading.Event()

    def versions(self, model: str, deadline_seconds: float):  # type: ignore[no-untyped-def]
        if model == "hung":
            self.let_go.wait(60)
        return super().versions(model, deadline_seconds)


@pytest.fixture
def hanging(model_server: FakeModelServer) -> Iterator[Hanging]:
    client = Hanging(model_server.address)
    yield client
    client.let_go.set()
    client.close()


def of(*models: str) -> Found:
    return Found({model: {} for model in models}, {})


def test_one_that_never_answers_delays_no_other(hanging: Hanging, model_server: FakeModelServer) -> None:
    model_server.publish(tabular_contract("house"))
    folder = Folder("hung", "house")
    catalog = Catalog(hanging, (), finder=folder)
    refresher = Refresher(catalog, 0.05)
    refresher.start()
    try:
        wait_until(lambda: "house" in catalog.models and catalog.state("house").ready)
        model_server.publish(tabular_contract("house"), 2)
        wait_until(lambda: list(catalog.state("house").live) == [2, 1])
        model_server.publish(tabular_contract("later"))
        folder.found = of("hung", "house", "later")
        wait_until(lambda: "later" in catalog.models and catalog.state("later").ready)
        folder.found = of("house", "later")
        wait_until(lambda: catalog.models == ("house", "later"))
        hanging.let_go.set()
    finally:
        refresher.close()


def test_it_is_ready_when_each_of_the_first_models_had_its_chance(
    client: ModelServerClient, model_server: FakeModelServer
) -> None:
    folder = Folder("good", "loading", "skewed", "lost")
    catalog = Catalog(client, (), finder=folder)
    assert (catalog.ready, catalog.problem) == (False, "")
    catalog.look()
    model_server.publish(tabular_contract("good"))
    model_server.publish(tabular_contract("skewed"), weights=3)
    model_server.loading.add(("loading", 1))
    for model in ("good", "skewed", "lost", "loading"):
        assert not catalog.ready
        catalog.refresh(model)
    assert (catalog.ready, catalog.problem) == (False, "")
    model_server.loading.clear()
    model_server.broken["loading"] = "no such operation"
    catalog.refresh("loading")
    assert (catalog.ready, catalog.problem) == (True, "")
    assert [model for model in catalog.models if catalog.state(model).ready] == ["good"]

    model_server.loading.add(("newcomer", 1))
    folder.found = of("good", "newcomer")
    catalog.look()
    catalog.refresh("newcomer")
    assert catalog.ready
    model_server.withdraw("good", 1)
    catalog.refresh("good")
    assert (catalog.ready, catalog.problem) == (False, "none of the models can be served")
    folder.found = of()
    catalog.look()
    assert not catalog.ready
    assert catalog.problem == "there is no model yet in /models; publish one, for example with: plumbline train all"


def test_it_does_not_wait_for_ever(
    client: ModelServerClient, model_server: FakeModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AWAITED_SECONDS", 0.2)
    model_server.publish(tabular_contract("good"))
    model_server.loading.add(("slow", 1))
    catalog = Catalog(client, (), finder=Folder("good", "slow"))
    catalog.look()
    for model in ("good", "slow"):
        catalog.refresh(model)
    assert not catalog.ready
    assert wait_until(lambda: catalog.ready) < 5


def test_listed_models_must_all_be_ready(client: ModelServerClient, model_server: FakeModelServer) -> None:
    catalog = Catalog(client, ["good", "absent"])
    catalog.look()
    model_server.publish(tabular_contract("good"))
    for model in ("good", "absent"):
        catalog.refresh(model)
    assert (catalog.models, catalog.ready, catalog.problem) == (("good", "absent"), False, "")


def test_a_look_that_fails_changes_nothing_and_is_logged_once(
    client: ModelServerClient, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Folder("good")
    changes: list[tuple[str, ...]] = []
    catalog = Catalog(client, (), finder=folder, on_change=lambda models: changes.append(tuple(models)))
    catalog.look()
    folder.found = OSError(5, "Input/output error", "/models")
    for _ in range(3):
        catalog.look()
    assert catalog.models == ("good",)
    assert catalog.problem == "the models can't be listed: [Errno 5] Input/output error: '/models'"
    assert caplog.text.count("the models can't be listed") == 1
    folder.found = of("good")
    catalog.look()
    assert changes == [("good",)]


def test_a_model_that_is_gone_is_forgotten_with_its_labels(
    client: ModelServerClient, model_server: FakeModelServer
) -> None:
    model_server.publish(tabular_contract("house"))
    model_server.labels["house", "stable"] = 1
    folder = Folder("house")
    catalog = Catalog(client, (), finder=folder)
    catalog.look()
    assert catalog.labelled("house", "stable").version == 1
    folder.found = Found({}, {"house": "it has no version yet"})
    catalog.look()
    assert catalog._labels == {}
    with pytest.raises(UnknownModel, match=r"^unknown model 'house' \(it has no version yet\); .* no model yet$"):
        catalog.live("house")
    catalog.refresh("house")  # as by a thread that did not know yet
    assert catalog.models == ()


def test_many_models_make_no_long_message() -> None:
    known = tuple(f"m{number}" for number in range(200))
    assert str(UnknownModel("x", known)).endswith("m18, m19 and 180 more")
