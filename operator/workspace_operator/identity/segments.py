"""Manual segments: groups of people by number, to which a name may be given."""

from typing import Final

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.texts import MAX_NAME_BYTES, check_text

MAX_SEGMENT: Final = 10**18 - 1
"""Any number of so many digits fits the integers of every database."""


def segment_name(raw: str, *, field: str) -> str:
    """A segment's name, without white space around it. Raises InvalidInput if it is empty, too long or no text."""
    name = raw.strip()
    if not name:
        raise InvalidInput(f"{field} is empty: say what the segment is for", field=field)
    check_text(name, field=field, limit=MAX_NAME_BYTES)
    return name
