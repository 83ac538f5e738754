"""What callers say, before anybody knows whether it makes sense: the words of the state machine.

A `Said` is an ask as the ports take it. Parsing is the product's; which references it must refuse stands here once
more, by identity-rules §4, row a. A cio_id is written ``#3``: the third that was ever made in this workspace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from tests.model.people import KINDS
from workspace_operator.identity.calls import (
    AddDeviceCall,
    AnonymousEventCall,
    Call,
    DeleteCall,
    DeleteDeviceCall,
    EventCall,
    IdentifyCall,
    MergeCall,
    SegmentCall,
    SuppressCall,
    UnsuppressCall,
    call_of_body,
)
from workspace_operator.identity.devices import device_of
from workspace_operator.identity.emails import email_key
from workspace_operator.identity.events import anonymous_id_of, event_of
from workspace_operator.identity.references import Reference, reference_by_kind, reference_by_shape
from workspace_operator.identity.rules import CIO_ID, EMAIL, ID, Kind, Mode

UNKNOWN_CIO_ID = "0" * 24
Body: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Name:
    """How somebody is named; without a kind, the shape of the text decides."""

    kind: Kind | None
    text: str

    def typed(self, mode: Mode, *, suppressing: bool = False) -> Reference:
        """As the product reads it; raises InvalidInput."""
        if self.kind is None:
            return reference_by_shape(self.text, mode)
        return reference_by_kind(self.text, self.kind, mode, suppressing=suppressing)

    def is_acceptable(self, mode: Mode, *, suppressing: bool = False) -> bool:
        """identity-rules §4, row a: of a kind of this mode, not empty, not too long, an email with a key."""
        kind = self.kind_in(mode)
        text = self.text.removeprefix("cio_") if kind is CIO_ID else self.text
        if not text.strip() or len(text.encode()) > (1000 if kind is EMAIL else 150):
            return False
        if kind is EMAIL and email_key(text) is None:
            return False
        return kind in KINDS[mode] or (suppressing and kind is EMAIL)

    def reference(self, mode: Mode) -> Reference:
        """Who is meant, by the model's own reading of an acceptable name."""
        kind = self.kind_in(mode)
        key = email_key(self.text) if kind is EMAIL else self.text.removeprefix("cio_") if kind is CIO_ID else self.text
        return Reference(kind=kind, value=self.text, key=str(key))

    def kind_in(self, mode: Mode) -> Kind:
        """What a text without a kind is: its shape decides among the kinds of the mode, what fits none is an id."""
        if self.kind is not None:
            return self.kind
        if self.text.startswith("cio_"):
            return CIO_ID
        return EMAIL if EMAIL in KINDS[mode] and email_key(self.text) is not None else ID

    def resolved(self, cio_ids: Sequence[str]) -> "Name":
        return replace(self, text=_resolved(self.text, cio_ids))


@dataclass(frozen=True, kw_only=True)
class Said:
    """Something that a caller says of somebody."""

    name: Name

    def __call__(self, mode: Mode) -> Call:
        """Make a call of it, as the ports ask for one; raises InvalidInput."""
        return self.about(self.name.typed(mode, suppressing=self.is_suppressing), mode)

    def read(self, mode: Mode) -> Call | None:
        """The call as the model reads who is meant; None if it must be refused for that. Raises InvalidInput."""
        if not all(each.is_acceptable(mode, suppressing=self.is_suppressing) for each in self.names):
            return None
        return self.about(self.name.reference(mode), mode)

    @property
    def is_suppressing(self) -> bool:
        return False

    @property
    def names(self) -> tuple[Name, ...]:
        return (self.name,)

    def about(self, reference: Reference, mode: Mode) -> Call:
        """The call, once it is known who is meant; raises InvalidInput."""
        raise NotImplementedError

    def resolved(self, cio_ids: Sequence[str], now: int) -> "Said":
        """With the cio_ids and times that it speaks of."""
        del now
        return replace(self, name=self.name.resolved(cio_ids))


@dataclass(frozen=True, kw_only=True)
class SaidOfPerson(Said):
    """An identify call. ``_timestamp`` in the body counts from now; a ``created_at`` may be soon."""

    body: Body = field(default_factory=dict)
    update_only: bool = False
    by_import: bool = False

    def about(self, reference: Reference, mode: Mode) -> IdentifyCall:
        del mode
        call = call_of_body(reference, self.body, update_only=self.update_only)
        return replace(call, by_import=self.by_import)

    def resolved(self, cio_ids: Sequence[str], now: int) -> "SaidOfPerson":
        body = dict(self.body)
        if isinstance(body.get("cio_id"), str):
            body["cio_id"] = _resolved(body["cio_id"], cio_ids)
        if "_timestamp" in body:
            body["_timestamp"] += now
        if body.get("created_at") == "soon":
            body["created_at"] = now + 3600
        return replace(self, name=self.name.resolved(cio_ids), body=body)


Verb: TypeAlias = type[DeleteCall] | type[SuppressCall] | type[UnsuppressCall]


@dataclass(frozen=True, kw_only=True)
class SaidToGo(Said):
    """Delete, suppress, unsuppress."""

    verb: Verb

    @property
    def is_suppressing(self) -> bool:
        return self.verb is not DeleteCall

    def about(self, reference: Reference, mode: Mode) -> Call:
        del mode
        return self.verb(reference=reference)


@dataclass(frozen=True, kw_only=True)
class SaidToMerge(Said):
    """A merge that is asked for; ``name`` is primary."""

    other: Name

    @property
    def names(self) -> tuple[Name, ...]:
        return (self.name, self.other)

    def about(self, reference: Reference, mode: Mode) -> MergeCall:
        return MergeCall(primary=reference, secondary=self.other.reference(mode))

    def __call__(self, mode: Mode) -> Call:
        return MergeCall(primary=self.name.typed(mode), secondary=self.other.typed(mode))

    def resolved(self, cio_ids: Sequence[str], now: int) -> "SaidToMerge":
        del now
        return replace(self, name=self.name.resolved(cio_ids), other=self.other.resolved(cio_ids))


@dataclass(frozen=True, kw_only=True)
class SaidToHappen(Said):
    """An event of somebody."""

    event: Body

    def about(self, reference: Reference, mode: Mode) -> EventCall:
        del mode
        return EventCall(reference=reference, event=event_of(self.event))


@dataclass(frozen=True, kw_only=True)
class SaidAnonymously:
    """An event of nobody known."""

    event: Body

    def __call__(self, mode: Mode) -> AnonymousEventCall:
        del mode
        anonymous_id = anonymous_id_of(self.event.get("anonymous_id"), field="anonymous_id")
        return AnonymousEventCall(event=event_of(self.event), anonymous_id=anonymous_id)

    def read(self, mode: Mode) -> AnonymousEventCall:
        return self(mode)

    def resolved(self, cio_ids: Sequence[str], now: int) -> "SaidAnonymously":
        del cio_ids, now
        return self


@dataclass(frozen=True, kw_only=True)
class SaidOfDevice(Said):
    """A device that is added."""

    device: Body

    def about(self, reference: Reference, mode: Mode) -> AddDeviceCall:
        del mode
        return AddDeviceCall(reference=reference, device=device_of(self.device))


@dataclass(frozen=True, kw_only=True)
class SaidOfNoDevice(Said):
    """A device that is taken away."""

    token: str

    def about(self, reference: Reference, mode: Mode) -> DeleteDeviceCall:
        del mode
        return DeleteDeviceCall(reference=reference, token=self.token)


@dataclass(frozen=True, kw_only=True)
class SaidOfSegment(Said):
    """Joining or leaving a manual segment."""

    segment: int
    joins: bool

    def about(self, reference: Reference, mode: Mode) -> SegmentCall:
        del mode
        return SegmentCall(reference=reference, segment=self.segment, joins=self.joins)


AnySaid: TypeAlias = Said | SaidAnonymously


def _resolved(text: str, cio_ids: Sequence[str]) -> str:
    prefix, is_cio_id, number = text.rpartition("#")
    if not is_cio_id:
        return text
    return prefix + (cio_ids[int(number) % len(cio_ids)] if cio_ids else UNKNOWN_CIO_ID)
