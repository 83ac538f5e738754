"""Columns of a CSV file of people: known names, names similar to known ones, and mappings."""

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
"""Names that are known in upper and lower case."""

NOTE_COLUMNS: Final = ("_line", "_outcome", "_reason")
"""Columns of a rejects file before those of the row."""
UNDO_COLUMN: Final = "_undo"
"""Marks an undo file, in which an empty cell removes the value."""
JSON_COLUMN: Final = "_json"
"""In an undo file: the names of the columns whose cells are JSON in this row, as a JSON list."""
OTHERS_COLUMN: Final = "_other_attributes"
"""In an undo file: the attributes whose names cannot be column names, as a JSON object."""
UNDO_COLUMNS: Final = (UNDO_COLUMN, JSON_COLUMN, OTHERS_COLUMN)
DECISION_COLUMN: Final = "_decision"
NEW_EMAIL_COLUMN: Final = "_email"
SURVIVOR_COLUMN: Final = "_into"
DECISION_COLUMNS: Final = (DECISION_COLUMN, NEW_EMAIL_COLUMN, SURVIVOR_COLUMN)
"""In a file of decisions: what is to happen to the person, the new address, and the person to merge into."""
SKIPPED_COLUMNS: Final = (
    *NOTE_COLUMNS,
    *("_violations", "_age_from", "_shares_with", "_advice"),
    *UNDO_COLUMNS,
    *DECISION_COLUMNS,
)
"""Columns that this product adds to those of a person; an import skips them."""

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
"""Synonyms of known names, in letters and digits only."""

_MEANINGS: Final = {synonym: meant for meant, synonyms in _SYNONYMS.items() for synonym in synonyms}
_EXACT: Final = frozenset({*KNOWN_COLUMNS, "unsubscribed"})
_no_letter_or_digit = re.compile(r"[\W_]+")
_INVISIBLE_BLANKS: Final = frozenset("\u00a0\u034f\u115f\u1160\u2800\u3164\uffa0")
_LINE_BREAKS: Final = frozenset("\n\r\t")
_SYNTAX: Final = frozenset(',;|"')
MAX_LISTED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnReport:
    """Meaning of each column of a file, by the names in the file."""

    identifiers: Sequence[str]
    attributes: Sequence[str]
    ignored: Sequence[str]


def parse_mapping(options: Sequence[str], *, field: str = "--map") -> Mapping[str, str]:
    """Parse ``COLUMN=TARGET`` options, each column once. Raises InvalidInput."""
    mapping: dict[str, str] = {}
    for option in options:
        column, _, target = option.rpartition("=")
        column, target = column.strip(), target.strip()
        if not column or not target or target in SKIPPED_COLUMNS:
            message = f"{field} {quoted(option)} must be COLUMN=TARGET, such as 'Email Address=email' or 'Notes=ignore'"
            raise InvalidInput(message, field=field)
        if column in mapping:
            raise InvalidInput(f"{field} gives the column {quoted(column)} two targets: remove one", field=field)
        meant = similar_known_name(known_name(target))
        if meant is not None:
            raise InvalidInput(f"{field} {quoted(option)}: the target must be written {meant}", field=field)
        mapping[column] = known_name(target)
    return mapping


def known_name(cell: str) -> str:
    """Normalize a name: known names in lower case, other names unchanged."""
    return cell.lower() if cell.lower() in KNOWN_COLUMNS else cell


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnNames:
    """The names of the columns of a header after the mapping.

    Attributes:
        columns: name of each column, empty if the header has none.
        explicit: indexes of the columns in the mapping, whose names are never questioned.
        ignored: indexes of the columns that the mapping ignores.
    """

    columns: Sequence[str]
    explicit: frozenset[int]
    ignored: frozenset[int]


def apply_mapping(cells: Sequence[str], mapping: Mapping[str, str]) -> ColumnNames:
    """Apply a mapping to the names of a header. Raises InvalidInput unless the file has each of its columns once."""
    columns = [known_name(cell) for cell in cells]
    targets: dict[int, str] = {}
    for column, target in mapping.items():
        indexes = [index for index, cell in enumerate(cells) if cell == column]
        indexes = indexes or [index for index, cell in enumerate(cells) if visible(cell) == column]
        if len(indexes) != 1:
            problem = "exists more than once" if indexes else f"does not exist; the file has {format_names(cells)}"
            raise header_error(f"the column {quoted(column)} of --map {problem}")
        targets[indexes[0]] = target
        columns[indexes[0]] = _mapped_name(cells[indexes[0]], target)
    ignored = frozenset(index for index, target in targets.items() if target == IGNORED)
    return ColumnNames(columns=tuple(columns), explicit=frozenset(targets), ignored=ignored)


def _mapped_name(cell: str, target: str) -> str:
    if target == IGNORED:
        return cell
    return visible(cell) if target == AS_ATTRIBUTE else target


def check_names(cells: Sequence[str], names: ColumnNames) -> None:
    """Reject duplicate names and names with invisible characters. Raises InvalidInput with a remedy."""
    seen: dict[str, int] = {}
    for index, name_ in enumerate(names.columns):
        if not name_ or index in names.ignored:
            continue
        invisible = next(filter(_is_invisible, name_), None)
        if invisible is not None:
            remedy = f"remove it, or add --map {_quoted(f'{visible(name_)}={known_name(visible(name_))}')}"
            column = f"the name of column {index + 1}, {quoted(name_)},"
            raise header_error(f"{column} has an invisible character ({_title(invisible)}): {remedy}")
        if name_ in seen:
            remedy = _duplicate_remedy(cells[seen[name_]], cells[index])
            raise header_error(f"the column {quoted(name_)} exists twice{remedy}")
        seen[name_] = index
        check_text(name_, field=f"line 1: the name of column {index + 1}", limit=MAX_NAME_BYTES)


def _duplicate_remedy(first: str, second: str) -> str:
    """How to remove one of two columns with the same meaning; a mapping cannot select one of two equal names."""
    if first == second:
        return "; rename or remove one"
    return f", as {quoted(first)} and {quoted(second)}; remove one, or add --map {_quoted(f'{second}={IGNORED}')}"


def check_similar(names: ColumnNames) -> None:
    """Reject names that are similar to known ones, such as ``E-Mail``. Raises InvalidInput with the options to add."""
    unmapped = [column for index, column in enumerate(names.columns) if index not in names.explicit]
    similar = [(column, meant) for column in unmapped if (meant := similar_known_name(column))]
    if similar:
        raise header_error("; ".join(_choice(column, meant) for column, meant in similar))


def similar_known_name(column: str) -> str | None:
    """The known name that a column's name resembles; None if there is none, or if the name is a known one."""
    if column in _EXACT or column in SKIPPED_COLUMNS:
        return None
    return _MEANINGS.get(_no_letter_or_digit.sub("", normalize("NFKC", column).casefold()))


@lru_cache(maxsize=10_000)
def round_trips(attribute: str) -> bool:
    """Whether an import reads the name of an attribute in a header as that attribute."""
    return (
        attribute not in SKIPPED_COLUMNS
        and known_name(attribute) not in IDENTIFIER_COLUMNS
        and similar_known_name(attribute) is None
        and attribute == visible(attribute)
        and not any(character in _SYNTAX or character in _LINE_BREAKS for character in attribute)
    )


def _choice(column: str, meant: str) -> str:
    options = f"--map {_quoted(f'{column}={meant}')} or --map {_quoted(f'{column}={AS_ATTRIBUTE}')}"
    return f"the column {quoted(column)} is similar to the known name {meant}: add {options}"


def _quoted(argument: str) -> str:
    """Quote an argument for a shell."""
    return "'" + argument.replace("'", "'\\''") + "'"


def column_report(cells: Sequence[str], columns: Sequence[str], ignored: Collection[int], mode: Mode) -> ColumnReport:
    """The meaning of the columns in a workspace with this mode; an email is an attribute in IDOnly."""
    kinds = {ID.value, CIO_ID.value} if mode is ID_ONLY else {ID.value, EMAIL.value, CIO_ID.value}
    identifiers: list[str] = []
    attributes: list[str] = []
    ignored_titles: list[str] = []
    for index, (cell, column) in enumerate(zip(cells, columns, strict=True)):
        titles = ignored_titles if index in ignored else identifiers if column in kinds else attributes
        titles.append(_column_title(cell, column, index))
    return ColumnReport(identifiers=identifiers, attributes=attributes, ignored=ignored_titles)


def _column_title(cell: str, column: str, index: int) -> str:
    if not cell:
        return f"column {index + 1} (empty)"
    return cell if column in {known_name(cell), visible(cell)} else f"{cell} (as {column})"


def format_names(names: Sequence[str]) -> str:
    """Format names for a message; a long list is shortened."""
    shown_names = ", ".join(map(quoted, names[:MAX_LISTED]))
    more = len(names) - MAX_LISTED
    return f"{shown_names} and {more} more" if more > 0 else shown_names


def visible(text: str) -> str:
    """Remove invisible characters from a name, and replace other kinds of spaces with plain ones."""
    return "".join(_visible(text)).strip()


def _visible(text: str) -> Iterator[str]:
    for character in text:
        if not _is_invisible(character):
            yield character
        elif character.isspace():
            yield " "


def _is_invisible(character: str) -> bool:
    """Whether a name with this character looks the same as without it, or as with a plain space."""
    if character.isascii():
        return not character.isprintable() and character not in _LINE_BREAKS
    return character in _INVISIBLE_BLANKS or category(character) in {"Cf", "Cc", "Zs", "Zl", "Zp"}


def _title(character: str) -> str:
    known = name(character, "")
    return f"U+{ord(character):04X} {known}" if known else f"U+{ord(character):04X}"


def header_error(message: str) -> InvalidInput:
    """An error in the first line of a file."""
    return InvalidInput(f"line 1: {message}", field="file")
