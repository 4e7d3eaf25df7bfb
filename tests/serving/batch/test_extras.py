"""What the serve extra alone can do: all that is neither Parquet nor zst nor in an object store."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.batch.conftest import houses, write_csv

ROOT = Path(__file__).parents[3]
_PROGRAM = """
import sys
sys.modules.update(dict.fromkeys(["pyarrow", "fsspec", "tensorflow", "keras"]))  # as if they were not installed
from pathlib import Path
from serving.batch.errors import BadInput
from tests.serving.batch.conftest import done
from tests.serving.contracts import tabular_contract
folder = Path(sys.argv[1])
try:
    print(done(folder, tabular_contract(), [folder / "in.csv"], sys.argv[2])["rows"])
except BadInput as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("out.csv", "10"),
        ("out.jsonl.gz", "10"),
        ("out.parquet", "Parquet needs pyarrow, which is not installed: pip install 'plumbline[batch]'"),
        ("out.csv.zst", ".zst needs pyarrow, which is not installed: pip install 'plumbline[batch]'"),
    ],
)
def test_without_the_batch_extra(tmp_path: Path, output: str, said: str) -> None:
    write_csv(tmp_path / "in.csv", houses(10))
    command = [sys.executable, "-c", _PROGRAM, str(tmp_path), output]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == said
