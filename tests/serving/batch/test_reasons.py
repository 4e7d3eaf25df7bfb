"""`score --explain`: each answer with its strongest reasons."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from serving.batch.errors import BadInput, Changed
from serving.batch.jobs.plan import Shard
from serving.batch.jobs.scoring_job import merge_shards
from serving.batch.reasons import as_text, reasons_of
from serving.contract.arrays import Array, Features
from serving.contract.heads import Vector
from serving.explanation import explain
from tests.serving.batch.conftest import Command, done, houses, read_jsonl, write_csv, write_jsonl
from tests.serving.contracts import image_contract, make_contract, planted, tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer

BAD = text_contract().features([{"text": "bad"}])["ids"].max()
"""The id of the word that decides."""


def by_one_word(features: Features) -> Array:
    """Positive unless the text has it."""
    (ids,) = features.values()
    return np.where((ids == BAD).any(axis=1, keepdims=True), 0.125, 0.875).astype(np.float32)


def by_rooms(features: Features) -> Array:
    """Nothing but the number of rooms."""
    (numbers,) = features.values()
    return numbers[:, :1].astype(np.float32)


@pytest.fixture
def explained(command: Command, model_server: FakeModelServer) -> Command:
    for contract, model in ((text_contract(), by_one_word), (tabular_contract(), by_rooms)):
        model_server.publish(planted(contract, model), model=model)
    return command


def test_each_answer_has_its_reasons_and_a_row_that_is_refused_has_none(explained: Command, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": "a very bad film"}, {"text": 5}, {"text": "a good film"}])

    result = explained("in.jsonl", "--output", "out.jsonl", "--explain")

    assert result.exit_code == 0, result.output
    first, last = read_jsonl(tmp_path / "out.jsonl")
    assert (first["label"], first["score"]) == ("negative", 0.875)
    assert first["reasons"] == [{"field": "text", "part": "bad", "contribution": 0.75}]
    assert (last["row_id"], last["label"], last["reasons"]) == ("in.jsonl:3", "positive", [])
    assert [reject["row"] for reject in read_jsonl(tmp_path / "out.jsonl.rejects.jsonl")] == [2]
    assert "the reasons take up to 128 more answers a row" in result.stderr


def test_csv_has_them_as_a_text_and_parquet_as_a_list(explained: Command, tmp_path: Path) -> None:
    write_csv(tmp_path / "in.csv", [{"rooms": 7.5, "age": 80}])
    for output in ("out.csv", "out.parquet"):
        result = explained("in.csv", "--output", output, "--explain", model="house_price")
        assert result.exit_code == 0, result.output

    with (tmp_path / "out.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert list(row) == ["row_id", "value", "unit", "reasons", "model", "version", "contract"]
    assert row["reasons"] == 'rooms "7.5" +2.5'  # five rooms are typical
    table = pq.read_table(tmp_path / "out.parquet")
    assert table["reasons"].to_pylist() == [[{"field": "rooms", "part": "7.5", "contribution": 2.5}]]


def test_numbers_that_are_not_finite_without_a_part_leave_the_answer_without_reasons(
    command: Command, model_server: FakeModelServer, tmp_path: Path
) -> None:
    def odd(features: Features) -> Array:
        (numbers,) = features.values()
        is_odd = (numbers[:, :1] == -1) & (numbers[:, 1:] > 0)  # few rooms in an old house
        return np.where(is_odd, np.nan, numbers[:, :1]).astype(np.float32)

    model_server.publish(planted(tabular_contract(), odd), model=odd)
    write_csv(tmp_path / "in.csv", [{"rooms": 7.5, "age": 80}])

    result = command("in.csv", "--output", "out.jsonl", "--explain", model="house_price")

    assert result.exit_code == 0, result.output
    (row,) = read_jsonl(tmp_path / "out.jsonl")
    assert (row["value"], row["reasons"]) == (1.5, None)


def test_a_run_with_reasons_is_resumed_with_them_and_by_shards_to_the_same_bytes(
    tmp_path: Path,
) -> None:
    contract = tabular_contract()
    source = write_csv(tmp_path / "in.csv", houses(12))
    options: dict[str, Any] = {"explain": True, "explain_budget": 6, "part_rows": 3}
    done(tmp_path, contract, [source], "whole.jsonl", **options)
    for index in (1, 0):
        done(tmp_path, contract, [source], "shards.jsonl", shard=Shard(index, 2), **options)
    merge_shards(str(tmp_path / "shards.jsonl"), None)

    assert (tmp_path / "shards.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    with pytest.raises(Changed, match="with explain-budget 6, and now it is nothing"):
        done(tmp_path, contract, [source], "whole.jsonl", part_rows=3)
    with pytest.raises(Changed, match="with explain-budget 6, and now it is 8"):
        done(tmp_path, contract, [source], "whole.jsonl", **{**options, "explain_budget": 8})


def test_what_reasons_cost_is_told_before_and_some_are_shown(explained: Command, tmp_path: Path) -> None:
    write_csv(tmp_path / "in.csv", [{"text": "a bad film"}] * 3)
    result = explained("in.csv", "--output", "out.jsonl", "--explain", "--explain-budget", 40, "--dry-run")
    assert "  reasons    up to 40 more answers a row (--explain-budget)" in result.output
    assert '"reasons": [{"field": "text", "part": "bad", "contribution": 0.75}]' in result.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--explain", "--explain-budget", 5), "--explain-budget: expected at least 6, 2 for each field and 2, got 5"),
        (("--explain-budget", 40), "--explain-budget is for --explain, which is missing"),
        (("--explain", "--keep", "reasons"), "--keep reasons: the output has a column of that name"),
    ],
)
def test_what_does_not_fit_is_refused(
    explained: Command, tmp_path: Path, options: tuple[object, ...], said: str
) -> None:
    write_csv(tmp_path / "in.csv", [{"rooms": 7.5, "age": 80, "reasons": ""}])
    result = explained("in.csv", "--output", "out.jsonl", *options, model="house_price")
    assert (result.exit_code, said in result.output) == (2, True), result.output


def test_of_vectors_there_are_no_reasons(tmp_path: Path) -> None:
    record, instance = tabular_contract().record, {"rooms": 7.5, "age": 80.0}
    contract = make_contract("vectors", record, Vector(4), [instance])
    source = write_csv(tmp_path / "in.csv", [instance])
    with pytest.raises(BadInput, match="--explain: expected a model that answers a label, tags or a value, got one of"):
        done(tmp_path, contract, [source], "out.jsonl", explain=True)


def test_a_patch_is_named_by_its_place_and_quotes_stay_readable() -> None:
    contract = image_contract(side=4)

    def by_corner(instances: Any) -> dict[str, Array]:
        pixels = contract.features(instances)["image"].reshape(len(instances), 4, 4)
        scores = np.full((len(instances), 10), 0.01, np.float32)
        scores[:, 3] = pixels[:, 0, 3]
        return {"scores": scores}

    file = io.BytesIO()
    picture = Image.new("L", (4, 4))
    picture.putpixel((3, 0), 255)
    picture.save(file, "PNG")

    (first, *_) = reasons_of(explain(contract, {"image": file.getvalue()}, by_corner))

    assert (first["field"], first["part"]) == ("image", "row 1 of 4, column 4 of 4")
    assert as_text([{"field": "text", "part": 'a "bad" film', "contribution": -0.5}]) == r'text "a \"bad\" film" -0.5'
