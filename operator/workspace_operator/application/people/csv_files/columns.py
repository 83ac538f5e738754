"""The columns of a CSV file of people: which names have a meaning, and which only look as if they had one."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from unicodedata import category, name, normalize

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, ID_ONLY, Mode
from workspace_operator.identity.values.text_limits import MAX_NAME_BYTES, check_text, quoted

IDENTIFIER_COLUMNS: Final = ("id", "email", "cio_id")
KNOWN_COLUMNS: Final = (*IDENTIFIER_COLUMNS, "created_at")
"""Known in upper and lower case."""

NOTE_COLUMNS: Final = ("_line", "_outcome", "_reason")
"""What a rejects file has before the row itself."""
UNDO_COLUMN: Final = "_undo"
"""Marks an undo file: an empty cell of it removes."""
JSON_COLUMN: Final = "_json"
"""In an undo file: the names of the columns whose cells are JSON in this row, as a JSON list."""
OTHERS_COLUMN: Final = "_other_attributes"
"""In an undo file: the attributes whose names would not come back from a header, as a JSON object."""
UNDO_COLUMNS: Final = (UNDO_COLUMN, JSON_COLUMN, OTHERS_COLUMN)
SKIPPED_COLUMNS: Final = (*NOTE_COLUMNS, "_violations", "_age_from", "_shares_with", "_advice", *UNDO_COLUMNS)
"""Columns that this product writes beside the columns of a person; they say nothing of a person."""

AS_ATTRIBUTE: Final = "attribute"
IGNORED: Final = "ignore"

_SYNONYMS: Final[Mapping[str, Collection[str]]] = {
    "email": (
        "email", "emails", "emailaddress", "emailadress", "emailadresse", "emailaddr", "emailid", "mail",
        "mailaddress", "mailadresse", "primaryemail", "primaryemailaddress",
    ),
    "id": (
        "id", "userid", "customerid", "personid", "contactid", "memberid", "subscriberid", "clientid", "profileid",
        "externalid", "uid",
    ),
    "cio_id": ("cioid", "customerioid"),
    "created_at": ("createdat",),
    "unsubscribed": ("unsubscribed",),
}  # fmt: skip
"""Names that mean one with a meaning, in letters and digits only."""

_MEANINGS: Final = {synonym: meant for meant, synonyms in _SYNONYMS.items() for synonym in synonyms}
_EXACT: Final = frozenset({*KNOWN_COLUMNS, "unsubscribed"})
_no_letter_or_digit = re.compile(r"[\W_]+")
_INVISIBLE_BLANKS: Final = frozenset("\u00a0\u034f\u115f\u1160\u2800\u3164\uffa0")
_LINE_BREAKS: Final = frozenset("\n\r\t")
_SYNTAX: Final = frozenset(',;|"')
MAX_LISTED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnReport:
    """What each column of a file became, by the names in the file."""

    identifiers: Sequence[str]
    attributes: Sequence[str]
    ignored: Sequence[str]


def parse_mapping(options: Sequence[str], *, field: str = "--map") -> Mapping[str, str]:
    """Parse ``COLUMN=TARGET``, each column once. Raises InvalidInput."""
    mapping: dict[str, str] = {}
    for each in options:
        column, _, target = each.rpartition("=")
        column, target = column.strip(), target.strip()
        if not column or not target or target in SKIPPED_COLUMNS:
            message = f"{field} {quoted(each)} must be COLUMN=TARGET, such as 'Email Address=email' or 'Notes=ignore'"
            raise InvalidInput(message, field=field)
        if column in mapping:
            raise InvalidInput(f"{field} gives the column {quoted(column)} two targets: leave one out", field=field)
        meant = similar_known_name(known_name(target))
        if meant is not None:
            raise InvalidInput(f"{field} {quoted(each)}: the target must be written {meant}", field=field)
        mapping[column] = known_name(target)
    return mapping


def known_name(cell: str) -> str:
    """A name as it is compared: those that are known in any case in their one spelling."""
    return cell.lower() if cell.lower() in KNOWN_COLUMNS else cell


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnNames:
    """The names of a header's columns, mapped.

    Attributes:
        columns: what each column is called; empty where a header has no name.
        decided: the places of those that a mapping decides: they are as they are wanted.
        ignored: the places of those that a mapping leaves out.
    """

    columns: Sequence[str]
    explicit: frozenset[int]
    ignored: frozenset[int]


def apply_mapping(cells: Sequence[str], mapping: Mapping[str, str]) -> ColumnNames:
    """Apply a mapping to the names of a header. Raises InvalidInput if it names a column that is not there once."""
    columns = [known_name(each) for each in cells]
    targets: dict[int, str] = {}
    for column, target in mapping.items():
        places = [place for place, each in enumerate(cells) if each == column]
        places = places or [place for place, each in enumerate(cells) if visible(each) == column]
        if len(places) != 1:
            problem = "is there more than once" if places else f"is not there; the file has {listed(cells)}"
            raise _refused(f"the column {quoted(column)} of --map {problem}")
        targets[places[0]] = target
        columns[places[0]] = _mapped_name(cells[places[0]], target)
    ignored = frozenset(place for place, target in targets.items() if target == IGNORED)
    return ColumnNames(columns=tuple(columns), explicit=frozenset(targets), ignored=ignored)


def _mapped_name(cell: str, target: str) -> str:
    if target == IGNORED:
        return cell
    return visible(cell) if target == AS_ATTRIBUTE else target


def check_names(cells: Sequence[str], names: ColumnNames) -> None:
    """Refuse names that cannot be told apart. Raises InvalidInput with the column, and what to do."""
    seen: dict[str, int] = {}
    for place, each in enumerate(names.columns):
        if not each or place in names.ignored:
            continue
        invisible = next(filter(_is_invisible, each), None)
        if invisible is not None:
            way = f"remove it, or add --map {_quoted(f'{visible(each)}={known_name(visible(each))}')}"
            message = (
                f"the name of column {place + 1}, {quoted(each)}, has an invisible character ({_title(invisible)})"
            )
            raise _refused(f"{message}: {way}")
        if each in seen:
            raise _refused(f"the column {quoted(each)} is there twice{_way_out(cells[seen[each]], cells[place])}")
        seen[each] = place
        check_text(each, field=f"line 1: the name of column {place + 1}", limit=MAX_NAME_BYTES)


def _way_out(first: str, second: str) -> str:
    """How to have only one of two columns with the same meaning; a mapping cannot tell those of one name apart."""
    if first == second:
        return "; rename or remove one"
    return f", as {quoted(first)} and {quoted(second)}; remove one, or add --map {_quoted(f'{second}={IGNORED}')}"


def check_similar(names: ColumnNames) -> None:
    """Refuse names that are nearly ones with a meaning, such as ``E-Mail`` or ``User ID``.

    Raises:
        InvalidInput: with the options to add, for all of them.
    """
    open_ = [each for place, each in enumerate(names.columns) if place not in names.explicit]
    similar = [(each, meant) for each in open_ if (meant := similar_known_name(each))]
    if similar:
        raise _refused("; ".join(_choice(each, meant) for each, meant in similar))


def similar_known_name(column: str) -> str | None:
    """The name with a meaning that a column's name resembles, without being it."""
    if column in _EXACT or column in SKIPPED_COLUMNS:
        return None
    return _MEANINGS.get(_no_letter_or_digit.sub("", normalize("NFKC", column).casefold()))


@lru_cache(maxsize=10_000)
def round_trips(attribute: str) -> bool:
    """Whether the name of an attribute that stands in a header is read as just that."""
    return (
        attribute not in SKIPPED_COLUMNS
        and known_name(attribute) not in IDENTIFIER_COLUMNS
        and similar_known_name(attribute) is None
        and attribute == visible(attribute)
        and not any(each in _SYNTAX or each in _LINE_BREAKS for each in attribute)
    )


def _choice(column: str, meant: str) -> str:
    options = f"--map {_quoted(f'{column}={meant}')} or --map {_quoted(f'{column}={AS_ATTRIBUTE}')}"
    return f"the column {quoted(column)} is not named {meant}, but looks as if it were meant: add {options}"


def _quoted(argument: str) -> str:
    """An argument as a shell takes it."""
    return "'" + argument.replace("'", "'\\''") + "'"


def column_report(cells: Sequence[str], columns: Sequence[str], ignored: Collection[int], mode: Mode) -> ColumnReport:
    """What the columns became in a workspace with these identifiers; an email is an attribute in IDOnly."""
    kinds = {ID.value, CIO_ID.value} if mode is ID_ONLY else {ID.value, EMAIL.value, CIO_ID.value}
    identifiers: list[str] = []
    attributes: list[str] = []
    left_out: list[str] = []
    for place, (cell, column) in enumerate(zip(cells, columns, strict=True)):
        titles = left_out if place in ignored else identifiers if column in kinds else attributes
        titles.append(_column_title(cell, column, place))
    return ColumnReport(identifiers=identifiers, attributes=attributes, ignored=left_out)


def _column_title(cell: str, column: str, place: int) -> str:
    if not cell:
        return f"column {place + 1} (empty)"
    return cell if column in {known_name(cell), visible(cell)} else f"{cell} (as {column})"


def listed(names: Sequence[str]) -> str:
    """Some of many names for a message."""
    shown_names = ", ".join(map(quoted, names[:MAX_LISTED]))
    more = len(names) - MAX_LISTED
    return f"{shown_names} and {more} more" if more > 0 else shown_names


def visible(text: str) -> str:
    """A name without its invisible characters; spaces of other kinds are plain ones."""
    return "".join(_visible(text)).strip()


def _visible(text: str) -> Iterator[str]:
    for each in text:
        if not _is_invisible(each):
            yield each
        elif each.isspace():
            yield " "


def _is_invisible(character: str) -> bool:
    """Whether a name with this character cannot be told from one without it, or with a plain space."""
    if character.isascii():
        return not character.isprintable() and character not in _LINE_BREAKS
    return character in _INVISIBLE_BLANKS or category(character) in {"Cf", "Cc", "Zs", "Zl", "Zp"}


def _title(character: str) -> str:
    known = name(character, "")
    return f"U+{ord(character):04X} {known}" if known else f"U+{ord(character):04X}"


def _refused(message: str) -> InvalidInput:
    return InvalidInput(f"line 1: {message}", field="file")
