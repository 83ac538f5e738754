"""Person events: the effects of commands beside people and identifiers.

`working_set.WorkingSet.events` collects them. A store writes them in order, in the transaction that writes the people.
Events decide nothing: the owners of identifiers are known by then.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.value_objects import value_object


class ActivityType(StrEnum):
    """Types of activities; values as on the wire (track-api.md §2)."""

    ATTRIBUTE_CHANGE = "attribute_change"
    FAILED_ATTRIBUTE_CHANGE = "failed_attribute_change"
    PROFILE_CREATE = "profile_create"
    PROFILE_DELETE = "profile_delete"
    PROFILE_MERGE = "profile_merge"
    SKIPPED_UPDATE = "skipped_update"
    EVENT = "event"
    PAGE = "page"
    SCREEN = "screen"
    OPENED_EMAIL = "opened_email"
    CLICKED_EMAIL = "clicked_email"


@value_object(frozen=True, slots=True, kw_only=True)
class ActivityLogged:
    """An activity to store.

    Attributes:
        type: the type of the activity.
        cio_id: the person; None for an anonymous event and for a skipped update.
        at: when it happened, Unix seconds.
        name: the name of an event; empty otherwise.
        event_id: the caller's id of an event; a second event with the same id is not stored.
        anonymous_id: the anonymous id of an event without a person, if there is one.
        data: JSON; for changes ``{name: {"from", "to"}}``, for refusals ``{name: {"reason", "value"}}``.
    """

    type: ActivityType
    cio_id: str | None
    at: int
    name: str = ""
    event_id: str | None = None
    anonymous_id: str | None = None
    data: Mapping[str, object]


@value_object(frozen=True, slots=True, kw_only=True)
class DeviceUpserted:
    """A device was added to a person, or replaces the person's device with the same token."""

    cio_id: str
    device: Device


@value_object(frozen=True, slots=True, kw_only=True)
class DeviceRemoved:
    """The device with this token was removed from a person."""

    cio_id: str
    token: str


@value_object(frozen=True, slots=True, kw_only=True)
class MembershipSet:
    """A person was added to a manual segment, or removed from it."""

    cio_id: str
    segment: int
    member: bool


@value_object(frozen=True, slots=True, kw_only=True)
class AnonymousLinked:
    """Reassign the events of an anonymous id to this person."""

    anonymous_id: str
    cio_id: str


@value_object(frozen=True, slots=True, kw_only=True)
class PeopleMerged:
    """A merge to journal; the secondary's events, devices and memberships move to the primary (identity-rules §5).

    Attributes:
        primary: the surviving person before the merge.
        secondary: the other person before the merge.
        survivor: the result of the merge alone, before further updates of the command.
        automatic: whether an identify command caused the merge.
        at: Unix seconds.
        migration_number: the migration that merged the people; None if a command did.
    """

    primary: Person
    secondary: Person
    survivor: Person
    automatic: bool
    at: int
    migration_number: int | None = None


@value_object(frozen=True, slots=True, kw_only=True)
class PersonDeleted:
    """A person was deleted or suppressed; all data goes too, with merge journals and rows of exports."""

    cio_id: str


PersonEvent: TypeAlias = (
    ActivityLogged | DeviceUpserted | DeviceRemoved | MembershipSet | AnonymousLinked | PeopleMerged | PersonDeleted
)
