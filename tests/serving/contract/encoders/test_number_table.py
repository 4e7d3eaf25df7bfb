import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.contract.encoders.number import Number
from serving.contract.encoders.number_table import NumberTable
from serving.contract.encoders.scaling import Scaling
from serving.contract.faults import Faults

number = st.one_of(st.integers(-(10**30), 10**30), st.floats(-1e30, 1e30))
value = st.one_of(
    number, number, st.none(), st.just(math.nan), st.just(1e31), st.just(10**400), st.just("1"), st.just(True)
)
bounds = st.one_of(st.none(), st.floats(-1e3, 0)), st.one_of(st.none(), st.floats(1, 1e3))
encoders = st.builds(
    Number,
    st.builds(Scaling, st.sampled_from(["standard", "minmax", "none"]), st.floats(-1e6, 1e6), st.floats(1e-3, 1e6)),
    st.sampled_from(["error", "mean"]),
    st.floats(-1e6, 1e6),
    st.just(False),
    *bounds,
).map(lambda it: Number(Scaling("none"), it.missing, it.fill) if it.scaling.scale == "none" else it)


@given(st.lists(encoders, min_size=1, max_size=4), st.data())
def test_a_table_is_read_and_encoded_as_its_columns_are_bit_for_bit(numbers, data):
    cell = data.draw(st.sampled_from([number, value]))
    rows = data.draw(st.lists(st.lists(cell, min_size=len(numbers), max_size=len(numbers)), max_size=5))
    table = NumberTable(tuple(numbers))
    faults = Faults()
    columns = [it.read([row[place] for row in rows], faults) for place, it in enumerate(numbers)]

    got = table.read(rows)
    if got is None:
        assert faults.count or any(None in row for row in rows)  # then the columns are read one by one
        return
    assert not faults.count
    assert got.tobytes() == np.stack(columns, axis=1).tobytes()
    blocks = [it.encode(column) for it, column in zip(numbers, columns, strict=True)]
    assert table.encode(got).tobytes() == np.concatenate(blocks, axis=1).tobytes()


def test_what_has_another_scale_or_a_flag_is_encoded_on_its_own():
    assert not NumberTable.together([])
    assert not NumberTable.together([Number.fit([1, 2], scale="log")])
    assert not NumberTable.together([Number.fit([1, 2]), Number.fit([1, None], flag=True)])
    with pytest.raises(ValueError, match="expected numbers of the scales none, standard or minmax, without flags"):
        NumberTable((Number.fit([1, 2], scale="quantile"),))


def test_numbers_may_be_missing_where_all_fields_allow_it():
    table = NumberTable((Number.fit([1, None]), Number.fit([2, None])))
    assert table.encode(table.read([[None, 3]])).tolist() == [[0, 1]]
