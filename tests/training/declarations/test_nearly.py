"""`plumbline new` on columns that a person means as numbers or dates, but that can't all be read as such."""

import numpy as np
import pytest

from tests.training.declarations.tables import run_new, write


def told_of(tmp_path, name, cells):
    """Return what the command tells of a column with these *cells*, beside one that is random."""
    rng = np.random.default_rng(1)
    rows = "".join(f'"{cell}",{rng.normal():.3f},{"ab"[rng.integers(2)]}\n' for cell in cells)
    done = run_new(write(tmp_path, "t.csv", f"{name},z,y\n{rows}"), "--output", tmp_path / "out.toml")
    assert done.exit_code == 0, done.output
    (line,) = [line for line in done.output.splitlines() if line.startswith(f'  "{name}"')]
    return line


NUMBERS = [f"{row * 37 % 101 + 1000}.{row % 10}" for row in range(101)]
DAYS = [f"{row % 28 + 1:02d}.{row % 12 + 1:02d}.2024" for row in range(84)]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([*NUMBERS, "approx 5"], 'all but 1 are numbers: if these are meant, correct or empty "approx 5" in the file'),
        ([*NUMBERS, "many", "few"], 'correct or empty "many" and 1 more in the file'),
        ([*DAYS, "31.02.2024"], 'all but 1 are dates like %d.%m.%Y: if these are meant, correct or empty "31.02.2024"'),
        ([*"0123456789" * 9, "ten"], 'all but 1 are numbers: if these are meant, correct or empty "ten" in the file'),
        ([f"{number}%" for number in NUMBERS], 'write such as "1000.0%" without marks'),
        ([f"€{number}" for number in NUMBERS], 'write such as "€1000.0" without marks'),
        ([f"{row * 37 % 101 + 1000:,}" for row in range(101)], 'write such as "1,000" without marks'),
    ],
)
def test_texts_that_were_meant_as_numbers_or_dates_are_told(tmp_path, cells, reason):
    assert reason in told_of(tmp_path, "x", cells)


@pytest.mark.parametrize(
    "cells", [[f"K{row:03d}" for row in range(101)], [*NUMBERS[:50], *(f"K{row}" for row in range(51))]]
)
def test_codes_are_not_taken_for_numbers(tmp_path, cells):
    assert told_of(tmp_path, "x", cells).endswith("different values in 101 rows")


WHOLE = [str(row * 37 % 101 * 3) for row in range(101)] * 2


@pytest.mark.parametrize("name", ["paid", "PAID", "humid", "idle_seconds", "IDLE"])
def test_a_name_that_only_has_the_letters_id_is_none_of_an_identifier(tmp_path, name):
    assert told_of(tmp_path, name, WHOLE) == f'  "{name}": number; 0 to 300'


@pytest.mark.parametrize("name", ["id", "ID", "shop_id", "shopId", "shopID", "IDshop", "customerid", "USERID", "row"])
def test_the_name_of_an_identifier_is_recognised(tmp_path, name):
    assert "identifier by its name" in told_of(tmp_path, name, WHOLE)
