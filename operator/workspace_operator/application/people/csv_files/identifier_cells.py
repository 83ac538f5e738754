"""Check of identifier cells that a spreadsheet or a data frame has damaged, which can conflate many people."""

import re

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.text_limits import quoted

_error_value = re.compile(
    r"#(?:N/A|N/D|NV|N/A N/A|GETTING_DATA|[^\W\d_][\w/ ]*[!?]|[¡¿][\w/]+[!?]|#{2,})|Err:\d{3}", re.IGNORECASE
).fullmatch
"""Error values of Excel (in any language), Google Sheets and LibreOffice, and of cells that are too narrow."""
_SUSPICIOUS = frozenset("#+-0123456789Ee<Nn")
_missing_value = re.compile(r"<NA>|NaT|N/A", re.IGNORECASE).fullmatch
"""Marks of missing values, besides those that the identity rules reject as an id (`nan`, `None`, `null`)."""
_rounded_number = re.compile(r"[+-]?\d(?:[.,]\d+)?E[+-]\d+|[+-]?\d[.,]\d+E\d+", re.IGNORECASE).fullmatch
_number_with_fraction = re.compile(r"\d+[.,]0+").fullmatch


def check_identifier_cell(cell: str, *, column: str) -> None:
    """Reject a stripped identifier that a spreadsheet or a data frame has damaged.

    Raises:
        InvalidInput: the cell is an error value or, in a column other than email, a missing value or a number that was
            rounded or has a fraction.
    """
    if cell[:1] not in _SUSPICIOUS or cell.isdecimal():
        return
    if _error_value(cell):
        raise InvalidInput(f"{column} {quoted(cell)} is an error value of a spreadsheet: write the {column} itself")
    if column == "email":
        return
    if _missing_value(cell):
        raise InvalidInput(f"{column} {quoted(cell)} marks a missing value: write the {column} itself")
    if _rounded_number(cell):
        problem = "is a number that a spreadsheet has rounded"
        raise InvalidInput(f"{column} {quoted(cell)} {problem}: format the column as text")
    if _number_with_fraction(cell):
        raise InvalidInput(f"{column} {quoted(cell)} is a number that a program gave a fraction: remove the fraction")
