"""Making one person of all who share an address, when email becomes an identifier (identity-rules §7, Merge).

Two by two, the next oldest into the oldest, by the rules of every merge (identity-rules §5): so each is journalled and
can be undone.
"""

from collections.abc import Iterable
from functools import reduce

from workspace_operator.identity.merges.survivorship import survivor
from workspace_operator.identity.model.activity_log import merge_events
from workspace_operator.identity.model.person import Person, same_person
from workspace_operator.identity.model.person_events import PersonEvent
from workspace_operator.identity.model.working_set import ChangeSet, OwnedIdentifier, PersonUpdate, identifiers_of
from workspace_operator.identity.values.rules import EMAIL_OR_ID, ID_ONLY


def survivor_of(people: Iterable[Person], *, now: int) -> Person:
    """Who remains of people with one e-mail key.

    Args:
        people: at least one, in any order.
        now: when they became one, Unix seconds.
    """
    return reduce(lambda older, younger: survivor(older, younger, mode=EMAIL_OR_ID, now=now), _by_age(people))


def merge_groups(groups: Iterable[Iterable[Person]], *, now: int) -> ChangeSet:
    """Put people together who have one e-mail key.

    Args:
        groups: each of at least one, who were all there is with their key before email became an identifier.
        now: when they became one, Unix seconds.

    Returns:
        What a store has to write: the e-mail identifiers are the oldest people's already.
    """
    replaced: list[PersonUpdate] = []
    removed: list[Person] = []
    events: list[PersonEvent] = []
    for group in groups:
        oldest, *others = _by_age(group)
        primary = oldest
        for secondary in others:
            merged = survivor(primary, secondary, mode=EMAIL_OR_ID, now=now)
            events += merge_events(primary, secondary, merged, automatic=True, now=now)
            primary = merged
        removed += others
        if not same_person(oldest, primary):
            replaced.append(PersonUpdate(before=oldest, after=primary))
    return ChangeSet(
        replaced=tuple(replaced),
        removed=tuple(removed),
        identifiers_added=_owned_ids(each.after for each in replaced if each.after.id != each.before.id),
        identifiers_removed=_owned_ids(removed),
        events=tuple(events),
    )


def _owned_ids(people: Iterable[Person]) -> tuple[OwnedIdentifier, ...]:
    """Their identifiers but for the address, which is the group's."""
    return tuple(
        OwnedIdentifier(kind=kind, key=key, cio_id=each.cio_id)
        for each in people
        for kind, key in identifiers_of(ID_ONLY, each.id, each.email_key)
    )


def _by_age(people: Iterable[Person]) -> list[Person]:
    return sorted(people, key=lambda each: each.age_key)
