"""What callers say, before anybody knows whether it makes sense: the words of the state machine.

A `Said` is an ask as the ports take it. Parsing is the product's; which references it must refuse stands here once
more, by identity-rules §4, row a. A cio_id is written ``#3``: the third that was ever made in this workspace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from tests.model.reference.people import KINDS
from workspace_operator.identity.model.commands import (
    AddDevice,
    Command,
    DeleteDevice,
    DeletePerson,
    Identify,
    MergePeople,
    SetMembership,
    Suppress,
    TrackAnonymousEvent,
    TrackEvent,
    Unsuppress,
    identify_from_request,
)
from workspace_operator.identity.values.devices import device_of
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.references import Reference, parse_reference, reference_of_kind
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, IdentifierKind, Mode
from workspace_operator.identity.values.tracked_events import anonymous_id_of, tracked_event_of

UNKNOWN_CIO_ID = "0" * 24
Body: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Name:
    """How somebody is named; without a kind, the shape of the text decides."""

    kind: IdentifierKind | None
    text: str

    def typed(self, mode: Mode, *, for_suppression: bool = False) -> Reference:
        """As the product reads it; raises InvalidInput."""
        if self.kind is None:
            return parse_reference(self.text, mode)
        return reference_of_kind(self.text, self.kind, mode, for_suppression=for_suppression)

    def is_acceptable(self, mode: Mode, *, for_suppression: bool = False) -> bool:
        """identity-rules §4, row a: of a kind of this mode, not empty, not too long, an email with a key."""
        kind = self.kind_in(mode)
        text = self.text.removeprefix("cio_") if kind is CIO_ID else self.text
        if not text.strip() or len(text.encode()) > (1000 if kind is EMAIL else 150):
            return False
        if kind is EMAIL and email_key(text) is None:
            return False
        return kind in KINDS[mode] or (for_suppression and kind is EMAIL)

    def reference(self, mode: Mode) -> Reference:
        """Who is meant, by the model's own reading of an acceptable name."""
        kind = self.kind_in(mode)
        key = email_key(self.text) if kind is EMAIL else self.text.removeprefix("cio_") if kind is CIO_ID else self.text
        return Reference(kind=kind, value=self.text, key=str(key))

    def kind_in(self, mode: Mode) -> IdentifierKind:
        """What a text without a kind is: its shape decides among the kinds of the mode, what fits none is an id."""
        if self.kind is not None:
            return self.kind
        if self.text.startswith("cio_"):
            return CIO_ID
        return EMAIL if EMAIL in KINDS[mode] and email_key(self.text) is not None else ID

    def resolved(self, cio_ids: Sequence[str]) -> "Name":
        return replace(self, text=_resolved(self.text, cio_ids))


@dataclass(frozen=True, kw_only=True)
class PersonCommand:
    """Something that a caller says of somebody."""

    name: Name

    def __call__(self, mode: Mode) -> Command:
        """Make a call of it, as the ports ask for one; raises InvalidInput."""
        return self.about(self.name.typed(mode, for_suppression=self.is_suppressing), mode)

    def read(self, mode: Mode) -> Command | None:
        """The call as the model reads who is meant; None if it must be refused for that. Raises InvalidInput."""
        if not all(each.is_acceptable(mode, for_suppression=self.is_suppressing) for each in self.names):
            return None
        return self.about(self.name.reference(mode), mode)

    @property
    def is_suppressing(self) -> bool:
        return False

    @property
    def names(self) -> tuple[Name, ...]:
        return (self.name,)

    def about(self, reference: Reference, mode: Mode) -> Command:
        """The call, once it is known who is meant; raises InvalidInput."""
        raise NotImplementedError

    def resolved(self, cio_ids: Sequence[str], now: int) -> "PersonCommand":
        """With the cio_ids and times that it speaks of."""
        del now
        return replace(self, name=self.name.resolved(cio_ids))


@dataclass(frozen=True, kw_only=True)
class IdentifyCommand(PersonCommand):
    """An identify call. ``_timestamp`` in the body counts from now; a ``created_at`` may be soon."""

    body: Body = field(default_factory=dict)
    update_only: bool = False
    by_import: bool = False

    def about(self, reference: Reference, mode: Mode) -> Identify:
        del mode
        call = identify_from_request(reference, self.body, update_only=self.update_only)
        return replace(call, by_import=self.by_import)

    def resolved(self, cio_ids: Sequence[str], now: int) -> "IdentifyCommand":
        body = dict(self.body)
        if isinstance(body.get("cio_id"), str):
            body["cio_id"] = _resolved(body["cio_id"], cio_ids)
        if "_timestamp" in body:
            body["_timestamp"] += now
        if body.get("created_at") == "soon":
            body["created_at"] = now + 3600
        return replace(self, name=self.name.resolved(cio_ids), body=body)


RemovalType: TypeAlias = type[DeletePerson] | type[Suppress] | type[Unsuppress]


@dataclass(frozen=True, kw_only=True)
class RemovalCommand(PersonCommand):
    """Delete, suppress, unsuppress."""

    verb: RemovalType

    @property
    def is_suppressing(self) -> bool:
        return self.verb is not DeletePerson

    def about(self, reference: Reference, mode: Mode) -> Command:
        del mode
        return self.verb(reference=reference)


@dataclass(frozen=True, kw_only=True)
class MergeCommand(PersonCommand):
    """A merge that is asked for; ``name`` is primary."""

    other: Name

    @property
    def names(self) -> tuple[Name, ...]:
        return (self.name, self.other)

    def about(self, reference: Reference, mode: Mode) -> MergePeople:
        return MergePeople(primary=reference, secondary=self.other.reference(mode))

    def __call__(self, mode: Mode) -> Command:
        return MergePeople(primary=self.name.typed(mode), secondary=self.other.typed(mode))

    def resolved(self, cio_ids: Sequence[str], now: int) -> "MergeCommand":
        del now
        return replace(self, name=self.name.resolved(cio_ids), other=self.other.resolved(cio_ids))


@dataclass(frozen=True, kw_only=True)
class EventCommand(PersonCommand):
    """An event of somebody."""

    event: Body

    def about(self, reference: Reference, mode: Mode) -> TrackEvent:
        del mode
        return TrackEvent(reference=reference, event=tracked_event_of(self.event))


@dataclass(frozen=True, kw_only=True)
class AnonymousEventCommand:
    """An event of nobody known."""

    event: Body

    def __call__(self, mode: Mode) -> TrackAnonymousEvent:
        del mode
        anonymous_id = anonymous_id_of(self.event.get("anonymous_id"), field="anonymous_id")
        return TrackAnonymousEvent(event=tracked_event_of(self.event), anonymous_id=anonymous_id)

    def read(self, mode: Mode) -> TrackAnonymousEvent:
        return self(mode)

    def resolved(self, cio_ids: Sequence[str], now: int) -> "AnonymousEventCommand":
        del cio_ids, now
        return self


@dataclass(frozen=True, kw_only=True)
class AddDeviceCommand(PersonCommand):
    """A device that is added."""

    device: Body

    def about(self, reference: Reference, mode: Mode) -> AddDevice:
        del mode
        return AddDevice(reference=reference, device=device_of(self.device))


@dataclass(frozen=True, kw_only=True)
class DeleteDeviceCommand(PersonCommand):
    """A device that is taken away."""

    token: str

    def about(self, reference: Reference, mode: Mode) -> DeleteDevice:
        del mode
        return DeleteDevice(reference=reference, token=self.token)


@dataclass(frozen=True, kw_only=True)
class SegmentCommand(PersonCommand):
    """Joining or leaving a manual segment."""

    segment: int
    member: bool

    def about(self, reference: Reference, mode: Mode) -> SetMembership:
        del mode
        return SetMembership(reference=reference, segment=self.segment, member=self.member)


AnyCommand: TypeAlias = PersonCommand | AnonymousEventCommand


def _resolved(text: str, cio_ids: Sequence[str]) -> str:
    prefix, is_cio_id, number = text.rpartition("#")
    if not is_cio_id:
        return text
    return prefix + (cio_ids[int(number) % len(cio_ids)] if cio_ids else UNKNOWN_CIO_ID)
