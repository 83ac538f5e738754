"""Making one person of all who share an address, when email becomes an identifier (identity-rules §7, Merge).

Two by two, the next oldest into the oldest, by the rules of every merge (§5): so each is journalled and can be undone.
"""

from collections.abc import Iterable
from functools import reduce

from workspace_operator.identity.noting import note_merged
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Population
from workspace_operator.identity.rules import EMAIL_OR_ID
from workspace_operator.identity.survivors import survivor


def survivor_of(people: Iterable[Person], *, now: int) -> Person:
    """Who remains of people with one e-mail key.

    Args:
        people: at least one, in any order.
        now: when they became one, Unix seconds.
    """
    return reduce(lambda elder, younger: survivor(elder, younger, mode=EMAIL_OR_ID, now=now), _by_age(people))


def fold(population: Population, people: Iterable[Person], *, now: int) -> None:
    """Put people with one e-mail key together.

    Args:
        population: has these people, under the rules before the change, where several may have one address.
        people: at least one, in any order.
        now: when they became one, Unix seconds.
    """
    primary, *others = _by_age(people)
    for secondary in others:
        merged = survivor(primary, secondary, mode=EMAIL_OR_ID, now=now)
        population.absorb(merged, secondary.cio_id)
        note_merged(population, primary, secondary, merged, automatic=True, now=now)
        primary = merged


def _by_age(people: Iterable[Person]) -> list[Person]:
    return sorted(people, key=lambda each: each.seniority)
