"""Lock sets: the identifiers and people that a store locks and loads before it executes commands."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workspace_operator.identity.model.commands import (
    AddDevice,
    Command,
    Identify,
    MergePeople,
    TrackAnonymousEvent,
    Unsuppress,
)
from workspace_operator.identity.values.references import IdentifierKey, bare_cio_id
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, ID_ONLY, IdentityRules, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class LockSet:
    """What commands may touch: the store locks it in its own order, and loads it with owners and suppressions."""

    identifiers: tuple[IdentifierKey, ...]
    cio_ids: tuple[str, ...]
    anonymous_ids: tuple[str, ...] = ()
    """Anonymous ids of events and links, which are locked and not loaded."""
    needs_suppressions: bool = False
    """Whether to load every suppression of the identifiers with all its values."""
    needs_devices: bool = False
    """Whether to load `WorkingSet.devices`."""


def lock_set_of(rules: IdentityRules, commands: Iterable[Command]) -> LockSet:
    """The identifiers and cio_ids that commands may touch, unique and sorted to prevent deadlocks."""
    named: set[IdentifierKey] = set()
    anonymous_ids: set[str] = set()
    needs_suppressions = needs_devices = False
    for command in commands:
        named.update(_named_by(command, rules.mode))
        if isinstance(command, Identify | TrackAnonymousEvent) and command.anonymous_id is not None:
            anonymous_ids.add(command.anonymous_id)
        needs_suppressions |= isinstance(command, Unsuppress)
        needs_devices |= isinstance(command, AddDevice)
    return LockSet(
        identifiers=tuple(sorted(identifier for identifier in named if identifier[0] is not CIO_ID)),
        cio_ids=tuple(sorted(key for kind, key in named if kind is CIO_ID)),
        anonymous_ids=tuple(sorted(anonymous_ids)),
        needs_suppressions=needs_suppressions,
        needs_devices=needs_devices,
    )


def _named_by(command: Command, mode: Mode) -> Iterator[IdentifierKey]:
    """Yield kind and key of each identifier and cio_id that a command names."""
    if isinstance(command, MergePeople):
        yield from (command.primary.identifier, command.secondary.identifier)
    elif not isinstance(command, TrackAnonymousEvent):
        yield command.reference.identifier
    if isinstance(command, Identify):
        if isinstance(command.id, str):
            yield (ID, command.id)
        if command.email_key is not None and mode is not ID_ONLY:
            yield (EMAIL, command.email_key)
        if isinstance(command.cio_id, str):
            yield (CIO_ID, bare_cio_id(command.cio_id))
