"""The manifest of a run: a run that was begun goes on with the same engine only."""

from pathlib import Path

import pytest

from serving.batch.errors import Changed
from serving.tfserving.version_status import VersionState, VersionStatus
from tests.serving.batch.conftest import done, houses, write_jsonl
from tests.serving.batch.instant import InstantServer
from tests.serving.contracts import tabular_contract


def test_a_run_is_not_continued_by_another_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = tabular_contract()
    source = write_jsonl(tmp_path / "in.jsonl", houses(5))
    assert done(tmp_path, contract, [source], "first.jsonl")["engine"] == "tensorflow"
    statuses = (VersionStatus(1, VersionState.AVAILABLE, engine="lite"),)
    monkeypatch.setattr(InstantServer, "versions", lambda self, model, deadline: statuses)
    assert done(tmp_path, contract, [source], "second.jsonl")["engine"] == "lite"
    assert done(tmp_path, contract, [source], "second.jsonl")["finished_before"]
    with pytest.raises(Changed, match="with the engine tensorflow, and now it is lite"):
        done(tmp_path, contract, [source], "first.jsonl")
