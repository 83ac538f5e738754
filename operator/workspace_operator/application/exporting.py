"""Exports as CSV text, streamed: the people who stand in the way of a change, and everybody."""

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, groupby, islice

from workspace_operator.application.ports import ViolationRow
from workspace_operator.application.spreadsheets import harmless
from workspace_operator.identity.people import Person
from workspace_operator.migrations.records import Violation

VIOLATION_COLUMNS = ("violations", "cio_id", "id", "email", "created_at", "shares_with", "advice")
NAMED_SHARERS = 5
"""How many of those who share an address are named; thousands may, and then a number says enough."""


class _Line:
    """Takes what the csv writer writes, one line at a time."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text = text


def csv_lines(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Write a header and rows, with every cell made harmless to spreadsheets; lines end as RFC 4180 says."""
    line = _Line()
    writer = csv.writer(line)
    for row in chain((columns,), rows):
        writer.writerow([harmless(cell) for cell in row])
        yield line.text


def violation_lines(rows: Iterable[ViolationRow]) -> Iterator[str]:
    """The export of design §6, from rows in the order of (e-mail key, age, cio_id)."""
    return csv_lines(VIOLATION_COLUMNS, chain.from_iterable(map(_group_cells, _groups(rows))))


def _groups(rows: Iterable[ViolationRow]) -> Iterator[Iterator[ViolationRow]]:
    """People who share an address, together; everybody else alone."""
    for key, group in groupby(rows, key=lambda row: row.email_key):
        if key is None:
            yield from (iter((row,)) for row in group)
        else:
            yield group


def _group_cells(group: Iterator[ViolationRow]) -> Iterator[tuple[str, ...]]:
    first = list(islice(group, NAMED_SHARERS + 1))
    for row in chain(first, group):
        others = [each.cio_id for each in first if each is not row][:NAMED_SHARERS] if row.sharing > 1 else []
        yield (
            ";".join(violations_of(row)),
            row.cio_id,
            row.id or "",
            row.email or "",
            datetime.fromtimestamp(row.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            _sharers(row, others),
            _advice(row, oldest=first[0]),
        )


def violations_of(row: ViolationRow) -> list[Violation]:
    """Everything that is wrong with a person, in the order of identity-rules §7."""
    found = {
        Violation.DUPLICATE_EMAIL: row.sharing > 1,
        Violation.INVALID_EMAIL: row.invalid_email,
        Violation.SUPPRESSED_EMAIL: row.suppressed_email,
        Violation.ID_IS_ANOTHER_EMAIL: row.id_is_another_email,
    }
    return [violation for violation, is_there in found.items() if is_there]


def _sharers(row: ViolationRow, others: list[str]) -> str:
    unnamed = row.sharing - 1 - len(others)
    return ";".join([*others, f"and {unnamed} more"] if unnamed > 0 else others)


def _advice(row: ViolationRow, *, oldest: ViolationRow) -> str:
    """How to mend each violation (identity-rules §7, last column)."""
    advice = []
    if row.sharing > 1 and row is oldest:
        advice.append(f"keep this person, the oldest of {row.sharing} with this email")
    elif row.sharing > 1:
        advice.append(f"delete this person or change the email; {oldest.cio_id} is the oldest that has it")
    if row.invalid_email:
        advice.append("correct the email or delete the person")
    if row.suppressed_email:
        advice.append("change the email to one that is not suppressed or delete the person")
    if row.id_is_another_email:
        advice.append("set the email to the address that the id is or delete the person")
    return "; ".join(advice)


def people_lines(people: Iterable[Person], attributes: Iterable[str]) -> Iterator[str]:
    """Everybody with their identifiers and these attributes; what is not text stands as JSON."""
    names = list(attributes)
    rows = (
        (each.cio_id, each.id or "", each.email or "", *(_cell(each.attributes.get(name)) for name in names))
        for each in people
    )
    return csv_lines(("cio_id", "id", "email", *names), rows)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
