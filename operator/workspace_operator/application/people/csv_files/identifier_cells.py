"""Cells of identifiers that a spreadsheet or a data frame has made: many people may have become one."""

import re

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.text_limits import quoted

_error_value = re.compile(
    r"#(?:N/A|N/D|NV|N/A N/A|GETTING_DATA|[^\W\d_][\w/ ]*[!?]|[¡¿][\w/]+[!?]|#{2,})|Err:\d{3}", re.IGNORECASE
).fullmatch
"""Errors that Excel (in any language), Google Sheets and LibreOffice write into cells, and cells too narrow to show."""
_SUSPICIOUS = frozenset("#+-0123456789Ee<Nn")
_missing_value = re.compile(r"<NA>|NaT|N/A", re.IGNORECASE).fullmatch
"""What data frames and people write where there is nothing, beside what is no id anywhere (`nan`, `None`, `null`)."""
_rounded_number = re.compile(r"[+-]?\d(?:[.,]\d+)?E[+-]\d+|[+-]?\d[.,]\d+E\d+", re.IGNORECASE).fullmatch
_number_with_fraction = re.compile(r"\d+[.,]0+").fullmatch


def check_identifier_cell(cell: str, *, column: str) -> None:
    """Refuse what a spreadsheet or a data frame has made of an identifier: many people may have become one.

    Args:
        cell: of a column of identifiers, stripped.
        column: its name.

    Raises:
        InvalidInput: it is an error value or, where it is no email, a missing value or a number that was rounded or
            got a fraction.
    """
    if cell[:1] not in _SUSPICIOUS or cell.isdecimal():
        return
    if _error_value(cell):
        raise InvalidInput(f"{column} {quoted(cell)} is an error of a spreadsheet: write the {column} itself")
    if column == "email":
        return
    if _missing_value(cell):
        raise InvalidInput(f"{column} {quoted(cell)} is written where a value is missing: write the {column} itself")
    if _rounded_number(cell):
        raise InvalidInput(
            f"{column} {quoted(cell)} is a number that a spreadsheet has rounded: format the column as text"
        )
    if _number_with_fraction(cell):
        raise InvalidInput(f"{column} {quoted(cell)} is a number that a program gave a fraction: write it without")
