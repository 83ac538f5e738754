"""Exports as CSV text, streamed: the people who stand in the way of a change, and everybody."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain, groupby, islice
from operator import attrgetter

from workspace_operator.application.ports import ViolationRow
from workspace_operator.application.spreadsheets import harmless
from workspace_operator.identity.people import Person
from workspace_operator.migrations.records import Violation

VIOLATION_COLUMNS = ("violations", "cio_id", "id", "email", "created_at", "shares_with", "advice")
NAMED_SHARERS = 5
"""How many of those who share an address are named; thousands may, and then a number says enough."""


class _Lines(list[str]):
    """Takes what the csv writer writes, a line at a time."""

    write = list.append


def csv_lines(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Write a header and rows as they are; lines end as RFC 4180 says."""
    written = _Lines()
    writer = csv.writer(written)
    for cells in chain([tuple(columns)], rows):
        line = ",".join(cells)
        if line.count(",") >= len(cells) or len(cells) == 1 or '"' in line or "\r" in line or "\n" in line:
            writer.writerow(cells)
            yield written.pop()
        else:
            yield f"{line}\r\n"  # most are so, and the writer takes several times as long: it looks at each character


def violation_lines(rows: Iterable[ViolationRow]) -> Iterator[str]:
    """The export of design §6, from rows in the order of (e-mail key, age, cio_id); there may be millions."""
    return csv_lines(VIOLATION_COLUMNS, _violation_cells(rows))


def _violation_cells(rows: Iterable[ViolationRow]) -> Iterator[Sequence[str]]:
    """People who share an address are told of each other."""
    for key, group in groupby(rows, key=attrgetter("email_key")):
        if key is None:
            yield from (_cells(row, (), row) for row in group)
            continue
        yield from _cells_of_group(group)


def _cells_of_group(group: Iterator[ViolationRow]) -> Iterator[Sequence[str]]:
    first = list(islice(group, NAMED_SHARERS + 1))
    names = [each.cio_id for each in first]
    for place, row in enumerate(first):
        yield _cells(row, names[:place] + names[place + 1 :], first[0])
    for row in group:
        yield _cells(row, names[:NAMED_SHARERS], first[0])


def _cells(row: ViolationRow, others: Sequence[str], oldest: ViolationRow) -> Sequence[str]:
    """Only an id and an email can be anything, all else is made by us."""
    cio_id, id_, email, _, created_at, sharing, invalid, suppressed, another = row
    shares = sharing > 1
    mends = _mends(invalid, suppressed, another) if invalid or suppressed or another else ""
    return (
        _violations(shares, invalid, suppressed, another),
        cio_id,
        harmless(id_) if id_ else "",
        harmless(email) if email else "",
        _time(created_at),
        _sharers(sharing, others) if shares else "",
        _advice(sharing if row is oldest else 0, oldest.cio_id, mends) if shares else mends,
    )


def violations_of(row: ViolationRow) -> str:
    """Everything that is wrong with a person, as the export says it."""
    return _violations(row.sharing > 1, row.invalid_email, row.suppressed_email, row.id_is_another_email)


@lru_cache
def _violations(shares: bool, invalid: bool, suppressed: bool, another: bool) -> str:  # noqa: FBT001 - the order of §7
    """In the order of identity-rules §7, which is that of their names."""
    found = zip(Violation, (shares, invalid, suppressed, another), strict=True)
    return ";".join(violation for violation, is_there in found if is_there)


def _sharers(sharing: int, others: Sequence[str]) -> str:
    unnamed = sharing - 1 - len(others)
    return ";".join([*others, f"and {unnamed} more"] if unnamed > 0 else others)


def _advice(oldest_of: int, oldest: str, mends: str) -> str:
    """How to mend a shared address and what else is wrong (identity-rules §7, last column)."""
    if oldest_of:
        way = f"keep this person (the oldest of {oldest_of} with this email)"
    else:
        way = f"delete this person or change the email; {oldest} is the oldest that has it"
    return f"{way}; {mends}" if mends else way


@lru_cache
def _mends(invalid: bool, suppressed: bool, another: bool) -> str:  # noqa: FBT001 - the order of §7
    ways = (
        "correct the email or delete the person",
        "change the email to one that is not suppressed or delete the person",
        "set the email to the address that the id is or delete the person",
    )
    return "; ".join(way for way, is_wrong in zip(ways, (invalid, suppressed, another), strict=True) if is_wrong)


def _time(seconds: int) -> str:
    """In ISO 8601. People come from few days; of minutes there may be as many as of people."""
    day, seconds = divmod(seconds, 86_400)
    minute, second = divmod(seconds, 60)
    return _day(day) + _MINUTES[minute] + _SECONDS[second]


_MINUTES = [f"T{hour:02d}:{minute:02d}" for hour in range(24) for minute in range(60)]
_SECONDS = [f":{second:02d}Z" for second in range(60)]


@lru_cache(maxsize=20_000)
def _day(number: int) -> str:
    return datetime.fromtimestamp(86_400 * number, UTC).date().isoformat()


def people_lines(people: Iterable[Person], attributes: Iterable[str]) -> Iterator[str]:
    """Everybody with their identifiers and these attributes; what is not text stands as JSON."""
    names = list(attributes)
    cells = (
        (each.cio_id, each.id or "", each.email or "", *(_cell(each.attributes.get(name)) for name in names))
        for each in people
    )
    columns = map(harmless, ("cio_id", "id", "email", *names))
    return csv_lines(columns, ([harmless(cell) for cell in row] for row in cells))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
