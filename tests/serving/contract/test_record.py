import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.contract.encoders import Category, Date, Number, NumberArray, Picture, Raw, Tags, Text
from serving.contract.encoders.scaling import Scaling
from serving.contract.faults import MAX_FAULTS, Faults
from serving.contract.record import Input, Record, _Single
from serving.errors import ContractError

number = st.one_of(st.integers(-(10**30), 10**30), st.floats(-1e30, 1e30))
anything = st.one_of(
    number, number, st.none(), st.just(math.nan), st.just(1e31), st.just(10**400), st.just("1"), st.just(True)
)
scalings = st.builds(
    Scaling, st.sampled_from(["standard", "minmax"]), st.floats(-1e6, 1e6), st.floats(1e-3, 1e6)
) | st.just(Scaling("none"))
bounds = st.one_of(st.none(), st.floats(-1e3, 0)), st.one_of(st.none(), st.floats(1, 1e3))
encoders = st.builds(
    Number, scalings, st.sampled_from(["error", "mean"]), st.floats(-1e6, 1e6), st.just(False), *bounds
)


def faults_of(record: Record, instances: list[object]) -> list[str]:
    faults = Faults()
    record.read(instances, faults)
    return [f"{fault.row} {fault}" for fault in faults.first]


@given(st.lists(encoders, min_size=2, max_size=4), st.data())
def test_numbers_that_are_read_together_are_what_they_are_one_by_one(numbers, data):
    names = [f"n{place}" for place in range(len(numbers))]
    cell = data.draw(st.sampled_from([number, anything]))
    instances = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, cell)), max_size=5))
    record = Record.packed(dict(zip(names, numbers, strict=True)), "features")
    together, apart = Faults(), Faults()

    rows = record.read(instances, together)

    parts = [_Single(name, encoder) for name, encoder in record.fields.items()]
    columns = [part.read(instances, apart) for part in parts]
    assert sorted(map(str, together.first)) == sorted(map(str, apart.first))
    assert together.rows == apart.rows
    if not together.count:
        blocks = [part.encode(column) for part, column in zip(parts, columns, strict=True)]
        assert record.encode(rows)["features"].tobytes() == np.concatenate(blocks, axis=1).tobytes()
        np.testing.assert_array_equal(record.measured(rows)[1].values, np.stack(columns, axis=1))


MIXED = Record(
    {
        "mass": Number.fit([3.0, 4.0, None], flag=True),
        "island": Category.fit(["Dream", "Biscoe"]),
        "seen": Date.fit(["2026-01-31", "2026-02-01"], parts=("month",)),
        "habits": Tags.fit([["a", "b"], ["b"]]),
        "note": Text.fit(["a b", "c"], tokenizer="keras", length=3),
        "window": NumberArray.fit([[1.0, 2.0], [3.0, 4.0]]),
        "photo": Picture(4, 4),
        "raw": Raw("int64"),
    },
    (
        Input("features", ("mass", "island", "seen", "habits")),
        *(Input(name, (name,)) for name in ("note", "window", "photo", "raw")),
    ),
)


def test_every_fault_of_a_record_is_reported_with_its_path():
    wrong = {
        "mass": "heavy",
        "island": "Torgersen",
        "seen": "yesterday",
        "habits": ["b", "z"],
        "window": [1.0, "x"],
        "photo": 5,
        "raw": 1.5,
        "colour": "red",
    }
    told = faults_of(MIXED, [wrong])
    assert [line.split(":")[0] for line in told] == [
        "0 colour",
        "0 mass",
        "0 island",
        "0 seen",
        "0 habits/1",
        "0 note",
        "0 window/1",
        "0 photo",
        "0 raw",
    ]
    assert "0 note: expected a string that is not empty, got nothing" in told


def test_instances_that_are_no_objects_are_reported_among_the_others():
    record = Record.packed({"a": Number.fit([1.0]), "b": Number.fit([2.0])}, "features")
    assert faults_of(record, [5, {"a": 1, "b": 2}, {"a": 1}, None]) == [
        "0 expected an object with named fields, got 5",
        "2 b: expected a number, got nothing",
        "3 expected an object with named fields, got nothing",
    ]


def test_all_faults_are_counted_and_the_first_are_kept():
    record = Record.single("a", Number.fit([1.0]), "features")
    faults = Faults()
    record.read([{"a": "x"}] * 1000, faults)
    assert (faults.count, len(faults.first), len(faults.rows)) == (1000, MAX_FAULTS, 1000)


def test_blocks_are_packed_side_by_side_and_measured_in_that_order():
    faults = Faults()
    instance = {"island": "Dream", "seen": "2026-01-31", "habits": ["a"], "note": "a b", "window": [2.0, 3.0], "raw": 7}
    record = Record(
        {name: it for name, it in MIXED.fields.items() if name != "photo"}, MIXED.inputs[:3] + MIXED.inputs[4:]
    )
    features, measures = record.measured(record.read([instance], faults))
    assert not faults.count
    assert {name: (array.dtype.name, array.shape) for name, array in features.items()} == {
        name: (spec.dtype, (1, *spec.shape[1:])) for name, spec in record.specs.items()
    }
    assert measures.values.shape == (1, len(record.measures))
    assert [len(total) for total in measures.totals.values()] == [len(bins) for bins in record.categories.values()]


def test_it_is_written_and_read_back_bit_for_bit():
    again = Record.from_json(json.loads(json.dumps(MIXED.to_json())))
    assert again == MIXED
    assert again.specs == MIXED.specs
    assert again.schema == MIXED.schema


def test_a_field_is_packed_exactly_once():
    fields = {"a": Number.fit([1.0]), "b": Number.fit([1.0])}
    with pytest.raises(ValueError, match=r"expected each of a, b in one input, got a"):
        Record(fields, (Input("features", ("a",)),))
    with pytest.raises(ValueError, match=r"input 'features': expected blocks \[batch, n\] of one type, got a: float32"):
        Record({"a": Number.fit([1.0]), "b": Raw("int64")}, (Input("features", ("a", "b")),))


def test_a_kind_of_a_package_that_is_missing_is_named():
    state = MIXED.to_json()
    state["fields"][0] |= {"kind": "molecule", "package": {"name": "chemistry", "version": "1.2"}}
    with pytest.raises(ContractError, match=r"'molecule' needs the package chemistry 1\.2, which is not installed"):
        Record.from_json(state)


ROOMS = Record.packed(
    {
        name: Number.fit(values)
        for name, values in {"rooms": [1.0, 3.0], "age": [10.0, 30.0], "constant": [5.0, 5.0]}.items()
    },
    "features",
)


def encoded(record: Record, instances: list[dict[str, object]]) -> list[list[float]]:
    faults = Faults()
    rows = record.read(instances, faults)
    assert not faults.count
    return record.encode(rows)["features"].tolist()


def test_training_rows_come_out_with_mean_zero_and_deviation_one_by_name_in_any_order():
    rows = [{"constant": 5, "age": 10, "rooms": 1.0}, {"rooms": 3.0, "age": 30.0, "constant": 5.0}]
    assert encoded(ROOMS, rows) == [[-1, -1, 0], [1, 1, 0]]
    assert record_of_no_rows().shape == (0, 3)


def record_of_no_rows() -> np.ndarray:
    return ROOMS.encode(ROOMS.read([], Faults()))["features"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("12", "rooms: expected a number, got '12'"),
        (True, "rooms: expected a number, got True"),
        ([1], "rooms: expected a number"),
        (None, "rooms: expected a number, got nothing"),
        (math.nan, "rooms: expected a finite number"),
        (math.inf, "rooms: expected a finite number"),
        (10**400, "rooms: expected a finite number"),
    ],
)
def test_what_is_not_a_finite_number_is_refused(value, message):
    (told,) = faults_of(ROOMS, [{"rooms": value, "age": 1, "constant": 5}])
    assert message in told


def test_a_missing_field_is_the_training_mean_if_training_said_so():
    tolerant = Record.single("rooms", Number.fit([1.0, 3.0, None], missing="mean"), "features")
    assert encoded(tolerant, [{}, {"rooms": None}, {"rooms": 3}]) == [[0], [0], [1]]
