"""The CSV of people who stand in the way of a change (design §6)."""

import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from hypothesis import example, given
from hypothesis import strategies as st

from workspace_operator.application.exporting import NAMED_SHARERS, violation_lines
from workspace_operator.application.ports import ViolationRow


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


def exported(*rows: ViolationRow) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(violation_lines(rows)))))


def test_columns_are_those_of_the_design() -> None:
    assert list(violation_lines(())) == ["violations,cio_id,id,email,created_at,shares_with,advice\r\n"]


def test_row_says_who_it_is() -> None:
    [one] = exported(row("c1", id_="7", email="no address", invalid=True))

    assert one == {
        "violations": "invalidEmail",
        "cio_id": "c1",
        "id": "7",
        "email": "no address",
        "created_at": "2023-11-14T22:13:20Z",
        "shares_with": "",
        "advice": "correct the email or delete the person",
    }


@given(seconds=st.integers(0, 253_402_300_799))
@example(seconds=253_402_300_799)
@example(seconds=0)
def test_age_is_a_time_of_iso_8601(seconds: int) -> None:
    [one] = exported(row("c1", invalid=True)._replace(created_at=seconds))

    assert one["created_at"] == datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def test_several_violations_stand_together() -> None:
    rows = exported(
        row("c1", "a@x.com", sharing=2, suppressed=True, another=True),
        row("c2", "a@x.com", sharing=2, suppressed=True),
    )

    assert [one["violations"] for one in rows] == [
        "duplicateEmail;suppressedEmail;idIsAnotherEmail",
        "duplicateEmail;suppressedEmail",
    ]
    assert rows[0]["advice"].count("; ") == 2


def test_oldest_of_sharers_is_kept() -> None:
    rows = exported(*(row(f"c{number}", "a@x.com", sharing=3) for number in range(3)))

    assert [one["shares_with"] for one in rows] == ["c1;c2", "c0;c2", "c0;c1"]
    assert [one["advice"] for one in rows] == [
        "keep this person (the oldest of 3 with this email)",
        "delete this person or change the email; c0 is the oldest that has it",
        "delete this person or change the email; c0 is the oldest that has it",
    ]


def test_many_sharers_are_counted() -> None:
    rows = exported(*(row(f"c{number}", "a@x.com", sharing=10) for number in range(10)))

    assert rows[0]["shares_with"] == "c1;c2;c3;c4;c5;and 4 more"
    assert rows[5]["shares_with"] == "c0;c1;c2;c3;c4;and 4 more"
    assert rows[9]["shares_with"] == "c0;c1;c2;c3;c4;and 4 more"
    assert all(one["shares_with"].count(";") == NAMED_SHARERS for one in rows)


def test_people_without_key_share_nothing() -> None:
    rows = exported(row("c1", email="x", invalid=True), row("c2", email="x", invalid=True))

    assert [one["shares_with"] for one in rows] == ["", ""]


def test_formulas_are_made_harmless() -> None:
    [one] = exported(row("c1", id_="=HYPERLINK(1)", email="@SUM(1)", invalid=True))

    assert (one["id"], one["email"]) == ("'=HYPERLINK(1)", "'@SUM(1)")


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
