"""What calls may touch: what a store loads and locks before it carries them out."""

from collections.abc import Iterable
from dataclasses import dataclass

from workspace_operator.identity.calls import (
    AddDeviceCall,
    AnonymousEventCall,
    Call,
    IdentifyCall,
    MergeCall,
    UnsuppressCall,
)
from workspace_operator.identity.references import IdentifierKey, Reference, bare_cio_id
from workspace_operator.identity.rules import CIO_ID, EMAIL, ID, ID_ONLY, IdentityRules, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What calls may touch: load these, in this order, with the people who own them and what blocks them."""

    identifiers: tuple[IdentifierKey, ...]
    cio_ids: tuple[str, ...]
    unsuppresses: bool = False
    """Whether every suppression that holds one of the identifiers is needed with all that it holds."""
    adds_devices: bool = False
    """Whether `Population.devices` is needed."""


class _Gathering:
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

    def mention(self, call: IdentifyCall) -> None:
        if isinstance(call.id, str):
            self.identifiers.add((ID, call.id))
        if call.email_key is not None and self.mode is not ID_ONLY:
            self.identifiers.add((EMAIL, call.email_key))
        if isinstance(call.cio_id, str):
            self.cio_ids.add(bare_cio_id(call.cio_id))


def keys_of(rules: IdentityRules, calls: Iterable[Call]) -> Keys:
    """The identifiers and cio_ids that calls may touch, each once and sorted, so that locks cannot cross."""
    gathering = _Gathering(rules.mode)
    unsuppresses = adds_devices = False
    for call in calls:
        if isinstance(call, MergeCall):
            gathering.name(call.primary)
            gathering.name(call.secondary)
        elif not isinstance(call, AnonymousEventCall):
            gathering.name(call.reference)
        if isinstance(call, IdentifyCall):
            gathering.mention(call)
        unsuppresses |= isinstance(call, UnsuppressCall)
        adds_devices |= isinstance(call, AddDeviceCall)
    return Keys(
        identifiers=tuple(sorted(gathering.identifiers)),
        cio_ids=tuple(sorted(gathering.cio_ids)),
        unsuppresses=unsuppresses,
        adds_devices=adds_devices,
    )
