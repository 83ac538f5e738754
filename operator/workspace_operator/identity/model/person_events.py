"""What calls leave behind beside people and identifiers, in order: activities, devices, memberships, moves.

`working_set.WorkingSet.trail` collects these steps; a store carries them out in their order, in the transaction that
writes the people. They never decide anything: who owns what is settled by then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.devices import Device


class ActivityType(StrEnum):
    """Kinds of activities, by their names on the wire (track-api.md §2)."""

    ATTRIBUTE_CHANGE = "attribute_change"
    FAILED_ATTRIBUTE_CHANGE = "failed_attribute_change"
    PROFILE_CREATE = "profile_create"
    PROFILE_DELETE = "profile_delete"
    PROFILE_MERGE = "profile_merge"
    SKIPPED_UPDATE = "skipped_update"
    EVENT = "event"
    PAGE = "page"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityLogged:
    """An activity to keep.

    Attributes:
        type: what happened.
        cio_id: whose it is; None for an anonymous event and for a skipped update.
        at: when it happened, Unix seconds.
        name: of an event; empty otherwise.
        event_id: an event with an id that is there already is not kept again.
        anonymous_id: of an anonymous event, if the caller gave one.
        data: JSON; of changes ``{name: {"from", "to"}}``, of refusals ``{name: {"reason", "value"}}``.
    """

    type: ActivityType
    cio_id: str | None
    at: int
    name: str = ""
    event_id: str | None = None
    anonymous_id: str | None = None
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUpserted:
    """A person has this device now; one of theirs with the same token is replaced."""

    cio_id: str
    device: Device


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRemoved:
    """A person has no longer the device with this token."""

    cio_id: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipSet:
    """A person is in a manual segment from now on, or no longer."""

    cio_id: str
    segment: int
    member: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnonymousLinked:
    """Who did what was done under an anonymous id is known now: those events are theirs."""

    anonymous_id: str
    cio_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleMerged:
    """One person became part of another: what hangs on them moves, and the merge is journalled (identity-rules §5).

    Attributes:
        primary: the surviving person before the merge.
        secondary: who ceased to exist, as they last were.
        survivor: what the merge by itself made of both, before the rest of the call.
        automatic: whether an identify call did it.
        at: Unix seconds.
    """

    primary: Person
    secondary: Person
    survivor: Person
    automatic: bool
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonDeleted:
    """A person was deleted or suppressed: all that hangs on them goes, journals and rows of exports, too."""

    cio_id: str


PersonEvent: TypeAlias = (
    ActivityLogged | DeviceUpserted | DeviceRemoved | MembershipSet | AnonymousLinked | PeopleMerged | PersonDeleted
)
