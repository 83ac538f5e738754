"""Making one person of several, merge by merge: what `identity.folding` says at once."""

from collections.abc import Iterable

from workspace_operator.identity.noting import note_merged
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Population
from workspace_operator.identity.rules import EMAIL_OR_ID
from workspace_operator.identity.survivors import survivor


def merge_all(population: Population, people: Iterable[Person], *, now: int) -> None:
    """The next oldest into the oldest, in a population where several may have one address."""
    primary, *others = sorted(people, key=lambda each: each.seniority)
    for secondary in others:
        merged = survivor(primary, secondary, mode=EMAIL_OR_ID, now=now)
        population.absorb(merged, secondary.cio_id)
        note_merged(population, primary, secondary, merged, automatic=True, now=now)
        primary = merged
