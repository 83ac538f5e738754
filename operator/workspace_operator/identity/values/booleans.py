"""What counts as true and false: files have text where the API has JSON (identity-rules §5)."""

from typing import Final

from workspace_operator.identity.values.text_limits import stripped

_TRUE: Final = frozenset({"true", "1", "1.0"})
_FALSE: Final = frozenset({"false", "0", "0.0"})


def boolean_of(value: object) -> bool | None:
    """What a value says: true, 1, "true" and "1" are true, false, 0, "false" and "0" are false; None for all else.

    Text in any case, with white space around it, and "1.0" and "0.0", as spreadsheets and pandas write them.
    """
    if isinstance(value, str):
        word = stripped(value).lower()
        return True if word in _TRUE else False if word in _FALSE else None
    if isinstance(value, int | float) and value in {0, 1}:
        return value == 1
    return None
