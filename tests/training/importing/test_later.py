"""A version without an evaluation, in what comes after: lists, pages, and the gate of a later training."""

import dataclasses
import re

import keras
import pytest
from click.testing import CliRunner
from keras import layers

from serving.commands.models import models
from serving.contract import Contract
from serving.contract.heads import Labels
from tests.serving.contracts import tabular_contract
from tests.training.importing.models import NAME, Place
from training.problem_types import BINARY
from training.publishing.gate import GateRefused, check
from training.publishing.live_version import Incomparable, check_question

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"  # Keras, saving a model
)
ROWS = [{"x": [0.5, float(row), -1.0, 2.0]} for row in range(4)]


@pytest.fixture
def live(place: Place) -> Contract:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, activation="sigmoid")])
    return place.bring(place.save(model), ROWS, labels=["bad,good"])


def test_lists_and_details_say_where_it_comes_from(live: Contract, place: Place) -> None:
    listed = CliRunner().invoke(models, ["list", "--models-dir", str(place.models_dir)])
    shown = CliRunner().invoke(models, ["show", NAME, "--models-dir", str(place.models_dir)])

    assert listed.exit_code == shown.exit_code == 0
    assert listed.output.splitlines()[1].split() == [NAME, "1", "newest", "-", "imported", "-", "-"]
    facts = dict(re.split(" {2,}|(?<=sha256) |(?<=version) ", line, maxsplit=1) for line in shown.output.splitlines())
    assert facts["recipe"] == "imported"
    assert facts["source"] == "model.keras"
    assert facts["source sha256"] == live.provenance["source_sha256"]
    assert facts["keras version"] == keras.__version__


def test_the_gateway_describes_it(live: Contract, place: Place) -> None:
    with place.gateway() as client:
        (listed,) = client.get("/models").get_json()["models"]
        described = client.get(f"/models/{NAME}").get_json()
        assert client.get("/openapi.json").status_code == 200
        with client.get("/") as page:
            assert page.status_code == 200

    assert listed["metrics"] == {"note": "not measured"}
    assert described["provenance"]["source_sha256"] == live.provenance["source_sha256"]
    assert described["answer"]["labels"] == ["bad", "good"]


def test_a_second_import_is_the_next_version(live: Contract, place: Place) -> None:
    place.bring(place.folder / "model.keras", ROWS)

    assert sorted(path.name for path in (place.models_dir / NAME).glob("[0-9]*")) == ["1", "2"]


def trained() -> Contract:
    return dataclasses.replace(
        tabular_contract(NAME),
        evaluation={"metric": "accuracy", "test": {"accuracy": 0.97}},
        provenance={"data": "reviews", "data_sha256": "abc"},
    )


def test_the_gate_refuses_to_replace_it_unseen_but_on_request(live: Contract) -> None:
    with pytest.raises(GateRefused, match="can't be compared with the live version, which was measured on other data"):
        check(trained(), live, BINARY, 0.86, 0.01)

    assert check(trained(), live, BINARY, 0.86, 0.01, replace_incomparable=True).endswith("--replace-incomparable")


def test_a_later_job_compares_itself_with_it_where_both_answer_the_same_question(live: Contract) -> None:
    head = Labels(("bad", "good"), top=2)

    assert check_question(live, BINARY, head, "", ROWS) == "answer"
    with pytest.raises(Incomparable, match="requires fields that the test rows lack: 'x'"):
        check_question(live, BINARY, head, "", [{"text": "good"}])
