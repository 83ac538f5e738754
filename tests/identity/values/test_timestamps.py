"""The one reader of times: every form that is taken, and every kind of value that is none."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.timestamps import (
    DAY_SECONDS,
    MAX_SECONDS,
    is_in_future,
    seconds_of,
    time_of,
    whole_seconds_of,
)

MIDNIGHT = 1_706_659_200
"""2024-01-31T00:00:00Z."""
NOON = MIDNIGHT + DAY_SECONDS // 2

TIMES: list[tuple[object, float]] = [
    # dates, in UTC
    ("2024-01-31", MIDNIGHT),
    ("20240131", MIDNIGHT),
    (20240131, MIDNIGHT),
    (20240131.0, MIDNIGHT),
    ("20240131.0", MIDNIGHT),
    ("2024-W05-3", MIDNIGHT),
    ("2024W053", MIDNIGHT),
    ("2024-031", MIDNIGHT),
    ("2024031", MIDNIGHT),
    (2024031, MIDNIGHT),
    ("2024-366", 1_735_603_200),
    ("1970-01-01", 0),
    ("9999-12-31T23:59:59Z", MAX_SECONDS),
    # dates with a time of day
    ("2024-01-31T12:00:00Z", NOON),
    ("2024-01-31t12:00:00z", NOON),
    ("2024-01-31T12:00:00", NOON),
    ("2024-01-31 12:00:00", NOON),
    ("2024-01-31T12:00", NOON),
    ("2024-01-31T12", NOON),
    ("20240131T120000Z", NOON),
    ("20240131T1200", NOON),
    ("20240131T12", NOON),
    ("2024-W05-3T12:00", NOON),
    ("2024-031T12:00", NOON),
    ("2024-01-31T24:00", MIDNIGHT + DAY_SECONDS),
    ("2016-12-31T23:59:60Z", 1_483_228_800),
    # fractions, of whatever comes last
    ("2024-01-31T12:00:00.5Z", NOON + 0.5),
    ("2024-01-31T12:00:00,25Z", NOON + 0.25),
    ("2024-01-31T12:30.5Z", NOON + 1830),
    ("2024-01-31T12.5Z", NOON + 1800),
    # offsets
    ("2024-01-31T12:00:00+00:00", NOON),
    ("2024-01-31T12:00:00-00:00", NOON),
    ("2024-01-31T14:00:00+02:00", NOON),
    ("2024-01-31T14:00:00+0200", NOON),
    ("2024-01-31T14:00:00+02", NOON),
    ("2024-01-31T06:30:00-05:30", NOON),
    ("20240131T140000.000+0200", NOON),
    ("1969-12-31T23:00:00-01:00", 0),
    # Unix seconds
    (100_000_000, 100_000_000),
    (9_999_999_999, 9_999_999_999),
    (NOON, NOON),
    (str(NOON), NOON),
    (float(NOON), NOON),
    (f"{NOON}.0", NOON),
    (NOON + 0.5, NOON + 0.5),
    (f"{NOON}.5", NOON + 0.5),
    # Unix milliseconds
    (100_000_000_000, 100_000_000),
    (9_999_999_999_999, 9_999_999_999.999),
    (NOON * 1000, NOON),
    (str(NOON * 1000), NOON),
    (NOON * 1000.0, NOON),
    (NOON * 1000 + 250, NOON + 0.25),
    (f"{NOON}250", NOON + 0.25),
    # white space around
    (f" {NOON}\t", NOON),
    ("\N{NO-BREAK SPACE}2024-01-31\N{ZERO WIDTH SPACE}", MIDNIGHT),
]

NO_TIMES: list[object] = [
    # numbers of other things: nothing, years, serial numbers of a spreadsheet
    *(0, 1, -1, 5, 2024, 45_322, 45_322.5, 1_234_567, 99_999_999, 202_401, -NOON, -NOON * 1000),
    *("0", "5", "2024", "45322", "45322.5", "1234567", "99999999", "-5", f"-{NOON}", f"+{NOON}"),
    # eleven digits, more than thirteen, leading zeros, more than can be counted
    *(10_000_000_000, 99_999_999_999, 10**13, 20_240_131_120_000, NOON * 10**6, 10**400, 1e300),
    *("10000000000", "20240131120000", f"{NOON}000000", f"0{NOON}", "9" * 5000, "1" * 65),
    *(float("nan"), float("inf"), float("-inf"), 20_240_131.5, "20240131.5"),
    # other types, and other digits
    *(None, True, False, [NOON], {"at": NOON}, b"2024-01-31", "", " ", "1.7e9", "0x5f5e100", "1_700_000_000"),
    *("\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT THREE}", "\N{FULLWIDTH DIGIT TWO}024-01-31"),
    # words, and the dates of other conventions
    *("now", "yesterday", "31.01.2024", "31.01.2024 12:00", "01/31/2024", "2024/01/31", "31 Jan 2024"),
    *("Wed, 31 Jan 2024 12:00:00 GMT", "2024-01-31 12:00:00 UTC", "2024-1-5", "24-01-31"),
    # no day is named, or one that is not there
    *("2024-01", "2024-W05", "2024-00-01", "2024-13-01", "2024-01-00", "2023-02-29", "2024-01-32", "2024-000"),
    *("2023-366", "2024-367", "2023-W53-1", "2024-W00-1", "2024-W05-0", "2024-W05-8", "0000-01-01", "9999-366"),
    # no time of day
    *("2024-01-31T", "2024-01-31T25:00", "2024-01-31T24:01", "2024-01-31T12:60", "2024-01-31T12:00:61"),
    *("2024-01-31T1:00", "2024-01-31T12:00:00.", "2024-01-31x12:00", "2024-01-31T12:00+24:00", "T12:00"),
    *("2024-01-31T12:00+02:60", "2024-01-31T12:00 +02:00", "2024-01-31T12:3000", "2024-0131", "2024W05-3"),
    # before 1970, after 9999
    *("1969-12-31", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "0001-01-01", "1900-01-01"),
    *("9999-12-31T24:00", "9999-12-31T23:59:59-00:01", "+12024-01-31"),
]


@pytest.mark.parametrize(("value", "seconds"), TIMES, ids=repr)
def test_every_form_is_read(value: object, seconds: float) -> None:
    assert time_of(value) == seconds


@pytest.mark.parametrize("value", NO_TIMES, ids=lambda value: repr(value)[:40])
def test_all_else_is_no_time(value: object) -> None:
    assert time_of(value) is None


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds are naive
def test_whatever_the_library_writes_is_read(moment: datetime) -> None:
    assert time_of(moment.isoformat()) == pytest.approx(moment.timestamp(), abs=1e-5)


@given(st.text(alphabet="0123456789-:.,TWZ+ ", max_size=30))
def test_nothing_breaks_the_reader(text: str) -> None:
    seconds = time_of(text)

    assert seconds is None or 0 <= seconds <= MAX_SECONDS


@pytest.mark.parametrize(("raw", "seconds"), [(None, None), ("", None), (NOON, NOON), ("2024-01-31T12", NOON)])
def test_calls_may_give_a_time_or_none(raw: object, seconds: float | None) -> None:
    assert seconds_of(raw, field="at") == seconds


@pytest.mark.parametrize(("raw", "shown"), [(45_322, "45322"), ("soon", "'soon'"), (True, "true"), ([1], "[1]")])
def test_no_time_is_refused_with_the_value(raw: object, shown: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        seconds_of(raw, field="at")

    assert caught.value.field == "at"
    assert str(caught.value) == f"at {shown} is no time: send ISO 8601, such as 2026-01-31T12:00:00Z, or Unix seconds"


@pytest.mark.parametrize(("raw", "seconds"), [(None, None), (NOON + 0.9, NOON), (NOON * 1000 + 999, NOON)])
def test_kept_times_are_whole(raw: object, seconds: int | None) -> None:
    assert whole_seconds_of(raw, field="at") == seconds


@pytest.mark.parametrize(
    ("seconds", "late"), [(NOON, False), (NOON + DAY_SECONDS, False), (NOON + DAY_SECONDS + 1, True)]
)
def test_more_than_a_day_ahead_is_too_late(seconds: float, late: bool) -> None:
    assert is_in_future(seconds, now=NOON) is late
