"""docs/batch.md: its commands, one after the other, do what is shown."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.serving.batch.conftest import houses, texts, write_csv, write_jsonl
from tests.serving.contracts import image_contract, png, tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer

DOCUMENT = Path(__file__).parents[3] / "docs" / "batch.md"
STEPS = re.findall(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", DOCUMENT.read_text(), re.M)


@pytest.fixture
def prepared(tmp_path: Path, model_server: FakeModelServer) -> Path:
    for contract in (text_contract(), tabular_contract(), image_contract("image")):
        model_server.publish(contract)
    reviews = [{"id": f"r{index}", "review": text, "shop": "north"} for index, text in enumerate(texts(150))]
    reviews[120]["review"] = reviews[130]["review"] = ""
    write_csv(tmp_path / "reviews.csv", reviews)
    table = pa.Table.from_pylist([{**house, "suburb": "x"} for house in houses(40)])
    pq.write_table(table, tmp_path / "houses.parquet", row_group_size=10)
    for folder in ("more", "photos"):
        (tmp_path / folder).mkdir()
    write_jsonl(tmp_path / "more" / "1.jsonl", [{"text": "good film"}])
    (tmp_path / "photos" / "1.png").write_bytes(png(3))
    return tmp_path


def test_the_commands_do_what_is_shown(prepared: Path, model_server: FakeModelServer) -> None:
    assert len(STEPS) >= 10
    environment = {**os.environ, "MODEL_SERVER": model_server.address, "PYTHONPATH": str(DOCUMENT.parents[1])}
    for command, shown in STEPS:
        script = f'set -o pipefail; plumbline() {{ "{sys.executable}" -m serving "$@"; }}; {{ {command}; }} 2>&1'
        done = subprocess.run(
            ["/bin/bash", "-c", script], cwd=prepared, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stdout)
        if shown:
            assert _shape(done.stdout, command) == _shape(shown, command), command


def _shape(output: str, command: str) -> list[str]:
    """What of an output is the same whatever the data are: the first word of each line, of JSON the names."""
    lines = [line for line in output.splitlines() if line.split()[:1] != ["drift"]]  # the stand-ins have no reference
    if "head" in command or "cat scored" in command:
        return [re.sub(r"[0-9.]+|negative|positive|[0-9a-f]{16}", "", line) for line in lines[:1]] + [str(len(lines))]
    return [re.sub(r"[0-9,]+", "#", line.split()[0]) for line in lines]
