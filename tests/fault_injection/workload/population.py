"""The initial people of a run, written without the adapters, once for each kind of population."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby

import sqlalchemy as sa

from tests.benchmarks.bulk_data import vacuum
from tests.workspaces import create_workspace
from workspace_operator.identity.model.person import id_is_another_email
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import insert_rows
from workspace_operator.store.queries.record_readers import TYPE_NUMBERS
from workspace_operator.store.repositories.workspaces import SQLWorkspaces
from workspace_operator.store.schema.tables import (
    KIND_EMAIL,
    KIND_ID,
    activity,
    device,
    identifier,
    membership,
    person,
    suppression,
)

FIRST_AGE = 1_700_000_000
WRITERS = 2
STEADY, TWINS = 40, 3
RESERVED = 100
"""Number of plain people that only the test itself changes."""

SEGMENT = 1


class PopulationKind(StrEnum):
    """The kind of people when the migration is requested."""

    CLEAN = "clean"
    VIOLATED = "violated"
    SHARING = "sharing"
    SHARING_VIOLATED = "sharing and violated"
    ENABLED = "enabled"
    """Email is an identifier already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedPerson:
    """A person. All but the writers' own have a device, an event and a membership, named by their number."""

    number: int
    id: str | None
    email: str | None

    @property
    def cio_id(self) -> str:
        return f"{self.number:024x}"

    @property
    def email_key(self) -> str | None:
        return None if self.email is None else email_key(self.email)

    @property
    def age(self) -> int:
        """Creation time, the same for some people."""
        return FIRST_AGE + self.number // 3

    @property
    def age_key(self) -> tuple[int, str]:
        return (self.age, self.cio_id)

    @property
    def has_records(self) -> bool:
        return self.id is None or not self.id.startswith("w")

    @property
    def device(self) -> str:
        return f"device-{self.number}"

    @property
    def event(self) -> str:
        return f"event-{self.number}"


def plain(number: int) -> str:
    """The id of a plain person."""
    return f"plain-{number}"


def population_of(kind: PopulationKind, people: int) -> list[SeedPerson]:
    """All people: the writers' own, then those with violations or shared addresses, then plain people."""
    named = [*_writers_own(), *_in_groups(kind, people), *_violating(kind, people)]
    count = people - len(named)
    with_id = count - (people // 20 if kind is PopulationKind.ENABLED else 0)
    others = ((plain(each) if each < with_id else None, f"Plain-{each}@example.com") for each in range(count))
    return [SeedPerson(number=number, id=id_, email=email) for number, (id_, email) in enumerate([*named, *others])]


def groups_of(population: Sequence[SeedPerson]) -> list[list[SeedPerson]]:
    """The groups of people who share an address, the oldest first in each."""
    sharing = sorted((each for each in population if _is_in_group(each)), key=lambda each: each.email_key or "")
    groups = [list(group) for _, group in groupby(sharing, key=lambda each: each.email_key)]
    return [sorted(group, key=lambda each: each.age_key) for group in groups]


def fill(database: Database, kind: PopulationKind, people: int) -> int:
    """Create a workspace with its people; return its number."""
    mode = Mode.EMAIL_OR_ID if kind is PopulationKind.ENABLED else Mode.ID_ONLY
    made = create_workspace(SQLWorkspaces(database), "kills", now=datetime.now(UTC), mode=mode)
    population = population_of(kind, people)
    for table, rows in _rows(made.workspace_id, population, mode):
        database.writing(lambda connection, table=table, rows=rows: insert_rows(connection, table, rows))  # type: ignore[misc]
    vacuum(database)
    return made.workspace_id


def _writers_own() -> Iterator[tuple[str | None, str | None]]:
    for writer in range(WRITERS):
        yield from (
            (writer_person(writer, number), f"{writer_person(writer, number)}@own.example") for number in range(STEADY)
        )
        for number in range(TWINS):
            yield from ((name, f"{name}@own.example") for name in writer_sharers(writer, number))
            yield (writer_person_with_email_id(writer, number), writer_person_with_email_id(writer, number))


def writer_person(writer: int, number: int) -> str:
    """The id of a person who is never deleted and has no violation."""
    return f"w{writer}-steady-{number}"


def writer_sharers(writer: int, number: int) -> tuple[str, str, str]:
    """Ids: one that sometimes takes the address of the second, the second, and one that is sometimes suppressed."""
    return (f"w{writer}-a-{number}", f"w{writer}-b-{number}", f"w{writer}-d-{number}")


def writer_person_with_email_id(writer: int, number: int) -> str:
    """The id of a person whose id is their address."""
    return f"w{writer}-c-{number}@own.example"


def _in_groups(kind: PopulationKind, people: int) -> Iterator[tuple[str | None, str | None]]:
    """Groups of two to four; in some, the oldest has no id, or all have none."""
    if kind not in {PopulationKind.VIOLATED, PopulationKind.SHARING, PopulationKind.SHARING_VIOLATED}:
        return
    for group in range(people // (100 if kind is PopulationKind.VIOLATED else 20)):
        members = 2 + group % 3
        for member in range(members):
            has_id = group % 7 != 0 and not (group % 5 == 0 and member == 0)
            email = f"{'Group' if member % 2 else 'group'}-{group}@example.com"
            yield (f"group-{group}-{member}" if has_id else None, email)


def _is_in_group(someone: SeedPerson) -> bool:
    return (someone.email or "").lower().startswith("group-")


def _violating(kind: PopulationKind, people: int) -> Iterator[tuple[str | None, str | None]]:
    if kind not in {PopulationKind.VIOLATED, PopulationKind.SHARING_VIOLATED}:
        return
    for number in range(people // 400):
        yield (f"invalid-{number}", "no address")
        yield (f"blocked-{number}", f"blocked-{number}@example.com")
        yield (f"another-{number}@example.com", None if number % 2 else f"Plain-{number}@elsewhere.example")


def _rows(
    workspace_id: int, population: Sequence[SeedPerson], mode: Mode
) -> Iterator[tuple[sa.Table, list[tuple[object, ...]]]]:
    yield person, [_person_row(workspace_id, each) for each in population]
    owned = [(KIND_ID, each.id, each.cio_id) for each in population if each.id is not None]
    if mode is not Mode.ID_ONLY:
        owned += [(KIND_EMAIL, each.email_key, each.cio_id) for each in population if each.email_key is not None]
    yield identifier, [(workspace_id, *each) for each in owned]
    blocked = [each.email_key for each in population if each.id is not None and each.id.startswith("blocked-")]
    yield suppression, [(workspace_id, KIND_EMAIL, key, f"suppression-{key}") for key in blocked]
    with_belongings = [each for each in population if each.has_records]
    yield device, [(workspace_id, each.cio_id, each.device, "ios", None, "{}") for each in with_belongings]
    yield membership, [(workspace_id, SEGMENT, each.cio_id) for each in with_belongings]
    number = TYPE_NUMBERS[ActivityType.EVENT]
    yield (
        activity,
        [
            (workspace_id, number, each.cio_id, each.cio_id, each.cio_id, each.age, "came", each.event, None, "{}")
            for each in with_belongings
        ],
    )


def _person_row(workspace_id: int, each: SeedPerson) -> tuple[object, ...]:
    return (
        workspace_id,
        each.cio_id,
        each.id,
        each.email,
        each.email_key,
        each.email is not None and each.email_key is None,
        id_is_another_email(each.id, each.email_key),
        '{"command_id":"nothing"}',
        each.age,
        each.age,
        None,
    )
