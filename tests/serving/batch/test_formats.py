"""The table of formats: what reads, writes, and names them is made of it."""

import json
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from serving.batch.errors import BadInput
from serving.batch.formats import FORMATS, Format, format_of, make_writer
from serving.batch.readers.csv_rows import csv_records
from serving.commands.drift import drift
from serving.commands.score import score
from tests.serving.batch.conftest import done, houses, write_csv
from tests.serving.contracts import tabular_contract, with_reference


def test_a_line_in_the_table_is_all_that_a_format_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "psv", Format("psv", (".psv",), partial(csv_records, usual="|")))
    path = write_csv(tmp_path / "in.psv", houses(40), delimiter="|")
    contract = with_reference(tabular_contract())
    (tmp_path / "1" / "assets.extra").mkdir(parents=True)
    (tmp_path / "1" / "assets.extra" / "contract.json").write_text(contract.to_json(), "utf-8")

    assert done(tmp_path, contract, [path], "out.jsonl")["rows"] == 40
    options = ["--model", contract.model, "--saved-model", str(tmp_path / "1"), "--json"]
    assert json.loads(CliRunner().invoke(drift, [str(path), *options]).stdout)["rows"] == 40
    with pytest.raises(BadInput, match=r"ends in .*\.psv"):
        format_of("in.txt", None)


def test_help_and_errors_name_every_format() -> None:
    options = {parameter.name: parameter for parameter in score.params}
    assert list(options["format"].type.choices) == list(FORMATS)  # type: ignore[attr-defined]
    for format in FORMATS.values():
        for suffix in format.suffixes[:1]:
            assert suffix in (score.epilog or "")


@pytest.mark.parametrize("output", ["out.txt", "out.tsv", "out", "out.parquet.gz", "out.zip"])
def test_an_output_of_another_format_is_refused(output: str) -> None:
    with pytest.raises(BadInput, match=r"expected \.csv, \.jsonl \(also with \.gz or \.zst\) or \.parquet at its end"):
        make_writer(output, (("value", "number"), ("unit", "text")), (), "", ("m", 1, "c"))
