"""Exports as CSV text, streamed: the people who block an identifier change, and everybody.

Columns that this product adds begin with ``_``. An import skips them, so a corrected export can be imported as it is.
"""

import csv
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain, groupby, islice
from operator import attrgetter
from typing import Final, TypeAlias

from workspace_operator.application.people.csv_files.injection import escape
from workspace_operator.application.ports import Exports, People, ViolationRow
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.attributes import IDENTIFIER_NAMES
from workspace_operator.identity.values.references import reference_to_cio_id
from workspace_operator.identity.values.text_limits import MAX_NAME_BYTES, check_text, quoted
from workspace_operator.migrations.model import Violation

VIOLATION_COLUMNS = ("_violations", "cio_id", "id", "email", "_age_from", "_shares_with", "_advice")
OWN_PREFIX = "_"
"""Columns of ours begin so; they say nothing that an import takes."""

COMMON_ATTRIBUTES: Final = 2
"""How many attributes an export of violations has if none are named."""
MAX_NAMED_ATTRIBUTES: Final = 20
_SAMPLED_PEOPLE: Final = 1000
_RESERVED_NAMES: Final = frozenset({"created_at", "unsubscribed"})

MAX_LISTED_SHARERS = 5
"""How many of those who share an address are named; thousands may, and then a number says enough."""


class _LineBuffer(list[str]):
    """Takes what the csv writer writes, a line at a time."""

    write = list.append


def csv_lines(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Write a header and rows as they are; lines end as RFC 4180 says."""
    written = _LineBuffer()
    writer = csv.writer(written)
    for cells in chain([tuple(columns)], rows):
        line = ",".join(cells)
        if line.count(",") >= len(cells) or len(cells) == 1 or '"' in line or "\r" in line or "\n" in line:
            writer.writerow(cells)
            yield written.pop()
        else:
            yield f"{line}\r\n"  # most are so, and the writer takes several times as long: it looks at each character


@dataclass(frozen=True, slots=True, kw_only=True)
class ViolationFilter:
    """Which people of an export are written.

    A command such as grep cannot select them, since cells may hold line breaks and any words.

    Attributes:
        violations: only people with one of these; everybody if empty.
        except_oldest: leave out the oldest person of each shared address.
    """

    violations: Collection[Violation] = ()
    except_oldest: bool = False

    def matches(self, row: ViolationRow, oldest: ViolationRow) -> bool:
        """Whether a person is written, given the oldest with the same address."""
        if self.except_oldest and row.sharing > 1 and row is oldest:
            return False
        return not self.violations or any(each in self.violations for each in violations_of(row).split(";"))


NO_FILTER: Final = ViolationFilter()

_ExportRow: TypeAlias = tuple[ViolationRow, Sequence[str], ViolationRow]
"""A row, the cio_ids of others that are named in it, and the oldest person with the same address."""


def violation_lines(
    rows: Iterable[ViolationRow], attributes: Sequence[str] = (), row_filter: ViolationFilter = NO_FILTER
) -> Iterator[str]:
    """Write an export of violations as CSV, a line at a time; there may be millions.

    Args:
        rows: in the order of (e-mail key, age, cio_id), with the values of ``attributes``.
        attributes: the columns after those of the design.
        row_filter: the people to write.
    """
    export_rows = (
        _export_rows(rows)
        if row_filter is NO_FILTER
        else (each for each in _export_rows(rows) if row_filter.matches(each[0], each[2]))
    )
    columns = (*VIOLATION_COLUMNS, *map(escape, attributes))
    return csv_lines(columns, (_cells(row, others, oldest) for row, others, oldest in export_rows))


def violation_table(rows: Iterable[ViolationRow]) -> Iterator[Sequence[str]]:
    """The violations, the id, the email and the advice of each person, for people to read."""
    for row, others, oldest in _export_rows(rows):
        cells = _cells(row, others, oldest)
        yield cells[0], row.id or "", row.email or "", cells[-1]


def parse_attribute_names(text: str, *, field: str) -> Sequence[str]:
    """The attributes of a list separated by commas, each once; the empty text names none. Raises InvalidInput."""
    names = list(dict.fromkeys(name for each in text.split(",") if (name := each.strip())))
    if len(names) > MAX_NAMED_ATTRIBUTES:
        message = f"{field} names {len(names)} attributes, {MAX_NAMED_ATTRIBUTES} are allowed: leave some out"
        raise InvalidInput(message, field=field)
    for name in names:
        if name in VIOLATION_COLUMNS:
            message = f"{field} {quoted(name)} is a column of every export already: name attributes only"
            raise InvalidInput(message, field=field)
        check_text(name, field=field, limit=MAX_NAME_BYTES)
    return names


def common_attributes(exports: Exports, people: People, workspace_id: int, number: int) -> Sequence[str]:
    """The two text attributes that most people of an export have, by its first 1000 people.

    Only text comes back from a CSV file as it was, so other values are not counted. Raises NotFound.
    """
    listed = exports.violations(workspace_id, number, limit=_SAMPLED_PEOPLE)
    found = people.find_many(workspace_id, [reference_to_cio_id(row.cio_id) for row in listed])
    counts = Counter(
        name
        for person in found
        for name, value in person.attributes.items()
        if isinstance(value, str) and value and not _is_special(name)
    )
    return [name for name, _ in sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:COMMON_ATTRIBUTES]]


def _is_special(name: str) -> bool:
    return name.startswith(OWN_PREFIX) or name in IDENTIFIER_NAMES or name in _RESERVED_NAMES


def _export_rows(rows: Iterable[ViolationRow]) -> Iterator[_ExportRow]:
    """People who share an address are told of each other."""
    for key, group in groupby(rows, key=attrgetter("email_key")):
        if key is None:
            yield from ((row, (), row) for row in group)
            continue
        yield from _export_rows_of_group(group)


def _export_rows_of_group(group: Iterator[ViolationRow]) -> Iterator[_ExportRow]:
    first = list(islice(group, MAX_LISTED_SHARERS + 1))
    names = [each.cio_id for each in first]
    for place, row in enumerate(first):
        yield row, names[:place] + names[place + 1 :], first[0]
    for row in group:
        yield row, names[:MAX_LISTED_SHARERS], first[0]


def _cells(row: ViolationRow, others: Sequence[str], oldest: ViolationRow) -> Sequence[str]:
    """Only an id, an email and attributes can be anything, all else is made by us."""
    cio_id, id_, email, _, created_at, sharing, invalid, suppressed, another, values = row
    shares = sharing > 1
    fixes = _fixes(invalid, suppressed, another) if invalid or suppressed or another else ""
    cells = (
        _violations(shares, invalid, suppressed, another),
        cio_id,
        escape(id_) if id_ else "",
        escape(email) if email else "",
        _time(created_at),
        _sharers(sharing, others) if shares else "",
        _advice(sharing if row is oldest else 0, oldest.cio_id, fixes) if shares else fixes,
    )
    return (*cells, *(escape(cell_text(value)) for value in values)) if values else cells


def violations_of(row: ViolationRow) -> str:
    """Everything that is wrong with a person, as the export says it."""
    return _violations(row.sharing > 1, row.invalid_email, row.suppressed_email, row.id_is_another_email)


@lru_cache
def _violations(shares: bool, invalid: bool, suppressed: bool, another: bool) -> str:  # noqa: FBT001 - the order of the specification
    """In the order of identity-rules §7, which is that of their names."""
    found = zip(Violation, (shares, invalid, suppressed, another), strict=True)
    return ";".join(violation for violation, is_there in found if is_there)


def _sharers(sharing: int, others: Sequence[str]) -> str:
    unnamed = sharing - 1 - len(others)
    return ";".join([*others, f"and {unnamed} more"] if unnamed > 0 else others)


def _advice(oldest_of: int, oldest: str, fixes: str) -> str:
    """How to mend a shared address and what else is wrong (identity-rules §7, last column)."""
    if oldest_of:
        way = f"keep this person (the oldest of {oldest_of} with this email)"
    else:
        way = f"delete this person or change the email; {oldest} is the oldest that has it"
    return f"{way}; {fixes}" if fixes else way


@lru_cache
def _fixes(invalid: bool, suppressed: bool, another: bool) -> str:  # noqa: FBT001 - the order of the specification
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
        (each.cio_id, each.id or "", each.email or "", *(cell_text(each.attributes.get(name)) for name in names))
        for each in people
    )
    columns = map(escape, ("cio_id", "id", "email", *names))
    return csv_lines(columns, ([escape(cell) for cell in row] for row in cells))


def cell_text(value: object) -> str:
    """The cell of an attribute: text as it is, other values as JSON, nothing as nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
