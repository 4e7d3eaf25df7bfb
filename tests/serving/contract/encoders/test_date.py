import calendar
import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from typing import get_args
from zoneinfo import ZoneInfo

import jsonschema_rs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.contract.encoders.date import Date
from serving.contract.encoders.date_parts import LINEAR, Part
from serving.contract.encoders.scaling import Scaling
from serving.contract.encoders.zones import on_the_wall
from serving.contract.faults import Faults
from tests.serving.contract.encoders.reading import encode, faults_of

PARTS = get_args(Part)
AS_IT_IS = (Scaling("none"), Scaling("none"))
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia")
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 30))
moments = st.one_of(times, st.builds(lambda moment, zone: moment.replace(tzinfo=zone), times, offsets))
now = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))


def expected_parts(moment, zone, since):
    """Compute all parts by datetime and zoneinfo alone."""
    wall = moment if moment.tzinfo is None else moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    day = wall - datetime(wall.year, wall.month, wall.day)
    shares = [
        (wall.month - 1) / 12,
        (wall.day - 1) / 31,
        wall.weekday() / 7,
        (wall.timetuple().tm_yday - 1) / (366 if calendar.isleap(wall.year) else 365),
        wall.hour / 24,
        wall.minute / 60,
        day.total_seconds() / 86400,
    ]
    circles = [value for share in shares for value in (math.sin(2 * math.pi * share), math.cos(2 * math.pi * share))]
    return [wall.year, (wall - datetime.fromisoformat(since)) / timedelta(days=1), *circles]


@given(st.lists(moments, max_size=8), st.sampled_from(ZONES), st.dates().map(str))
def test_parts_are_those_of_datetime_and_zoneinfo(rows, zone, since):
    encoder = Date(PARTS, AS_IT_IS, since, zone)
    got = encode(encoder, [moment.isoformat() for moment in rows])
    expected = np.array([expected_parts(moment, zone, since) for moment in rows]).reshape(-1, 16)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", datetime(2026, 3, 29)),
        ("Europe/Berlin", datetime(2026, 10, 25)),
        ("America/St_Johns", datetime(2006, 10, 29)),  # a minute after midnight
        ("Pacific/Apia", datetime(2011, 12, 30)),  # there was no such day
    ],
)
def test_a_change_of_the_clocks_is_that_of_zoneinfo_to_the_second(zone, day):
    check_walls(zone, [day + timedelta(seconds=number) for number in range(86_400)])


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Africa/Casablanca"])
def test_the_changes_of_sixty_years_are_those_of_zoneinfo(zone):
    check_walls(zone, [datetime(1969, 12, 31) + timedelta(hours=4 * number) for number in range(2200 * 60)])


def check_walls(zone, moments):
    zone = ZoneInfo(zone)
    expected = [moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None) for moment in moments]
    assert on_the_wall(np.array(moments, "M8[us]"), zone).tolist() == expected


@given(st.lists(st.dates(), max_size=8))
def test_a_date_alone_is_its_first_moment(days):
    encoder = Date(PARTS, AS_IT_IS, zone="Asia/Kathmandu")
    first_moments = [f"{day}T00:00:00" for day in days]
    assert encode(encoder, list(map(str, days))).tobytes() == encode(encoder, first_moments).tobytes()


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-28T12:30:15Z",
        "2026-11-28t12:30:15z",
        "2026-11-28 12:30:15+00:00",
        "2026-11-28T13:30:15.0+01:00",
        "2026-11-28T12:30:15.000000000-00:00",
        "2026-11-28T12:30:15",
    ],
)
def test_a_moment_may_be_written_in_several_ways(text):
    encoder = Date(PARTS, AS_IT_IS)
    assert encode(encoder, [text]).tobytes() == encode(encoder, ["2026-11-28T12:30:15Z"]).tobytes()
    assert encode(encoder, ["2026-11-28T12:30Z"]).tobytes() == encode(encoder, ["2026-11-28T12:30:00Z"]).tobytes()


@pytest.mark.parametrize("wall", ["2026-03-29T02:30", "2026-10-25T02:30"])
def test_a_time_that_the_clocks_leave_out_or_bring_twice_is_what_is_written(wall):
    encoder = Date(("hour", "minute"), zone="Europe/Berlin")
    share = 2 * math.pi * np.array([2 / 24, 30 / 60])
    expected = np.stack((np.sin(share), np.cos(share)), axis=1).ravel()
    np.testing.assert_allclose(encode(encoder, [wall])[0], expected, atol=1e-6)


def test_both_of_two_equal_times_on_the_wall_are_the_same():
    encoder = Date(PARTS, AS_IT_IS, zone="Europe/Berlin")
    first, second = encode(encoder, ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"])
    assert first.tobytes() == second.tobytes()


WORDS = "expected a date such as 2026-11-28, or a date and time such as 2026-11-28T12:30:00Z, got "


@pytest.mark.parametrize(
    "value",
    [
        "",
        "2026",
        "2026-02-29",
        "2026-02-29T12:00:00Z",
        "2026-02-29T12:00:00+01:00",
        "2026-01-01T12:60:00Z",
        "2026-13-01",
        "0000-01-01",
        "20260101",
        "2026-W01-1",
        "2026-1-1",
        " 2026-01-01",
        "2026-01-01\n",
        "2026-01-01T24:00:00Z",
        "2026-01-01T23:59:60Z",
        "2026-01-01T12",
        "2026-01-01T12:00:00+0100",
        "2026-01-01T12:00:00+24:00",
        "2026-01-01T12:00:00,5Z",
        "2026-01-01x12:00:00Z",
        "\uff12026-01-01",
        "now",
        "NaT",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        20260101,
        1.5,
        True,
        [],
        None,
    ],
)
def test_what_is_no_date_is_a_fault_with_its_row(value):
    encoder = Date(PARTS, AS_IT_IS, zone="Europe/Berlin")
    for other in ("2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01t00:00Z"):  # each kind has its own way
        faults = faults_of(encoder, [other, value])
        assert len(faults) == 1
        assert faults[0].startswith(f"1: {WORDS}")
    assert len(faults_of(encoder, [value])) == 1


def test_all_faults_of_a_column_are_reported():
    assert faults_of(Date(("month",)), ["x", "2026-01-01", None]) == [f"0: {WORDS}'x'", f"2: {WORDS}nothing"]


@given(st.lists(now, min_size=2, max_size=8), st.sampled_from(["standard", "minmax"]))
def test_years_and_days_are_scaled_by_the_rows_of_training(rows, scale):
    texts = [moment.isoformat() for moment in rows]
    plain = Date(("days", "year"), AS_IT_IS, str(min(rows).date()))
    fitted = Date.fit(texts, parts=["days", "year"], scale=scale)

    assert fitted.since == plain.since
    exact = np.array([expected_parts(moment, "UTC", plain.since)[:2] for moment in rows])[:, ::-1]
    for column, scaling in enumerate(fitted.scalings):
        assert scaling == Scaling.fit(scale, exact[:, column])
    np.testing.assert_allclose(
        encode(fitted, texts),
        [[scaling.scaled(value) for scaling, value in zip(fitted.scalings, row, strict=True)] for row in exact],
        rtol=1e-5,
        atol=1e-5,
    )


def test_the_usual_parts_have_the_time_of_day_only_if_there_is_one():
    assert Date.fit(["2026-01-01", "2026-05-01"]).parts == ("days", "day_of_year", "weekday")
    assert Date.fit(["2026-01-01", "2026-05-01T12:00Z"]).parts == ("days", "day_of_year", "weekday", "time_of_day")


def test_days_may_be_counted_from_a_date_of_pythons_or_tomls():
    assert Date.fit(["2026-01-01"], since=date(2020, 2, 29)) == Date.fit(["2026-01-01"], since="2020-02-29")


def test_a_missing_date_has_a_flag_and_no_place_on_any_circle():
    encoder = Date.fit(["2026-01-01", None, "2026-01-03"], parts=["days", "month"])

    assert encoder.optional
    assert encode(encoder, [None, "2026-01-03"]).tolist() == [[0, 0, 0, 1], [1, 0, 1, 0]]
    assert faults_of(encoder, [None, "x"]) == [f"1: {WORDS}'x'"]
    assert Date.fit(np.array(["2026-01-01", math.nan, "2026-01-03"], object), parts=["days", "month"]) == encoder
    assert not Date.fit(["2026-01-01"]).optional
    assert Date.fit(["2026-01-01"], missing="flag").optional
    with pytest.raises(ValueError, match=r"row 1: expected a date .*, got nothing"):
        Date.fit(["2026-01-01", None], missing="error")


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([], {}, "expected at least one date, got 0 rows"),
        ([None], {}, "expected at least one date, got 1 rows"),
        (["2026-01-01", "x", 3], {}, "row 1: expected a date .* got 'x', and 1 more like it"),
        (["2026-01-01"], {"parts": []}, "parts: expected some of"),
        (["2026-01-01"], {"parts": ["days", "days"]}, "parts: expected some of"),
        (["2026-01-01"], {"parts": ["century"]}, "parts: expected some of"),
        (["2026-01-01"], {"parts": "days"}, "parts: expected some of"),
        (["2026-01-01"], {"parts": [["days"]]}, "parts: expected some of"),
        (["2026-01-01"], {"zone": "Mars/Olympus"}, "zone: expected the name of a time zone"),
        (["2026-01-01"], {"zone": "../etc/passwd"}, "zone: expected the name of a time zone"),
        (["2026-01-01"], {"zone": "Europe"}, "zone: expected the name of a time zone"),
        (["2026-01-01"], {"zone": "\0"}, "zone: expected the name of a time zone"),
        (["2026-01-01"], {"since": "yesterday"}, "since: expected a date"),
        (["2026-01-01"], {"since": ""}, "since: expected a date"),
        (["2026-01-01"], {"scale": "unit"}, "scale: expected one of"),
        (["2026-01-01"], {"missing": "mean"}, "missing: expected error or flag"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(values, options, message):
    with pytest.raises(ValueError, match=message):
        Date.fit(values, **options)


FITTED = [
    Date(PARTS, AS_IT_IS, "2020-02-29", "Europe/Berlin", "flag"),
    Date(("month",)),
    Date.fit(["2026-01-01", "2026-01-03T12:00Z", "2027-01-03T12:00Z"], scale="quantile"),
]
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=3)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@pytest.mark.parametrize("fitted", FITTED, ids=lambda it: it.zone + it.missing)
def test_state_survives_json(fitted):
    assert Date.from_state(json.loads(json.dumps(fitted.to_state()))) == fitted


@given(st.sampled_from(FITTED), st.sampled_from(sorted(FITTED[0].to_state())), json_values)
def test_another_state_is_refused_or_can_be_used(fitted, name, value):
    try:
        encoder = Date.from_state(fitted.to_state() | {name: value})
    except (ValueError, TypeError):
        return
    json.dumps([encoder.schema, encoder.to_state()], allow_nan=False)
    assert np.isfinite(encode(encoder, ["0001-01-01", "9999-12-31"])).all()


@given(st.one_of(st.text(max_size=12), moments.map(str), moments.map(datetime.isoformat), json_values))
def test_what_is_read_fits_the_schema(value):
    for encoder in FITTED:
        faults = Faults()
        encoder.read([value], faults)
        assert jsonschema_rs.is_valid(encoder.schema, value) == (not faults.count)


def test_the_schema_says_how_dates_are_written():
    assert Date(("month",), zone="Europe/Berlin").schema["description"] == (
        "a date such as 2026-11-28, or a date and time such as 2026-11-28T12:30:00Z; "
        "without an offset it is a time in Europe/Berlin"
    )


def test_days_and_the_day_of_the_week_are_measured():
    encoder = Date.fit(["1970-01-02", None])
    column = encoder.read(["1970-01-02T12:00Z", None, "1969-12-29"], Faults())
    measured = encoder.measured("ordered", column, encoder.encode(column))

    assert encoder.measures("ordered") == ("ordered",)
    np.testing.assert_array_equal(measured.values, [[1.5], [math.nan], [-3]])
    assert encoder.categories("ordered")["ordered.weekday"][0] == "Monday"
    assert measured.totals["ordered.weekday"].tolist() == [1, 0, 0, 0, 1, 0, 0]


def test_no_rows_make_no_block():
    for encoder in FITTED:
        assert encode(encoder, []).shape == (0, encoder.block.shape[1])


def test_the_block_is_two_wide_for_each_circle():
    assert Date(PARTS, AS_IT_IS).block.shape == (None, len(LINEAR) + 2 * (len(PARTS) - len(LINEAR)))
    assert date.fromisoformat(Date.fit(["2026-05-01T12:00Z"]).since) == datetime(2026, 5, 1, tzinfo=UTC).date()
