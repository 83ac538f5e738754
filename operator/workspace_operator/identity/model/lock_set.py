"""Lock sets: the identifiers and people that a store locks and loads before it executes commands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workspace_operator.identity.model.commands import (
    AddDevice,
    Command,
    Identify,
    MergePeople,
    TrackAnonymousEvent,
    Unsuppress,
)
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.references import IdentifierKey, bare_cio_id
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, ID_ONLY, IdentifierKind, IdentityRules, Mode


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
        named.update(identifiers_named_by(command, rules.mode))
        if isinstance(command, Identify | TrackAnonymousEvent) and command.anonymous_id is not None:
            anonymous_ids.add(command.anonymous_id)
        needs_suppressions |= isinstance(command, Unsuppress)
        needs_devices |= isinstance(command, AddDevice)
    keys: dict[IdentifierKind, list[str]] = {EMAIL: [], ID: [], CIO_ID: []}
    for kind, key in named:
        keys[kind].append(key)
    return LockSet(
        # Texts of one kind are sorted in a quarter of the time of pairs.
        identifiers=tuple((kind, key) for kind in (EMAIL, ID) for key in sorted(keys[kind])),
        cio_ids=tuple(sorted(keys[CIO_ID])),
        anonymous_ids=tuple(sorted(anonymous_ids)),
        needs_suppressions=needs_suppressions,
        needs_devices=needs_devices,
    )


def identifiers_named_by(command: Command, mode: Mode) -> Sequence[IdentifierKey]:
    """Kind and key of each identifier and cio_id that a command names."""
    if isinstance(command, MergePeople):
        return (command.primary.identifier, command.secondary.identifier)
    if isinstance(command, TrackAnonymousEvent):
        return ()
    named = [command.reference.identifier]
    if isinstance(command, Identify):
        if isinstance(command.id, str):
            named.append((ID, command.id))
        if command.email_key is not None and mode is not ID_ONLY:
            named.append((EMAIL, command.email_key))
        if isinstance(command.cio_id, str):
            named.append((CIO_ID, bare_cio_id(command.cio_id)))
    return named


def lock_set_of_undo(returning: Iterable[Person], cio_ids: Iterable[str]) -> LockSet:
    """People by cio_id, and the present owners of the identifiers that an undo gives back to ``returning`` people."""
    keys = {(kind, key) for person in returning for kind, key in ((ID, person.id), (EMAIL, person.email_key))}
    identifiers = sorted((kind, key) for kind, key in keys if key is not None)
    return LockSet(identifiers=tuple(identifiers), cio_ids=tuple(sorted(set(cio_ids))))
