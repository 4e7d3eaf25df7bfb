"""Whatever reads JSON lines takes captures for the instances in them."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from click.testing import CliRunner

from serving.captures import CAPTURES, FEEDBACK, Capture, Failure, PartName, write_part
from serving.captures.rows import as_row
from serving.commands.drift import drift
from tests.serving.batch.conftest import done, read_jsonl
from tests.serving.captures.test_captures import CAPTURE, LINE, TIME
from tests.serving.commands.test_drift import saved
from tests.serving.contracts import answers, tabular_contract, with_reference
from training.declarations.json_lines import json_rows

CONTRACT = with_reference(tabular_contract())
ROOMS = {"rooms": 5.0, "age": 30.0}


def captured(folder: Path, count: int) -> Path:
    """Write captures of a model, one of a failed request, and feedback beside them. Return the folder of the model."""
    value = answers(CONTRACT, [ROOMS])[0]
    good = [replace(CAPTURE, model="house_price", instance=ROOMS, answer=value, index=index) for index in range(count)]
    failed = replace(good[0], answer=None, status=422, error=Failure(code="c"), instance={"rooms": "x"})
    for minute, captures in enumerate((good[: count // 2], [failed, *good[count // 2 :]])):
        write(folder, CAPTURES, minute, captures)
    write_part(folder, PartName.new("house_price", FEEDBACK, TIME), ['{"feedback": 1}'])
    (folder / "house_price" / "captures" / "2026-11-29" / ".101113-h-1-9.jsonl.gz").write_bytes(b"not whole")
    return folder / "house_price"


def write(folder: Path, kind: str, minute: int, captures: list[Capture]) -> None:
    name = PartName.new("house_price", kind, TIME + timedelta(minutes=minute))
    write_part(folder, name, [capture.to_json() for capture in captures])


def test_a_capture_is_its_instance_with_its_answer_and_the_facts_of_the_request():
    row = {"request_id": "a-1", "index": 0, "time": "2026-11-29T10:11:12.345678Z", "version": 3, "share": 1.0}

    assert as_row(json.loads(LINE)) == {**row, "label": "x", "text": "fün"}
    assert as_row({"capture": 1, "instance": 2}) == {"capture": 1, "instance": 2}
    assert as_row(json.loads(replace(CAPTURE, answer=None, status=500, error=Failure(code="c")).to_json())) is None


def test_a_folder_of_captures_is_scored(tmp_path: Path):
    folder = captured(tmp_path / "captures", 6)
    done(tmp_path, CONTRACT, [folder], "out.jsonl", id_column="request_id", keep=("index",))
    rows = read_jsonl(tmp_path / "out.jsonl")

    assert [row["index"] for row in rows] == [0, 1, 2, 3, 4, 5]
    assert {row["row_id"] for row in rows} == {"a-1"}
    assert {row["value"] for row in rows} == {answers(CONTRACT, [ROOMS])[0]["value"]}


def test_their_drift_is_measured_with_that_of_the_answers(tmp_path: Path):
    folder = captured(tmp_path / "captures", 1000)
    model = saved(tmp_path / "house", CONTRACT)
    result = CliRunner().invoke(drift, [str(folder), "--model", "house_price", "--saved-model", str(model), "--json"])
    report = json.loads(result.stdout)

    assert report["rows"] == 1000
    assert {feature["feature"] for feature in report["features"]} == {"rooms", "age", "value"}


def test_training_reads_them_as_rows(tmp_path: Path):
    rows = [row for _, row in json_rows(captured(tmp_path, 4))]

    assert [(row["rooms"], row["index"], "value" in row) for row in rows] == [(5.0, index, True) for index in range(4)]
