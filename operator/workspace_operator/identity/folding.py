"""Making one person of all who share an address, when email becomes an identifier (identity-rules §7, Merge).

Two by two, the next oldest into the oldest, by the rules of every merge (identity-rules §5): so each is journalled and
can be undone.
"""

from collections.abc import Iterable
from functools import reduce

from workspace_operator.identity.noting import steps_of_merge
from workspace_operator.identity.people import Person, same_person
from workspace_operator.identity.population import Changes, Ownership, Replacement, claims_of
from workspace_operator.identity.rules import EMAIL_OR_ID, ID_ONLY
from workspace_operator.identity.survivors import survivor
from workspace_operator.identity.trail import Step


def survivor_of(people: Iterable[Person], *, now: int) -> Person:
    """Who remains of people with one e-mail key.

    Args:
        people: at least one, in any order.
        now: when they became one, Unix seconds.
    """
    return reduce(lambda elder, younger: survivor(elder, younger, mode=EMAIL_OR_ID, now=now), _by_age(people))


def fold(groups: Iterable[Iterable[Person]], *, now: int) -> Changes:
    """Put people together who have one e-mail key.

    Args:
        groups: each of at least one, who were all there is with their key before email became an identifier.
        now: when they became one, Unix seconds.

    Returns:
        What a store has to write: the e-mail identifiers are the oldest people's already.
    """
    replaced: list[Replacement] = []
    removed: list[Person] = []
    trail: list[Step] = []
    for group in groups:
        eldest, *others = _by_age(group)
        primary = eldest
        for secondary in others:
            merged = survivor(primary, secondary, mode=EMAIL_OR_ID, now=now)
            trail += steps_of_merge(primary, secondary, merged, automatic=True, now=now)
            primary = merged
        removed += others
        if not same_person(eldest, primary):
            replaced.append(Replacement(before=eldest, after=primary))
    return Changes(
        replaced=tuple(replaced),
        removed=tuple(removed),
        identifiers_added=_owned(each.after for each in replaced if each.after.id != each.before.id),
        identifiers_removed=_owned(removed),
        trail=tuple(trail),
    )


def _owned(people: Iterable[Person]) -> tuple[Ownership, ...]:
    """Their identifiers but for the address, which is the group's."""
    return tuple(
        Ownership(kind=kind, key=key, cio_id=each.cio_id)
        for each in people
        for kind, key in claims_of(ID_ONLY, each.id, each.email_key)
    )


def _by_age(people: Iterable[Person]) -> list[Person]:
    return sorted(people, key=lambda each: each.seniority)
