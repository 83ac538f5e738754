"""Builds commands from requests; checks everything that does not depend on the mode.

Only whether an email is an identifier depends on the mode, so only that is resolved in the transaction.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.commands import Command, MergePeople, UnresolvedCommand
from workspace_operator.identity.values.references import (
    REFERENCE_KINDS,
    Reference,
    parse_reference,
    reference_of_kind,
)
from workspace_operator.identity.values.rules import EMAIL, EMAIL_OR_ID, ID, IdentifierKind, Mode
from workspace_operator.identity.values.text_limits import quoted

BuildCommand: TypeAlias = Callable[[Reference], Command]

CommandForReference: TypeAlias = Callable[[str, BuildCommand], UnresolvedCommand]
"""Interprets the reference in a path: `command_for_path` or `command_for_id`."""

RawIdentifier: TypeAlias = tuple[IdentifierKind, object]
"""An unchecked identifier: its kind and the value as sent."""


def command_for_path(raw: str, build: BuildCommand) -> UnresolvedCommand:
    """Build a command from a path's reference (identity-rules §4, row a). Raises InvalidInput."""
    reference = parse_reference(raw, EMAIL_OR_ID)
    command = build(reference)
    if reference.kind is not EMAIL:
        return command
    return _resolved_by_mode(command, lambda mode: build(parse_reference(raw, mode)))


def command_for_id(raw: str, build: BuildCommand) -> UnresolvedCommand:
    """Build a command from a path's reference, always taken as an id. Raises InvalidInput."""
    return build(reference_of_kind(raw, ID, EMAIL_OR_ID, field="reference"))


def command_for_identifier(
    identifier: RawIdentifier, build: BuildCommand, *, field: str, for_suppression: bool = False
) -> UnresolvedCommand:
    """Build a command from an identifier (identity-rules §4, row a). Raises InvalidInput."""
    kind, raw = identifier
    command = build(reference_of_kind(raw, kind, EMAIL_OR_ID, field=field))
    if kind is not EMAIL or for_suppression:
        return command
    return _resolved_by_mode(command, lambda mode: build(reference_of_kind(raw, kind, mode, field=field)))


def _resolved_by_mode(command: Command, fallback: Callable[[Mode], Command]) -> UnresolvedCommand:
    """Resolve to ``command`` if email is an identifier in the mode, else to the fallback."""
    return lambda mode: command if EMAIL in REFERENCE_KINDS[mode] else fallback(mode)


def merge_command(primary: RawIdentifier, secondary: RawIdentifier) -> UnresolvedCommand:
    """Build a merge command. Raises InvalidInput."""

    def resolve(mode: Mode) -> Command:
        return MergePeople(
            primary=reference_of_kind(primary[1], primary[0], mode, field=f"primary.{primary[0]}"),
            secondary=reference_of_kind(secondary[1], secondary[0], mode, field=f"secondary.{secondary[0]}"),
        )

    resolve(EMAIL_OR_ID)
    return resolve


def single_identifier(side: Mapping[str, Any], *, field: str) -> RawIdentifier:
    """The only identifier of an object; null and empty values do not count. Raises InvalidInput."""
    identifier = [(kind, side[kind.value]) for kind in IdentifierKind if side.get(kind.value) not in (None, "")]
    if len(identifier) == 1:
        return identifier[0]
    message = f"{field} must have exactly one of {', '.join(IdentifierKind)}, it has {len(identifier)}"
    raise InvalidInput(message, field=field)


def get_object(body: Mapping[str, Any], name: str, *, field: str = "") -> Mapping[str, Any]:
    """The object in a field of a body. Raises InvalidInput."""
    value = body.get(name)
    path = field or name
    if isinstance(value, dict):
        return value
    if value is None:
        raise InvalidInput(f"{path} is missing: send an object", field=path)
    raise InvalidInput(f"{path} is {quoted(value)}: send an object", field=path)
