"""Looking ahead, in memory: by looking at everybody."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.fakes.memory import Memory
from tests.fakes.violations import people_counts, violation_counts, violation_rows
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Population
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import OnConflict, Violation
from workspace_operator.reconcile.previews import Preview, Sample
from workspace_operator.reconcile.rehearsals import Directory

NAMED_SHARERS = 5


@dataclass(frozen=True, slots=True)
class MemoryPreviews:
    """Implements the port ``Previews``."""

    memory: Memory

    def directory(self) -> Directory:
        rooms = self.memory.rooms.items()
        return Directory(
            workspaces={number: room.workspace for number, room in rooms},
            migrations={number: room.changes[-1].migration for number, room in rooms if room.changes},
            beat_times={cluster: each.beat_at for cluster, each in self.memory.heartbeats.items()},
        )

    def preview(self, workspace_id: int, *, from_mode: Mode, to_mode: Mode, samples: int) -> Preview:
        population = self.memory.room(workspace_id).population
        people = people_counts(population)
        unnamed = people.without_id if to_mode is Mode.ID_ONLY else people.without_identifier
        if (from_mode, to_mode) != (Mode.ID_ONLY, Mode.EMAIL_OR_ID):
            return Preview(people=people, people_without_usable_identifier=unnamed)
        groups = _groups(population)
        ids = [sum(each.id is not None for each in group) for group in groups]
        return Preview(
            people=people,
            people_without_usable_identifier=unnamed,
            violations=violation_counts(violation_rows(population)),
            people_concerned_beside_sharing=len(violation_rows(population, OnConflict.MERGE)),
            groups=len(groups),
            people_merged=sum(len(group) - 1 for group in groups),
            ids_given_up=sum(max(0, each - 1) for each in ids),
            samples=_samples(population, samples),
        )


def _groups(population: Population) -> list[list[Person]]:
    """People who share an address, the oldest first, by the address."""
    people = sorted(population.people.values(), key=lambda each: each.seniority)
    sharing = Counter(each.email_key for each in people if each.email_key is not None)
    keys = sorted(key for key, count in sharing.items() if count > 1)
    return [[each for each in people if each.email_key == key] for key in keys]


def _samples(population: Population, limit: int) -> dict[Violation, Sequence[Sample]]:
    found = {violation: list(_violating(population, violation))[:limit] for violation in Violation}
    return {
        violation: tuple(_sample(population, each) for each in people) for violation, people in found.items() if people
    }


def _violating(population: Population, violation: Violation) -> Iterator[Person]:
    """Of each address that is shared or suppressed the oldest, by the address; of others everybody, by cio_id."""
    if violation is Violation.DUPLICATE_EMAIL:
        yield from (group[0] for group in _groups(population))
        return
    flags = {
        Violation.INVALID_EMAIL: lambda row: row.invalid_email,
        Violation.SUPPRESSED_EMAIL: lambda row: row.suppressed_email,
        Violation.ID_IS_ANOTHER_EMAIL: lambda row: row.id_is_another_email,
    }
    people = [population.people[row.cio_id] for row in violation_rows(population) if flags[violation](row)]
    if violation is Violation.SUPPRESSED_EMAIL:
        oldest = {each.email_key: each for each in sorted(people, key=lambda each: each.seniority, reverse=True)}
        people = [oldest[key] for key in sorted(oldest, key=str)]
    else:
        people.sort(key=lambda each: each.cio_id)
    yield from people


def _sample(population: Population, person: Person) -> Sample:
    group = next((each for each in _groups(population) if person in each), [person])
    others = [each.cio_id for each in group[: NAMED_SHARERS + 1] if each is not person]
    return Sample(
        cio_id=person.cio_id,
        id=person.id,
        email=person.email,
        sharing=len(group),
        shares_with=tuple(others[:NAMED_SHARERS]),
    )
