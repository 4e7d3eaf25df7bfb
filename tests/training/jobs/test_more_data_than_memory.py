"""Rows and photos stream from disk: a job in little memory ends with the weights of one with all rows in memory."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.training.jobs import limited_memory

CATEGORIES = 1_000
RNG = np.random.default_rng(1)


def table(folder: Path, rows: int) -> Path:
    """Write a table, whose features are of 8 kB a row, and its declaration."""
    folder.mkdir(parents=True)
    place = np.arange(rows)
    columns = {
        "a": [f"a{number}" for number in (place % CATEGORIES).tolist()],
        "b": (place * 7 % CATEGORIES).tolist(),
        "x": [None if row % 50 == 1 else float(row % 10) for row in range(rows)],
        "series": RNG.normal(size=(rows, 32)).tolist(),
        "note": [f"word{row % 90} in a note of {row % 7} words" for row in range(rows)],
        "y": ["yes" if row % 10 > 4 else "no" for row in range(rows)],
    }
    pq.write_table(pa.table(columns), folder / "data.parquet", row_group_size=rows)
    one_hot = 'category"\noutput = "onehot'
    kinds = {"a": one_hot, "b": one_hot, "x": "number", "series": "array", "note": "text"}
    fields = "".join(f'[fields.{name}]\nkind = "{kind}"\n' for name, kind in kinds.items())
    return declared(folder, '[data]\nfile = "data.parquet"\n[target]\ncolumn = "y"\n' + fields, "mixed")


def photos(folder: Path, count: int) -> Path:
    """Write small photos, whose features are of 49 kB each, and their declaration."""
    for place, label in enumerate(("ant", "bee")):
        (folder / "zoo" / label).mkdir(parents=True)
        for number in range(count // 2):
            pixels = RNG.integers(0, 100, (8, 8, 3), np.uint8)
            pixels[..., place] += 100
            Image.fromarray(pixels).save(folder / "zoo" / label / f"{number}.png")
    field = '[data]\nfolder = "zoo"\n[fields.image]\nkind = "image"\nheight = 128\nwidth = 128\n'
    return declared(folder, field, "convnet", "filters = [1]\n")


def declared(folder: Path, data: str, recipe: str, settings: str = "") -> Path:
    path = folder / "big.toml"
    small = (
        "epochs = 1\nbatch_size = 32\nunits = [4]\nmembers = 1\n"
        if recipe == "mixed"
        else "epochs = 1\nbatch_size = 8\nunits = 4\n"
    )
    path.write_text(f'name = "big"\n{data}[protocol]\nname = "holdout"\n[recipe]\nname = "{recipe}"\n{small}{settings}')
    return path


# Memory that is free goes back to the system at once: else the limit would be one on how much of it each thread keeps.
RETURNS_MEMORY = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 17),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 17),
}


def trained(path: Path, limit: int | None) -> dict[str, Any]:
    """Train in a process that may take *limit* bytes, or with everything in memory."""
    models = path.parent / f"models-{limit}"
    done = subprocess.run(
        [sys.executable, "-m", limited_memory.__name__, path, models, *([] if limit is None else [str(limit)])],
        env=os.environ | RETURNS_MEMORY | {"PLUMBLINE_CACHE": str(path.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize(
    ("write", "few", "many", "size"), [(table, 4 * CATEGORIES, 24_000, 8_000), (photos, 200, 3_000, 128 * 128 * 3)]
)
def test_a_tenth_of_the_data_is_enough_memory_for_the_same_weights(tmp_path, write, few, many, size):
    usual = trained(write(tmp_path / "few", few), limit=1 << 40)
    path, data = write(tmp_path / "many", many), many * size
    limited, whole = trained(path, usual["peak"] + data // 10), trained(path, limit=None)

    assert limited["weights"] == whole["weights"]
    assert whole["peak"] > usual["peak"] + 0.3 * data, "the limit is none"
