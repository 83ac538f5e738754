"""What calls may touch: what a store loads and locks before it carries them out."""

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
    """What calls may touch: load these, in this order, with the people who own them and what blocks them."""

    identifiers: tuple[IdentifierKey, ...]
    cio_ids: tuple[str, ...]
    needs_suppressions: bool = False
    """Whether every suppression that holds one of the identifiers is needed with all that it holds."""
    needs_devices: bool = False
    """Whether `WorkingSet.devices` is needed."""


class _Collector:
    """The keys of the calls that were looked at so far."""

    __slots__ = ("cio_ids", "identifiers", "mode")

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.identifiers: set[IdentifierKey] = set()
        self.cio_ids: set[str] = set()

    def name(self, reference: Reference) -> None:
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
    """The identifiers and cio_ids that calls may touch, each once and sorted, so that locks cannot cross."""
    collector = _Collector(rules.mode)
    needs_suppressions = needs_devices = False
    for command in commands:
        if isinstance(command, MergePeople):
            collector.name(command.primary)
            collector.name(command.secondary)
        elif not isinstance(command, TrackAnonymousEvent):
            collector.name(command.reference)
        if isinstance(command, Identify):
            collector.add_identifiers(command)
        needs_suppressions |= isinstance(command, Unsuppress)
        needs_devices |= isinstance(command, AddDevice)
    return LockSet(
        identifiers=tuple(sorted(collector.identifiers)),
        cio_ids=tuple(sorted(collector.cio_ids)),
        needs_suppressions=needs_suppressions,
        needs_devices=needs_devices,
    )
