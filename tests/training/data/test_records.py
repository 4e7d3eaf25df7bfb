import math
from functools import partial

import numpy as np
import pandas as pd
import pytest

from serving.contract.encoders import Category, Date, Number, NumberArray, Picture, Tags, Text
from training.data.datasets import Dataset, Part, as_json
from training.data.features import prepare
from training.data.preprocessing import tabular_scaler
from training.data.records import record_fitter
from training.errors import BadRequest, UnusableData
from training.networks.dense import Dense

ROWS = [
    {
        "mass": 1.0 + row,
        "island": "Dream" if row % 2 else "Biscoe",
        "seen": ["a"] if row % 2 else ["a", "b"],
        "day": f"2026-01-0{row + 1}",
        "text": f"word{row} good",
        "window": [1.0 * row, 2.0],
        "kind": "x",
    }
    for row in range(6)
]
FIELDS = {
    "mass": Number.fit,
    "island": Category.fit,
    "seen": Tags.fit,
    "day": Date.fit,
    "text": Text.fit,
    "window": NumberArray.fit,
}


def dataset(rows):
    return Dataset("x", Part(rows, np.zeros(len(rows))), Part(rows[:1], np.zeros(1)))


def fitted(rows, instances=None, fields=FIELDS):
    return record_fitter(fields)(dataset(rows), rows if instances is None else instances, None)


def test_tables_are_packed_and_all_else_is_an_input_of_its_own_name():
    record = fitted(ROWS, fields=FIELDS | {"kind": partial(Category.fit, output="id"), "photo": Picture(4, 5)})

    assert [(each.name, each.fields) for each in record.inputs] == [
        ("features", ("mass", "island", "seen", "day")),
        ("text", ("text",)),
        ("window", ("window",)),
        ("kind", ("kind",)),
        ("photo", ("photo",)),
    ]
    assert record.required == tuple(record.fields)


@pytest.mark.parametrize("gap", [None, math.nan, np.float64("nan"), "absent"], ids=str)
@pytest.mark.parametrize("name", [*FIELDS])
def test_a_field_may_be_missing_in_a_fold_whose_own_rows_have_it_if_any_row_of_the_data_has_not(name, gap):
    rows = [dict(row) for row in ROWS]
    rows[5][name] = gap
    if gap == "absent":
        del rows[5][name]
    record = fitted(rows, rows[:4])

    assert record.fields[name].optional
    assert set(record.required) == {*FIELDS} - {name}
    prepare(record, rows)  # the validation rows of the fold have the gap
    assert record.fields["mass"].scaling.offset == np.mean([1.0, 2.0, 3.0, 4.0])  # fitted to the fold's rows alone


def test_a_gap_within_an_array_counts_too():
    rows = [*ROWS, ROWS[0] | {"window": [math.nan, 1.0]}]
    record = fitted(rows, ROWS)

    assert record.fields["window"].optional
    assert prepare(record, rows)["window"][-1, 0] == 0


def test_a_category_that_only_other_rows_of_the_data_have_counts_as_unknown_in_a_fold():
    rows = [*ROWS, ROWS[0] | {"island": "Torgersen", "seen": ["c"]}]
    fold, whole = fitted(rows, ROWS), fitted(rows)

    for name in ("island", "seen"):
        assert fold.fields[name].vocabulary.unknown == "bucket"
        assert whole.fields[name].vocabulary.unknown == "error"
    assert prepare(fold, rows)["features"][-1, 1:4].tolist() == [1, 0, 0]
    with pytest.raises(UnusableData, match="row 0 of the data: island: expected one of"):
        prepare(whole, [ROWS[0] | {"island": "Elba"}])


def test_what_can_not_be_fitted_is_told_with_its_field_and_the_row_that_it_has_in_the_data():
    rows = [*ROWS, ROWS[0] | {"mass": "heavy"}]
    with pytest.raises(BadRequest, match="field 'mass': row 6: expected a number, got 'heavy'"):
        fitted(rows, rows[::-1])
    with pytest.raises(BadRequest, match="field 'age': expected at least one number, got 6 rows without any"):
        fitted(ROWS, fields={"age": Number.fit})
    with pytest.raises(BadRequest, match="field 'features': this name is taken"):
        fitted([row | {"features": "x"} for row in ROWS], fields=FIELDS | {"features": Text.fit})


def test_rows_of_a_table_are_read_as_a_caller_would_send_them():
    frame = pd.DataFrame({"mass": [1, None, 3], "legs": [2, 4, 2], "island": ["Dream", None, "Biscoe"]})
    rows = frame.to_dict("records")
    numpy_rows = [row | {"mass": np.float64(row["mass"]), "legs": np.int64(row["legs"])} for row in rows]
    record = fitted(rows, fields={"mass": Number.fit, "legs": Number.fit, "island": Category.fit})

    assert prepare(record, numpy_rows)["features"].tolist() == prepare(record, rows)["features"].tolist()
    assert as_json(rows[1]) == {"mass": None, "legs": 4, "island": None}


@pytest.mark.parametrize("gap", [{}, {"mass": math.nan}, {"mass": None}], ids=str)
def test_the_scaler_of_tables_lets_be_missing_what_is(gap):
    rows = [{"mass": 1.0, "legs": 2.0}, {"mass": 3.0, "legs": 4.0}, {"legs": 2.0} | gap]
    record = tabular_scaler(dataset(rows), rows[:2], Dense(epochs=1, batch_size=1))

    assert record.required == ("legs",)
    assert prepare(record, rows)["features"][2, 0] == 0


def test_inputs_have_names_that_a_graph_takes_whatever_the_fields_are_called():
    names = ["Comment (EN)", "Comment [EN]", "plain", "评论", "field_Comment_EN"]
    rows = [dict.fromkeys(names, f"good {row}") for row in range(3)]

    record = record_fitter(dict.fromkeys(names, Text.fit))(dataset(rows), rows, None)

    inputs = {each.fields[0]: each.name for each in record.inputs}
    assert inputs == {
        "Comment (EN)": "field_Comment_EN_2",
        "Comment [EN]": "field_Comment_EN_3",
        "plain": "plain",
        "评论": "field",
        "field_Comment_EN": "field_Comment_EN",
    }
