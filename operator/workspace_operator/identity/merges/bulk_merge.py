"""Bulk merge of people who share an email, when email becomes an identifier (identity-rules §7, Merge).

The oldest person of a group is merged with the others one by one, in the order of age, by the rules of every merge
(identity-rules §5). Each merge has its own event, so that it can be undone.
"""

from collections.abc import Iterable
from functools import reduce

from workspace_operator.identity.merges.survivorship import by_age, survivor
from workspace_operator.identity.model.activity_log import merge_events
from workspace_operator.identity.model.person import Person, same_person
from workspace_operator.identity.model.person_events import PersonEvent
from workspace_operator.identity.model.working_set import ChangeSet, PersonUpdate, identifiers_of
from workspace_operator.identity.values.references import IdentifierKey
from workspace_operator.identity.values.rules import EMAIL_OR_ID, ID_ONLY


def survivor_of(people: Iterable[Person], *, now: int) -> Person:
    """The survivor of people with one e-mail key: at least one person, in any order."""
    return reduce(lambda older, younger: survivor(older, younger, mode=EMAIL_OR_ID, now=now), by_age(people))


def merge_groups(groups: Iterable[Iterable[Person]], *, now: int, migration_number: int | None = None) -> ChangeSet:
    """Merge each group of people with one e-mail key; returns the changes to write.

    A group has all people that had its key before email became an identifier, at least one. The changes are without
    the e-mail keys: the oldest person of each group owns its key already.
    """
    replaced: list[PersonUpdate] = []
    removed: list[Person] = []
    events: list[PersonEvent] = []
    for group in groups:
        oldest, *others = by_age(group)
        primary = oldest
        for secondary in others:
            merged = survivor(primary, secondary, mode=EMAIL_OR_ID, now=now)
            events += merge_events(
                primary, secondary, merged, automatic=True, now=now, migration_number=migration_number
            )
            primary = merged
        removed += others
        if not same_person(oldest, primary):
            replaced.append(PersonUpdate(before=oldest, after=primary))
    return ChangeSet(
        replaced=tuple(replaced),
        removed=tuple(removed),
        identifiers_added=_owned_ids(update.after for update in replaced if update.after.id != update.before.id),
        identifiers_removed=_owned_ids(removed),
        events=tuple(events),
    )


def _owned_ids(people: Iterable[Person]) -> dict[IdentifierKey, str]:
    """The ids of people, each with its owner; the e-mail key belongs to the group."""
    return {
        identifier: person.cio_id
        for person in people
        for identifier in identifiers_of(ID_ONLY, person.id, person.email_key)
    }
