import csv
import gzip
import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from serving.batch.readers.parquet_rows import ParquetRecords
from serving.commands.drift import drift
from serving.contract import Contract
from serving.gateway.app import create_app
from serving.gateway.middleware.key_file import make_key
from serving.gateway.settings import Settings
from serving.process.exit_codes import ExitCode
from tests.serving.commands.test_verify import served
from tests.serving.contracts import scores, tabular_contract, text_contract, with_reference
from tests.serving.fake_model_server import FakeModelServer

RNG = np.random.default_rng(3)


def saved(folder: Path, contract: Contract) -> Path:
    (folder / "assets.extra").mkdir(parents=True)
    (folder / "assets.extra" / "contract.json").write_text(contract.to_json(), "utf-8")
    return folder


def asked(path: Path, model: str, folder: Path, *options: str) -> Result:
    return CliRunner().invoke(drift, [str(path), "--model", model, "--saved-model", str(folder), *options])


def report(result: Result) -> dict[str, dict[str, Any]]:
    return {feature["feature"]: feature for feature in json.loads(result.stdout)["features"]}


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    return saved(tmp_path / "house", with_reference(tabular_contract()))


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)
    return path


def like_training(count: int) -> list[dict[str, Any]]:
    examples = tabular_contract().examples
    return [
        {"id": number, **examples[number % 2].instance, "value": float(examples[number % 2].outputs["scores"][0])}
        for number in range(count)
    ]


def test_rows_like_trainings_are_stable(tmp_path: Path, houses: Path) -> None:
    path = write_csv(tmp_path / "a.csv", like_training(300))
    result = asked(path, "house_price", houses)
    assert result.exit_code == 0, result.output
    first, header, *lines = result.output.splitlines()
    assert first == f"house_price: 300 rows of {path}"
    assert header.split() == ["FEATURE", "PSI", "KS", "CHANCE", "OUTSIDE", "MISSING", "VERDICT"]
    assert [line.split()[0] for line in lines] == ["rooms", "age", "value"]
    assert all(line.endswith("stable") for line in lines)


def test_drift_is_told_by_feature_and_by_the_exit_code(tmp_path: Path, houses: Path) -> None:
    rows = [{**row, "rooms": row["rooms"] * 3} for row in like_training(2300)]
    path = write_csv(tmp_path / "a.csv", rows)
    result = asked(path, "house_price", houses, "--json")
    assert result.exit_code == ExitCode.DRIFTED
    told = report(result)
    assert {name: feature["verdict"] for name, feature in told.items()} == {
        "rooms": "drift",
        "age": "stable",
        "value": "stable",
    }
    assert told["rooms"]["outside"] == 1
    assert told["rooms"]["rows"] == 2300


def test_texts_of_a_column_with_another_name_without_answers(tmp_path: Path) -> None:
    folder = saved(tmp_path / "sentiment", with_reference(text_contract()))
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps({"review": "zork " * 30, "stars": 3}) for _ in range(200)))
    result = asked(path, "sentiment", folder, "--column", "text=review", "--json")
    assert result.exit_code == ExitCode.DRIFTED, result.output
    told = report(result)
    assert [*told] == ["words", "unknown_ratio", "vocabulary"]
    assert told["words"]["outside"] == told["unknown_ratio"]["outside"] == 1


def test_labels_and_scores_of_a_scored_file_are_compared(tmp_path: Path) -> None:
    contract = with_reference(text_contract())
    folder = saved(tmp_path / "sentiment", contract)
    instances = [example.instance for example in contract.examples] * 100
    answers = contract.answers.make({"scores": scores(contract.features(instances), 1, 0)})
    path = tmp_path / "a.jsonl"
    for label, verdict in ((None, "stable"), ("negative", "drift")):
        rows = [
            {**it, **answer, "label": label or answer["label"]} for it, answer in zip(instances, answers, strict=True)
        ]
        path.write_text("\n".join(map(json.dumps, rows)))
        told = report(asked(path, "sentiment", folder, "--json"))
        assert told["label"]["verdict"] == verdict
        assert told["score"]["verdict"] == "stable"


def test_invalid_rows_are_left_out_and_named(tmp_path: Path, houses: Path) -> None:
    rows = like_training(300)
    rows[3]["age"], rows[8]["rooms"] = "old", ""
    result = asked(write_csv(tmp_path / "a.csv", rows), "house_price", houses)
    assert "298 rows" in result.output
    assert "left out row 4: age: expected a number, got 'old'" in result.stderr
    assert "left out row 9: rooms: expected a number, got nothing" in result.stderr


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "", "expected a file that ends in .csv, .tsv, .jsonl"),
        ("a.jsonl", '{"rooms": 1', "no row can be read: row 1: expected a JSON object"),
        ("a.jsonl", "[1]", "no row can be read: row 1: expected a JSON object"),
        ("a.csv", "rooms,alter\n1,2\n", "expected a column 'age', got rooms, alter"),
        ("a\x07.csv", "rooms,alter\n1,2\n", "a\\x07.csv: expected"),
        ("a.csv", b"rooms,age\n\xff,2\n", "no row can be read: row 1: expected UTF-8"),
        ("a.csv", 'rooms,age\n1,2\n3,"4\n5,6\n', "row 2, which begins in line 3: a quote is not closed"),
        ("a.csv", "rooms,age,value\n1,2,3\n1,2,\n", "row 2: has no answer, though others have"),
        ("a.csv", "rooms,age,value\n1,2,high\n", "row 1: expected a number as the answer, got 'high'"),
    ],
)
def test_files_that_can_not_be_read_are_told(
    tmp_path: Path, houses: Path, name: str, content: str | bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = asked(path, "house_price", houses)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_parquet_file_that_ends_what_reads_it_is_told(
    tmp_path: Path, houses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = ParquetRecords.take

    def taken(self: ParquetRecords, count: int) -> object:
        os.kill(self.pages.pid, signal.SIGSEGV)  # as a damaged page would
        return take(self, count)

    monkeypatch.setattr(ParquetRecords, "take", taken)
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"rooms": [5.0] * 10, "age": [9.0] * 10}), path)
    result = asked(path, "house_price", houses)
    assert result.exit_code == 2
    assert f"Error: {path}, row group 0, can't be read: the Parquet library was ended there by SIGSEGV" in result.output


def test_too_few_rows_are_no_drift(tmp_path: Path, houses: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.touch()
    assert {it["verdict"] for it in report(asked(path, "house_price", houses, "--json")).values()} == {"too few rows"}
    path.write_text('{"rooms": 900, "age": 900}')
    result = asked(path, "house_price", houses, "--json")
    assert result.exit_code == 0
    assert {it["verdict"] for it in report(result).values()} == {"too few rows"}


def test_what_the_contract_comes_from_is_checked(tmp_path: Path, houses: Path) -> None:
    path = write_csv(tmp_path / "a.csv", like_training(3))
    assert "it is a version of house_price, not of topic" in asked(path, "topic", houses).output
    assert (
        "expected FIELD=NAME, where FIELD is one of rooms, age"
        in asked(path, "house_price", houses, "--column", "room=x").output
    )
    old = saved(tmp_path / "old", tabular_contract())
    assert "no reference statistics: train the model again" in asked(path, "house_price", old).output
    assert "contract.json" in asked(path, "house_price", tmp_path).output
    result = CliRunner().invoke(drift, [str(path), "--model", "house_price", "--url", "http://127.0.0.1:9"])
    assert "no gateway answers" in result.output


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl.gz", "a.tsv"])
def test_every_file_of_rows_that_can_be_scored_is_read(tmp_path: Path, houses: Path, name: str) -> None:
    rows = like_training(50)
    if name == "a.parquet":
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / name, row_group_size=20)
    elif name == "a.tsv":
        (tmp_path / name).write_text(
            "\n".join("\t".join(map(str, row)) for row in [[*rows[0]], *map(dict.values, rows)])
        )
    else:
        (tmp_path / name).write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    told = json.loads(asked(tmp_path / name, "house_price", houses, "--json").stdout)
    assert told["rows"] == 50
    assert "value" in {feature["feature"] for feature in told["features"]}


def test_a_gateway_with_keys_gives_the_contract_to_who_has_one(tmp_path: Path, model_server: FakeModelServer) -> None:
    model_server.publish(with_reference(tabular_contract()))
    key, line = make_key("alice")
    (tmp_path / "api-keys").write_text(f"{line}\n")
    path = write_csv(tmp_path / "a.csv", like_training(300))
    settings = Settings(
        model_server=model_server.address,
        models=("house_price",),
        refresh_seconds=0.05,
        api_keys_file=tmp_path / "api-keys",
    )
    with served(create_app(settings)) as url:
        command = [str(path), "--model", "house_price", "--url", url]
        refused = CliRunner().invoke(drift, command)
        by_option = CliRunner().invoke(drift, [*command, "--api-key", key])
        by_variable = CliRunner().invoke(drift, command, env={"PLUMBLINE_API_KEY": key})
    assert (refused.exit_code, "expected a known API key" in refused.output) == (1, True)
    for result in (by_option, by_variable):
        assert (result.exit_code, "300 rows" in result.output) == (0, True), result.output
