"""The contract's file is taken only if the graph carries the same."""

from pathlib import Path

import pytest

from serving.errors import ContractError
from serving.registry.carried import carried_contract
from serving.registry.versions import CONTRACT
from tests.serving.contracts import text_contract
from tests.serving.saved_models import write_saved_model

WRITTEN = text_contract().to_json()


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "1"
    write_saved_model(folder, text_contract(), WRITTEN)
    return folder


def test_the_contract_that_the_graph_carries_is_read(version: Path) -> None:
    (version / CONTRACT).write_text(WRITTEN)

    assert carried_contract(version) == WRITTEN.encode()


@pytest.mark.parametrize(
    "other",
    [
        WRITTEN.replace('["negative", "positive"]', '["positive", "negative"]'),
        WRITTEN[:-1],
        WRITTEN + " ",
        WRITTEN.replace('"tolerance": 0.001', '"tolerance": 0.1'),
    ],
    ids=["swapped labels", "cut", "longer", "another tolerance"],
)
def test_another_contract_is_refused(version: Path, other: str) -> None:
    assert other != WRITTEN
    (version / CONTRACT).write_text(other)

    with pytest.raises(
        ContractError, match=r"contract\.json: expected the contract that the graph carries, got another"
    ):
        carried_contract(version)
