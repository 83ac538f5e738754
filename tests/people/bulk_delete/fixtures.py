"""A workspace in memory that people are deleted from, and an undo file that is a list."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.fakes.people.activities import FakeActivities
from tests.fakes.people.segments import FakeSegments
from tests.people.fixtures import NOW, ImportEnv
from workspace_operator.application.people.backup_rows import BackupAction
from workspace_operator.application.people.bulk_delete import (
    BulkDelete,
    DeletionCandidate,
    DeletionResult,
    SelectionStats,
)
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.ports import People
from workspace_operator.identity.model.commands import SetMembership
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode


@dataclass(slots=True)
class BackupList:
    """What an undo file would hold."""

    people: list[Person] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    def write(self, people: Sequence[Person], action: BackupAction) -> None:
        assert action is BackupAction.DELETED
        self.people.extend(people)
        self.batches.append(len(people))

    @property
    def ids(self) -> list[str | None]:
        return [each.id for each in self.people]


def ids_of(env: ImportEnv) -> list[str | None]:
    """Who is there, in the order in which they were made."""
    return [each.id for each in env.people.all(env.number)]


def cio_id_of(env: ImportEnv, id_: str) -> str:
    return env.get(id=id_).cio_id


def candidates(env: ImportEnv, *ids: str, kept: str = "") -> list[DeletionCandidate]:
    """These people, by id; ``kept`` is the id of who shares their address."""
    keeper = cio_id_of(env, kept) if kept else ""
    return [DeletionCandidate(cio_id=cio_id_of(env, each), kept=keeper) for each in ids]


def selected(env: ImportEnv, people: Iterable[DeletionCandidate]) -> tuple[SelectionStats, list[DeletionCandidate]]:
    survey = SelectionStats()
    return survey, list(survey.resolved(env.people, env.number, people))


def deletion(
    env: ImportEnv,
    backup: BackupList,
    *,
    attributes: Iterable[str] = (),
    people: People | None = None,
    mode: Mode = Mode.ID_ONLY,
    batch: int = 2,
) -> BulkDelete:
    return BulkDelete(
        people=people or env.people,
        workspace_id=env.number,
        mode=mode,
        attributes=frozenset(attributes),
        backup=backup,
        clock=lambda: NOW,
        batch=batch,
    )


def counts(deleted: DeletionResult) -> tuple[int, int, int]:
    return deleted.deleted, deleted.missing, deleted.skipped


def join(env: ImportEnv, segment: int, *ids: str) -> None:
    mode = env.people.rules(env.number).mode
    calls = [
        SetMembership(reference=reference_of_kind(each, IdentifierKind.ID, mode), segment=segment, member=True)
        for each in ids
    ]
    execute_commands(env.people, env.number, calls, now=NOW)


def activities_of(env: ImportEnv) -> FakeActivities:
    return FakeActivities(env.memory)


def segments_of(env: ImportEnv) -> FakeSegments:
    return FakeSegments(env.memory)
