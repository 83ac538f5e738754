"""Bulk deletion on every store: people are backed up and deleted while streamed."""

import io
from collections.abc import Sequence

import pytest

from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.people.bulk_delete import (
    BulkDelete,
    DeletionCandidate,
    SelectionStats,
    duplicates,
    segment_members,
)
from workspace_operator.application.people.segment_import import SegmentImport, SegmentRemoval
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Stage

PEOPLE = 4_500
"""More people than a batch."""


class ListBackup:
    """An unused backup file and rejects."""

    def __init__(self) -> None:
        self.people: list[Person] = []

    def write(self, rows: Sequence[object], _action: object = None) -> None:
        self.people += [each for each in rows if isinstance(each, Person)]


def clean(env: WorkspaceEnv, doomed: Sequence[DeletionCandidate]) -> tuple[int, list[Person]]:
    """The number of deleted people, and the backed-up ones."""
    survey, undo = SelectionStats(), ListBackup()
    seen = list(survey.resolved(env.store.people, env.workspace_id, doomed))
    deletion = BulkDelete(
        people=env.store.people,
        workspace_id=env.workspace_id,
        mode=env.mode,
        attributes=survey.attributes,
        backup=undo,
        clock=lambda: env.store.clock().timestamp(),
    )
    return deletion.run(iter(seen)).deleted, undo.people


def segment_of(env: WorkspaceEnv, text: str) -> int:
    making = SegmentImport(
        people=env.store.people,
        segments=env.store.segments,
        workspace_id=env.workspace_id,
        name="some",
        rejects=ListBackup(),
        clock=lambda: env.store.clock().timestamp(),
    )
    number = making.run(io.BytesIO(text.encode())).number
    assert number is not None
    return number


def ids_of(env: WorkspaceEnv) -> list[str | None]:
    return [each.id for each in env.store.people.all(env.workspace_id)]


@pytest.fixture
def people(env: WorkspaceEnv) -> WorkspaceEnv:
    """People of mode IDOnly, three per address."""
    env.add_many({str(number): f"m{number // 3}@x.com" for number in range(PEOPLE)})
    return env


def test_one_of_each_address_is_kept(people: WorkspaceEnv) -> None:
    deleted, undo = clean(people, list(duplicates(people.store.people, people.workspace_id, keep_newest=False)))

    assert deleted == len(undo) == PEOPLE * 2 // 3
    assert len({each.email_key for each in people.store.people.all(people.workspace_id)}) == PEOPLE // 3
    assert len(ids_of(people)) == PEOPLE // 3


def test_many_people_are_deleted_by_their_segment(people: WorkspaceEnv) -> None:
    number = segment_of(people, "id\n" + "\n".join(str(each) for each in range(1, PEOPLE)))

    deleted, undo = clean(people, list(segment_members(people.store.person_records, people.workspace_id, number)))

    assert deleted == len(undo) == PEOPLE - 1
    assert ids_of(people) == ["0"]
    assert people.store.segments.get(people.workspace_id, number).people == 0


def test_many_people_are_removed_from_their_segment(people: WorkspaceEnv) -> None:
    number = segment_of(people, "id\n" + "\n".join(map(str, range(PEOPLE))))
    removal = SegmentRemoval(
        people=people.store.people,
        person_records=people.store.person_records,
        segments=people.store.segments,
        workspace_id=people.workspace_id,
        clock=lambda: people.store.clock().timestamp(),
    )

    removal.run(number)

    assert people.store.segments.all(people.workspace_id) == []
    assert len(ids_of(people)) == PEOPLE


def test_blocked_migration_resumes_when_they_are_gone(env: WorkspaceEnv) -> None:
    env.add_many({"1": "a@x.com", "2": "a@x.com", "3": "nonsense", "4": "d@x.com"})
    env.migrate_to(Mode.EMAIL_OR_ID)
    blocked = env.stage
    rows = env.violations()
    going = [each.cio_id for each in rows if each.id != "1"]
    number = segment_of(env, "cio_id\n" + "\n".join(going))

    clean(env, list(segment_members(env.store.person_records, env.workspace_id, number)))
    env.store.clock.advance(10)
    env.work()

    assert blocked is Stage.BLOCKED
    assert (env.stage, env.mode) == (Stage.COMPLETED, Mode.EMAIL_OR_ID)
    assert ids_of(env) == ["1", "4"]
