"""Booleans in JSON and in the text of files (identity-rules §5)."""

from typing import Final

from workspace_operator.identity.values.text_limits import stripped

_TRUE: Final = frozenset({"true", "1", "1.0"})
_FALSE: Final = frozenset({"false", "0", "0.0"})


def boolean_of(value: object) -> bool | None:
    """Parse a boolean: true, 1, "true" and "1" are true; false, 0, "false" and "0" are false; else None.

    Text may have any case and surrounding white space. "1.0" and "0.0" count too: spreadsheets and pandas write them.
    """
    if isinstance(value, str):
        word = stripped(value).lower()
        return True if word in _TRUE else False if word in _FALSE else None
    if isinstance(value, int | float) and value in {0, 1}:
        return value == 1
    return None
