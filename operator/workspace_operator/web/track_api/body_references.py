"""Reads objects and references from request bodies."""

from collections.abc import Mapping
from typing import Any

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.commands import MergePeople
from workspace_operator.identity.values.references import Reference, reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.identity.values.text_limits import quoted


def single_reference(side: Mapping[str, Any], *, field: str) -> Reference:
    """The reference in an object with one identifier; null and empty values do not count. Raises InvalidInput."""
    identifiers = [(kind, side[kind.value]) for kind in IdentifierKind if side.get(kind.value) not in (None, "")]
    if len(identifiers) != 1:
        message = f"{field} must have exactly one of {', '.join(IdentifierKind)}, it has {len(identifiers)}"
        raise InvalidInput(message, field=field)
    [(kind, raw)] = identifiers
    return reference_of_kind(raw, kind, field=f"{field}.{kind}")


def merge_command(body: Mapping[str, Any]) -> MergePeople:
    """The command to merge the two people of a body. Raises InvalidInput."""
    primary, secondary = (single_reference(get_object(body, side), field=side) for side in ("primary", "secondary"))
    return MergePeople(primary=primary, secondary=secondary)


def get_object(body: Mapping[str, Any], name: str, *, field: str = "") -> Mapping[str, Any]:
    """The object in a field of a body. Raises InvalidInput."""
    value = body.get(name)
    path = field or name
    if isinstance(value, dict):
        return value
    if value is None:
        raise InvalidInput(f"{path} is missing: send an object", field=path)
    raise InvalidInput(f"{path} is {quoted(value)}: send an object", field=path)
