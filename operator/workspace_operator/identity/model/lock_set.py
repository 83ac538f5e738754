"""Lock sets: the identifiers and people that a store locks and loads before it executes commands."""

from collections.abc import Iterable
from dataclasses import dataclass

from workspace_operator.identity.model.commands import (
    AddDevice,
    Command,
    Identify,
    MergePeople,
    TrackAnonymousEvent,
    Unsuppress,
)
from workspace_operator.identity.values.references import IdentifierKey, Reference, bare_cio_id
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


class _Collector:
    """The identifiers and cio_ids of the commands so far."""

    __slots__ = ("cio_ids", "identifiers", "mode")

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.identifiers: set[IdentifierKey] = set()
        self.cio_ids: set[str] = set()

    def add_reference(self, reference: Reference) -> None:
        if reference.kind is CIO_ID:
            self.cio_ids.add(reference.key)
        else:
            self.identifiers.add((reference.kind, reference.key))

    def add_identifiers(self, command: Identify) -> None:
        if isinstance(command.id, str):
            self.identifiers.add((ID, command.id))
        if command.email_key is not None and self.mode is not ID_ONLY:
            self.identifiers.add((EMAIL, command.email_key))
        if isinstance(command.cio_id, str):
            self.cio_ids.add(bare_cio_id(command.cio_id))


def lock_set_of(rules: IdentityRules, commands: Iterable[Command]) -> LockSet:
    """The identifiers and cio_ids that commands may touch, unique and sorted to prevent deadlocks."""
    collector = _Collector(rules.mode)
    anonymous_ids: set[str] = set()
    needs_suppressions = needs_devices = False
    for command in commands:
        if isinstance(command, MergePeople):
            collector.add_reference(command.primary)
            collector.add_reference(command.secondary)
        elif not isinstance(command, TrackAnonymousEvent):
            collector.add_reference(command.reference)
        if isinstance(command, Identify):
            collector.add_identifiers(command)
        if isinstance(command, Identify | TrackAnonymousEvent) and command.anonymous_id is not None:
            anonymous_ids.add(command.anonymous_id)
        needs_suppressions |= isinstance(command, Unsuppress)
        needs_devices |= isinstance(command, AddDevice)
    return LockSet(
        identifiers=tuple(sorted(collector.identifiers)),
        cio_ids=tuple(sorted(collector.cio_ids)),
        anonymous_ids=tuple(sorted(anonymous_ids)),
        needs_suppressions=needs_suppressions,
        needs_devices=needs_devices,
    )
