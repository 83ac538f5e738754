"""The CSV of people who stand in the way of a change (design §6)."""

import csv
import io
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workspace_operator.application.people.csv_export import (
    MAX_LISTED_SHARERS,
    NO_FILTER,
    ViolationFilter,
    csv_lines,
    violation_lines,
)
from workspace_operator.application.ports import ViolationRow
from workspace_operator.migrations.model import Violation


def row(
    cio_id: str,
    key: str | None = None,
    *,
    sharing: int = 1,
    id_: str | None = None,
    email: str | None = None,
    invalid: bool = False,
    suppressed: bool = False,
    another: bool = False,
) -> ViolationRow:
    return ViolationRow(
        cio_id=cio_id,
        id=id_,
        email=email or key,
        email_key=key,
        created_at=1_700_000_000,
        sharing=sharing,
        invalid_email=invalid,
        suppressed_email=suppressed,
        id_is_another_email=another,
    )


def exported(
    *rows: ViolationRow, attributes: Sequence[str] = (), row_filter: ViolationFilter = NO_FILTER
) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(violation_lines(rows, attributes, row_filter)))))


def test_columns_are_those_of_the_design() -> None:
    assert list(violation_lines(())) == ["_violations,cio_id,id,email,_age_from,_shares_with,_advice\r\n"]


def test_row_says_who_it_is() -> None:
    [one] = exported(row("c1", id_="7", email="no address", invalid=True))

    assert one == {
        "_violations": "invalidEmail",
        "cio_id": "c1",
        "id": "7",
        "email": "no address",
        "_age_from": "2023-11-14T22:13:20Z",
        "_shares_with": "",
        "_advice": "correct the email or delete the person",
    }


@given(seconds=st.integers(0, 253_402_300_799))
@example(seconds=253_402_300_799)
@example(seconds=0)
def test_age_is_a_time_of_iso_8601(seconds: int) -> None:
    [one] = exported(row("c1", invalid=True)._replace(created_at=seconds))

    assert one["_age_from"] == datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def test_several_violations_stand_together() -> None:
    rows = exported(
        row("c1", "a@x.com", sharing=2, suppressed=True, another=True),
        row("c2", "a@x.com", sharing=2, suppressed=True),
    )

    assert [one["_violations"] for one in rows] == [
        "duplicateEmail;suppressedEmail;idIsAnotherEmail",
        "duplicateEmail;suppressedEmail",
    ]
    assert rows[0]["_advice"].count("; ") == 2


def test_oldest_of_sharers_is_kept() -> None:
    rows = exported(*(row(f"c{number}", "a@x.com", sharing=3) for number in range(3)))

    assert [one["_shares_with"] for one in rows] == ["c1;c2", "c0;c2", "c0;c1"]
    assert [one["_advice"] for one in rows] == [
        "keep this person (the oldest of 3 with this email)",
        "delete this person or change the email; c0 is the oldest that has it",
        "delete this person or change the email; c0 is the oldest that has it",
    ]


def test_many_sharers_are_counted() -> None:
    rows = exported(*(row(f"c{number}", "a@x.com", sharing=10) for number in range(10)))

    assert rows[0]["_shares_with"] == "c1;c2;c3;c4;c5;and 4 more"
    assert rows[5]["_shares_with"] == "c0;c1;c2;c3;c4;and 4 more"
    assert rows[9]["_shares_with"] == "c0;c1;c2;c3;c4;and 4 more"
    assert all(one["_shares_with"].count(";") == MAX_LISTED_SHARERS for one in rows)


def test_people_without_key_share_nothing() -> None:
    rows = exported(row("c1", email="x", invalid=True), row("c2", email="x", invalid=True))

    assert [one["_shares_with"] for one in rows] == ["", ""]


def test_formulas_are_made_harmless() -> None:
    [one] = exported(row("c1", id_="=HYPERLINK(1)", email="@SUM(1)", invalid=True))

    assert (one["id"], one["email"]) == ("'=HYPERLINK(1)", "'@SUM(1)")


def test_attributes_stand_after_the_other_columns() -> None:
    one = row("c1", invalid=True)._replace(values=("Ana", 5, None, "=1+1"))

    [found] = exported(one, attributes=("first_name", "visits", "city", "@formula"))

    assert list(found)[-4:] == ["first_name", "visits", "city", "'@formula"]
    assert list(found.values())[-4:] == ["Ana", "5", "", "'=1+1"]


FILTERED = (
    row("c0", id_="invalid", invalid=True),
    row("c1", "a@x.com", sharing=2, id_="oldest"),
    row("c2", "a@x.com", sharing=2, id_="twin", another=True),
    row("c3", "b@x.com", id_="suppressed", suppressed=True),
)


@pytest.mark.parametrize(
    ("row_filter", "ids"),
    [
        (ViolationFilter(violations=[Violation.DUPLICATE_EMAIL]), ["oldest", "twin"]),
        (ViolationFilter(violations=[Violation.DUPLICATE_EMAIL], except_oldest=True), ["twin"]),
        (ViolationFilter(except_oldest=True), ["invalid", "twin", "suppressed"]),
        (
            ViolationFilter(violations=[Violation.INVALID_EMAIL, Violation.ID_IS_ANOTHER_EMAIL]),
            ["invalid", "twin"],
        ),
    ],
)
def test_filter_takes_people_by_violation(row_filter: ViolationFilter, ids: list[str]) -> None:
    rows = exported(*FILTERED, row_filter=row_filter)

    assert [one["id"] for one in rows] == ids


def test_filter_leaves_the_others_named() -> None:
    [twin] = exported(*FILTERED, row_filter=ViolationFilter(except_oldest=True))[1:2]

    assert twin["_shares_with"] == "c1"
    assert "c1 is the oldest" in twin["_advice"]


def test_thousands_of_sharers_stream() -> None:
    def sharers() -> Iterator[ViolationRow]:
        return (row(f"c{number}", "a@x.com", sharing=100_000) for number in range(100_000))

    lines = violation_lines(sharers())
    list(islice(lines, 1_000))
    tracemalloc.start()

    count = sum(1 for _ in islice(lines, 20_000))

    assert count == 20_000
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


cells = st.text(st.sampled_from(list("a,\"'\r\n; =é\x00\u2028")), max_size=4)
rows = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=5)
)


@given(table=rows)
def test_lines_are_those_of_the_csv_writer(table: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(table)

    columns, *rest = table
    lines = list(csv_lines(columns, rest))

    assert "".join(lines) == text.getvalue()
    assert len(lines) == len(table)
