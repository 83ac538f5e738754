"""CSV exports, streamed: the people who block a migration, and all people.

Columns that this product adds begin with ``_``. An import skips them, so a corrected export can be imported unchanged.
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

from workspace_operator.application.people.csv_files.columns import DECISION_COLUMN
from workspace_operator.application.people.csv_files.injection import escape
from workspace_operator.application.ports import Exports, People, ViolationRow
from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.attributes import IDENTIFIER_NAMES
from workspace_operator.identity.values.references import reference_to_cio_id
from workspace_operator.identity.values.text_limits import MAX_NAME_BYTES, check_text, quoted
from workspace_operator.migrations.model import Violation

VIOLATION_COLUMNS = ("_violations", "cio_id", "id", "email", "_age_from", "_shares_with", "_advice")
OWN_PREFIX = "_"
"""Prefix of the columns that this product adds."""

COMMON_ATTRIBUTES: Final = 2
"""Number of attributes in an export of violations if none are specified."""
MAX_NAMED_ATTRIBUTES: Final = 20
_SAMPLED_PEOPLE: Final = 1000
_RESERVED_NAMES: Final = IDENTIFIER_NAMES | {"created_at", "unsubscribed"}

_DECISIONS_WITHOUT_DETAIL: Final = tuple(kind.value for kind in DecisionKind if kind is not DecisionKind.CORRECT)

MAX_LISTED_SHARERS = 5
"""Maximum number of people with the same address that a row lists; the number of the others follows."""


class _LineBuffer(list[str]):
    """Buffer for the output of the csv writer, one line at a time."""

    write = list.append


def csv_lines(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a CSV file without changing cells; lines end as RFC 4180 requires."""
    buffer = _LineBuffer()
    writer = csv.writer(buffer)
    for cells in chain([tuple(columns)], rows):
        line = ",".join(cells)
        if line.count(",") >= len(cells) or len(cells) == 1 or '"' in line or "\r" in line or "\n" in line:
            writer.writerow(cells)
            yield buffer.pop()
        else:
            yield f"{line}\r\n"  # most lines; the csv writer takes several times as long


@dataclass(frozen=True, slots=True, kw_only=True)
class ViolationFilter:
    """Filter of the people of an export.

    A command such as grep cannot select them, since cells may contain line breaks and any words.

    Attributes:
        violations: select people with one of these; all people if empty.
        except_oldest: omit the oldest person of each shared address.
    """

    violations: Collection[Violation] = ()
    except_oldest: bool = False

    def matches(self, row: ViolationRow, oldest: ViolationRow) -> bool:
        """Whether the filter selects a person, given the oldest person with the same address."""
        if self.except_oldest and row.sharing > 1 and row is oldest:
            return False
        return not self.violations or not set(self.violations).isdisjoint(violations_of(row).split(";"))


NO_FILTER: Final = ViolationFilter()

_ExportRow: TypeAlias = tuple[ViolationRow, Sequence[str], ViolationRow]
"""A row, the cio_ids of other people that it lists, and the oldest person with the same address."""


def violation_lines(
    rows: Iterable[ViolationRow],
    attributes: Sequence[str] = (),
    row_filter: ViolationFilter = NO_FILTER,
    *,
    decision: str | None = None,
) -> Iterator[str]:
    """Yield the lines of an export of violations; there may be millions.

    The rows are in the order of (e-mail key, age, cio_id), and have the values of ``attributes``. With a ``decision``,
    perhaps empty, each begins with it, in a column for the decisions of a cleanup.
    """
    export_rows = _export_rows(rows)
    if row_filter != NO_FILTER:
        export_rows = ((row, others, oldest) for row, others, oldest in export_rows if row_filter.matches(row, oldest))
    columns = (*VIOLATION_COLUMNS, *map(escape, attributes))
    cells = (_cells(row, others, oldest) for row, others, oldest in export_rows)
    if decision is None:
        return csv_lines(columns, cells)
    return csv_lines((DECISION_COLUMN, *columns), ((decision, *each) for each in cells))


def parse_decision(text: str | None, *, field: str) -> str | None:
    """A decision for every row of an export, perhaps empty. Raises InvalidInput."""
    if text and text not in _DECISIONS_WITHOUT_DETAIL:
        choices = ", ".join(_DECISIONS_WITHOUT_DETAIL)
        raise InvalidInput(
            f"{field} {quoted(text)} is no decision for every row: use one of {choices}, or ''", field=field
        )
    return text


def violation_table(rows: Iterable[ViolationRow]) -> Iterator[Sequence[str]]:
    """Yield violations, id, email and advice of each person, for a table on the terminal."""
    for row, others, oldest in _export_rows(rows):
        cells = _cells(row, others, oldest)
        yield cells[0], row.id or "", row.email or "", cells[-1]


def parse_attribute_names(text: str, *, field: str) -> Sequence[str]:
    """Parse a comma-separated list of attributes, each once; may be empty. Raises InvalidInput."""
    names = list(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
    if len(names) > MAX_NAMED_ATTRIBUTES:
        message = f"{field} has {len(names)} attributes, {MAX_NAMED_ATTRIBUTES} are allowed: remove some"
        raise InvalidInput(message, field=field)
    for name in names:
        if name in VIOLATION_COLUMNS:
            message = f"{field} {quoted(name)} is a column of every export already: list only attributes"
            raise InvalidInput(message, field=field)
        check_text(name, field=field, limit=MAX_NAME_BYTES)
    return names


def common_attributes(exports: Exports, people: People, workspace_id: int, number: int) -> Sequence[str]:
    """Find the two most frequent text attributes among the first 1000 people of an export.

    Other values do not count, since only text survives an import of a CSV file. Raises NotFound.
    """
    rows = exports.violations(workspace_id, number, limit=_SAMPLED_PEOPLE)
    found = people.find_many(workspace_id, [reference_to_cio_id(row.cio_id) for row in rows])
    counts = Counter(
        name
        for person in found
        for name, value in person.attributes.items()
        if isinstance(value, str) and value and not name.startswith(OWN_PREFIX) and name not in _RESERVED_NAMES
    )
    return [name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:COMMON_ATTRIBUTES]]


def _export_rows(rows: Iterable[ViolationRow]) -> Iterator[_ExportRow]:
    """Add to each row the other people with the same address, and the oldest of them."""
    for key, group in groupby(rows, key=attrgetter("email_key")):
        if key is None:
            yield from ((row, (), row) for row in group)
        else:
            yield from _export_rows_of_group(group)


def _export_rows_of_group(group: Iterator[ViolationRow]) -> Iterator[_ExportRow]:
    first = list(islice(group, MAX_LISTED_SHARERS + 1))
    cio_ids = [row.cio_id for row in first]
    for index, row in enumerate(first):
        yield row, cio_ids[:index] + cio_ids[index + 1 :], first[0]
    for row in group:
        yield row, cio_ids[:MAX_LISTED_SHARERS], first[0]


def _cells(row: ViolationRow, others: Sequence[str], oldest: ViolationRow) -> Sequence[str]:
    """The cells of a row; only id, email and attributes can contain formulas."""
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
    """All violations of a person, as the export writes them."""
    return _violations(row.sharing > 1, row.invalid_email, row.suppressed_email, row.id_is_another_email)


@lru_cache
def _violations(shares: bool, invalid: bool, suppressed: bool, another: bool) -> str:  # noqa: FBT001 - the order of the specification
    """Join the violations in the order of identity-rules §7, which is that of their names."""
    found = zip(Violation, (shares, invalid, suppressed, another), strict=True)
    return ";".join(violation for violation, is_there in found if is_there)


def _sharers(sharing: int, others: Sequence[str]) -> str:
    unnamed = sharing - 1 - len(others)
    return ";".join([*others, f"and {unnamed} more"] if unnamed > 0 else others)


def _advice(oldest_of: int, oldest: str, fixes: str) -> str:
    """How to fix a shared address and the other violations (identity-rules §7, last column)."""
    if oldest_of:
        advice = f"keep this person (the oldest of {oldest_of} with this email)"
    else:
        advice = f"delete this person or change the email; {oldest} is the oldest that has it"
    return f"{advice}; {fixes}" if fixes else advice


@lru_cache
def _fixes(invalid: bool, suppressed: bool, another: bool) -> str:  # noqa: FBT001 - the order of the specification
    fixes = (
        "correct the email or delete the person",
        "change the email to one that is not suppressed or delete the person",
        "set the email to the address that the id is or delete the person",
    )
    return "; ".join(fix for fix, is_needed in zip(fixes, (invalid, suppressed, another), strict=True) if is_needed)


def _time(seconds: int) -> str:
    """Format Unix seconds as ISO 8601. It caches days, of which there are few, unlike minutes."""
    day, seconds = divmod(seconds, 86_400)
    minute, second = divmod(seconds, 60)
    return _day(day) + _MINUTES[minute] + _SECONDS[second]


_MINUTES = [f"T{hour:02d}:{minute:02d}" for hour in range(24) for minute in range(60)]
_SECONDS = [f":{second:02d}Z" for second in range(60)]


@lru_cache(maxsize=20_000)
def _day(number: int) -> str:
    return datetime.fromtimestamp(86_400 * number, UTC).date().isoformat()


def people_lines(people: Iterable[Person], attributes: Iterable[str]) -> Iterator[str]:
    """Yield the lines of an export of people with identifiers and attributes; values that are not text are JSON."""
    names = list(attributes)
    rows = (
        (person.cio_id, person.id or "", person.email or "", *map(cell_text, map(person.attributes.get, names)))
        for person in people
    )
    return csv_lines(map(escape, ("cio_id", "id", "email", *names)), ([escape(cell) for cell in row] for row in rows))


def cell_text(value: object) -> str:
    """The cell of an attribute: text unchanged, other values as JSON, empty for None."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
