"""The page of one person."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from workspace_operator.application.profiles.profiles import (
    RECORDS,
    MergedPerson,
    Profile,
    ProfileRequest,
)
from workspace_operator.console.texts import text
from workspace_operator.console.views.cleanups.groups import MAX_CELL, name_of
from workspace_operator.console.views.formats import ShownTime, day, day_of, visible
from workspace_operator.console.views.people.identifiers import IdentifierLine, identifier_lines
from workspace_operator.console.views.people.records import (
    CleanupLine,
    DeliveryLine,
    MergeLine,
    RecordLine,
    activity_line,
    cleanup_line,
    delivery_line,
    merge_line,
)
from workspace_operator.console.views.people.values import (
    display_name,
    identifying_text,
    time_of_seconds,
    value_text,
)
from workspace_operator.console.views.rights import Right
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.rules import IdentifierKind, Mode
from workspace_operator.migrations.model import Violation

DONE: Final = frozenset({"corrected", "restored"})
"""What may have been done to the person just before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What a form of the page asked for and was refused.

    Attributes:
        form: which one: ``address``, ``delete``, ``suppress`` or ``merge``; empty for none.
        refusal: why, in words.
        email: the address that was entered.
        owner: the person that has this address; None if that is not the reason.
    """

    form: str = ""
    refusal: str = ""
    email: str = ""
    owner: Person | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLink:
    """Another person, and its page or the page that merges with it."""

    text: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeLine:
    """An attribute, and since when the person has this value."""

    name: str
    value: str
    since: ShownTime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPages:
    """Addresses of the older entries of the long lists, and of the newest ones; empty where there are none."""

    older_merges: str
    older_activities: str
    older_deliveries: str
    newest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    """A person.

    Attributes:
        notes: what was done just before, and who became part of this person.
        violations: why it blocks the change; empty if it does not.
        others: people with the same address.
        confirmation: what somebody types to delete or suppress.
    """

    title: str
    name: str
    href: str
    root: str
    cleanup_href: str
    notes: Sequence[str]
    attempt: Attempt
    owner: PersonLink | None
    violations: Sequence[str]
    others: Sequence[PersonLink]
    identifiers: Sequence[IdentifierLine]
    made: str
    attributes: Sequence[AttributeLine]
    devices: Sequence[str]
    segments: Sequence[str]
    merges: Sequence[MergeLine]
    cleanups: Sequence[CleanupLine]
    refusals: Sequence[RecordLine]
    activities: Sequence[RecordLine]
    deliveries: Sequence[DeliveryLine]
    pages: RecordPages
    confirmation: str
    may_edit: Right
    may_manage: Right


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileContent:
    """What a person is shown with.

    Attributes:
        done: what was done just before, as the address of the page says it.
        missing: kinds of identifiers that were not restored, likewise.
        merged: a person that became part of this one, and led here; None without one.
    """

    workspace_root: str
    mode: Mode
    profile: Profile
    request: ProfileRequest
    may_edit: Right
    may_manage: Right
    done: str = ""
    missing: str = ""
    merged: MergedPerson | None = None
    attempt: Attempt = field(default_factory=Attempt)


def profile_view(content: ProfileContent) -> ProfileView:
    """The page of a person."""
    profile, person, root = content.profile, content.profile.person, f"{content.workspace_root}/people"
    href, owner = f"{root}/{person.cio_id}", content.attempt.owner
    return ProfileView(
        title=name_of(person),
        name=display_name(person),
        href=href,
        root=root,
        cleanup_href=_cleanup_href(content),
        notes=_notes(content),
        attempt=content.attempt,
        owner=None if owner is None else _merge_link(href, owner),
        violations=[text(f"person.violation.{each}") for each in Violation if each in profile.violations],
        others=[_merge_link(href, other) for other in profile.others_with_email],
        identifiers=identifier_lines(profile, content.mode),
        made=day_of(person.created_at),
        attributes=_attributes(person),
        devices=_shown([visible(f"{device.platform} {device.token}") for device in profile.devices]),
        segments=_shown([_segment(number, profile) for number in profile.segments]),
        merges=[merge_line(each, person.cio_id, root) for each in profile.merges[:RECORDS]],
        cleanups=[cleanup_line(each, content.workspace_root) for each in profile.decisions[:RECORDS]],
        refusals=[activity_line(each) for each in profile.refusals[:RECORDS]],
        activities=[activity_line(each) for each in profile.activities[:RECORDS]],
        deliveries=[delivery_line(each) for each in profile.deliveries[:RECORDS]],
        pages=_pages(content, href),
        confirmation=visible(identifying_text(person)),
        may_edit=content.may_edit,
        may_manage=content.may_manage,
    )


def _cleanup_href(content: ProfileContent) -> str:
    """The cleanup page at the group of a person that blocks the change; empty for others."""
    if not content.profile.violations:
        return ""
    return f"{content.workspace_root}/cleanup?{urlencode({'find': content.profile.person.cio_id})}"


def _merge_link(href: str, other: Person) -> PersonLink:
    name = name_of(other)
    return PersonLink(
        text=text("person.merge_with_owner", person=name),
        href=f"{href}/merge?{urlencode({'with': other.cio_id})}",
    )


def _notes(content: ProfileContent) -> Sequence[str]:
    notes = [text(f"person.done.{content.done}")] if content.done in DONE else []
    kinds = (IdentifierKind.ID, IdentifierKind.EMAIL)
    notes += [text(f"person.missing.{kind}") for kind in kinds if kind in content.missing.split(",")]
    if content.merged is not None and content.merged.survivor.cio_id == content.profile.person.cio_id:
        merge, none = content.merged.merge, text("person.none")
        former = merge.secondary
        notes.append(
            text(
                "person.became_part",
                cio_id=former.cio_id,
                day=day(merge.at),
                id=visible(former.id or none, limit=MAX_CELL),
                email=visible(former.email or none, limit=MAX_CELL),
            )
        )
    return notes


def _attributes(person: Person) -> Sequence[AttributeLine]:
    times = person.attribute_timestamps or {}
    return [
        AttributeLine(
            name=visible(name, limit=MAX_CELL),
            value=value_text(value),
            since=time_of_seconds(times.get(name, person.inserted_at)),
        )
        for name, value in sorted(person.attributes.items())
    ]


def _segment(number: int, profile: Profile) -> str:
    name = profile.segment_names.get(number)
    return text("person.segment", number=number) if name is None else visible(f"{name} ({number})", limit=MAX_CELL)


def _shown(lines: Sequence[str]) -> Sequence[str]:
    """The first lines, and that there are more."""
    return lines if len(lines) <= RECORDS else [*lines[:RECORDS], text("person.and_more")]


def _pages(content: ProfileContent, href: str) -> RecordPages:
    profile, request, last = content.profile, content.request, RECORDS - 1
    positions = {
        "merges": request.merges_before or "",
        "activities": request.activities_before or "",
        "deliveries": request.deliveries_before or "",
    }

    def older(name: str, ids: Sequence[str]) -> str:
        if len(ids) <= RECORDS:
            return ""
        given = {key: value for key, value in {**positions, name: ids[last]}.items() if value}
        return f"{href}?{urlencode(given)}#{name}"

    return RecordPages(
        older_merges=older("merges", [each.merge_id for each in profile.merges]),
        older_activities=older("activities", [each.activity_id for each in profile.activities]),
        older_deliveries=older("deliveries", [each.delivery.delivery_id for each in profile.deliveries]),
        newest=href if any(positions.values()) else "",
    )
