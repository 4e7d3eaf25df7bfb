"""Any table gives a file that declares a task, whose record reads the table's rows; or it is refused in a sentence."""

import csv
import tempfile
import tomllib
from pathlib import Path

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.training.declarations.tables import run_new
from training.data.features import prepare
from training.declarations.task import declared_task
from training.errors import TrainingError

CELLS = st.one_of(
    st.sampled_from(
        ["", "NA", "0", "1", "-1", "1.5", "2,5", "1e3", "007", "true", "False", "?", "a", "b", "[1, 2]", '["x"]']
    ),
    st.sampled_from(
        ["2026-11-28", "28.11.2026", "2026-11-28T12:00:00Z", "[", "nan", "inf", "1e999", "-", "=1+1", "x|y", "x;y"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.integers(-(10**20), 10**20).map(str),
    st.floats().map(str),
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@st.composite
def tables(draw):
    """Draw columns, each of few cells that repeat or of any."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    rows = draw(st.integers(4, 40))
    columns = []
    for _ in names:
        pool = draw(st.lists(CELLS, min_size=1, max_size=6))
        cells = st.sampled_from(pool) if draw(st.booleans()) else CELLS
        columns.append(draw(st.lists(cells, min_size=rows, max_size=rows)))
    if draw(st.integers(0, 3)):  # otherwise the last column is the target, which few of these can be
        names = [*names, "a target"]
        columns.append([draw(st.sampled_from(["yes", "no", ""])) for _ in range(rows)])
    return names, list(zip(*columns, strict=True)), draw(st.sampled_from([",", ";", "\t", "|"]))


@settings(max_examples=200, suppress_health_check=list(HealthCheck), derandomize=True)
@given(tables())
def test_any_table_is_declared_or_refused(table):
    names, rows, separator = table
    with tempfile.TemporaryDirectory() as folder:
        data, path = Path(folder, "t.csv"), Path(folder, "t.toml")
        with data.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([names, *rows])
        done = run_new(data, "--output", path)
        if not path.exists():
            assert done.exit_code == 2, (done.output, done.exception)
            assert done.output.startswith("Error: ")
            return
        assert done.exit_code == 0, done.output
        document = tomllib.loads(path.read_text("utf-8"))
        try:
            _, task = declared_task(path)
            dataset = task.load(None)
            record = task.fit(dataset, dataset.train.instances, next(iter(task.recipes.values())))
            event("declared")
        except TrainingError as error:
            event(f"refused: {str(error)[-60:]}")
            return
        for part in (dataset.train, dataset.test):
            prepare(record, part.instances)
        assert set(record.fields) == set(document["fields"])
