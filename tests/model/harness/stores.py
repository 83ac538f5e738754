"""A workspace in a store, driven and looked at through the ports; what they do not tell is read from the tables."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import count
from typing import Any

import sqlalchemy as sa

from tests.fakes.people.people import FakePeople
from tests.model.harness.commands import AnyCommand
from tests.model.harness.drivers import BatchResult, batch_result, groups, made, suppressions_of
from tests.model.harness.snapshots import (
    State,
    activity_shown,
    merge_shown,
    owner_label,
    person_shown,
    suppressed_shown,
)
from tests.model.reference.records import CommandOutcome, Value
from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv, owner
from tests.workspaces import create_workspace
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.ports import Merge
from workspace_operator.errors import Conflict
from workspace_operator.identity.model.working_set import Suppression, WorkingSet
from workspace_operator.identity.values.rules import EMAIL, ID, IdentifierKind, IdentityRules
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.tables import KIND_EMAIL, KIND_ID, identifier, suppression

_numbers = count(1)
_KINDS: dict[int, IdentifierKind] = {KIND_ID: ID, KIND_EMAIL: EMAIL}
ALL = 1_000_000


class StoredPeople:
    """A new workspace of a store."""

    def __init__(self, store: Store, rules: IdentityRules) -> None:
        self.store = store
        of = owner(f"model-{next(_numbers)}")
        created = create_workspace(store.workspaces, of, now=store.clock(), mode=rules.mode, **settings_of(rules))
        self.env = WorkspaceEnv(store=store, owner=of, workspace_id=created.workspace_id)

    def perform(self, commands: Sequence[AnyCommand], *, now: int) -> BatchResult:
        self.store.clock.now = datetime.fromtimestamp(now, UTC)
        return batch_result(execute_commands(self.store.people, self.env.workspace_id, made(commands), now=now))

    def visible(self, answer: CommandOutcome) -> CommandOutcome:
        return answer

    def update_settings(self, rules: IdentityRules) -> None:
        self.env.update_settings(**settings_of(rules))

    def change_mode(self, rules: IdentityRules) -> None:
        self.env.migrate_to(rules.mode)
        while self.env.work():
            pass
        assert self.env.mode is rules.mode

    def undo(self, number: int, *, now: int) -> set[Value] | None:
        self.store.clock.now = datetime.fromtimestamp(now, UTC)
        merge_id = journal_in(self.store, self.env.workspace_id)[number].merge_id
        try:
            return set(self.store.merges.undo(self.env.workspace_id, merge_id, now=now).unavailable)
        except Conflict:
            return None

    def state(self) -> State:
        return state_in(self.store, self.env.workspace_id)


def settings_of(rules: IdentityRules) -> dict[str, Any]:
    return {name: getattr(rules, name) for name in ("email_updates", "id_updates", "merge_multi_identifier")}


def state_in(store: Store, workspace_id: int) -> State:
    """Everything that can be seen of a workspace."""
    people = {each.cio_id: each for each in store.people.all(workspace_id)}
    devices = store.person_records.devices(workspace_id, people.keys())
    segments = {cio_id: list(store.person_records.segments(workspace_id, cio_id)) for cio_id in people}
    return {
        "people": {cio_id: person_shown(each) for cio_id, each in people.items()},
        "owners": owners_in(store, workspace_id),
        "suppressed": suppressed_in(store, workspace_id),
        "activities": activities_in(store, workspace_id, people.keys()),
        "devices": {cio_id: sorted(map(repr, theirs)) for cio_id, theirs in devices.items() if theirs},
        "segments": {cio_id: numbers for cio_id, numbers in segments.items() if numbers},
        "counts": _counts(store, workspace_id),
        "journal": {str(number): merge_shown(each) for number, each in enumerate(journal_in(store, workspace_id))},
    }


def journal_in(store: Store, workspace_id: int, *, of: str | None = None) -> list[Merge]:
    """Every merge, or those of one person, the oldest first."""
    return list(reversed(store.merges.merges(workspace_id, cio_id=of, limit=ALL)))


def _counts(store: Store, workspace_id: int) -> dict[str, int]:
    """How many people have what, and stand in the way of EmailOrID; whom that concerns in all is counted later."""
    counts, violations = store.migrations.check(workspace_id)
    found = asdict(counts) | asdict(violations)
    del found["people_concerned"]
    return found


def activities_in(
    store: Store, workspace_id: int, people: Collection[str], *, of: str | None = None
) -> list[tuple[str, ...]]:
    """All activities, or those of one person."""
    return sorted(
        activity_shown(
            type_=each.type,
            owner_label=owner_label(each.cio_id, people),
            at=each.at,
            name=each.name,
            anonymous_id=each.anonymous_id,
            data=each.data,
        )
        for each in store.person_records.activities(workspace_id, cio_id=of, limit=ALL)
    )


def owners_in(store: Store, workspace_id: int) -> dict[str, str]:
    if store.database is None:
        owners = _population(store, workspace_id).owners
        return {f"{kind}:{key}": cio_id for (kind, key), cio_id in owners.items()}
    columns = identifier.c
    rows = _rows(store.database, workspace_id, columns.kind, columns.value_key, columns.cio_id)
    return {f"{_KINDS[kind]}:{key}": cio_id for kind, key, cio_id in rows}


def suppressed_in(store: Store, workspace_id: int) -> list[list[str]]:
    return suppressed_shown(groups(_suppressions(store, workspace_id)))


def _suppressions(store: Store, workspace_id: int) -> list[Suppression]:
    if store.database is None:
        return suppressions_of(_population(store, workspace_id))
    columns = suppression.c
    rows = _rows(store.database, workspace_id, columns.kind, columns.value_key, columns.suppression_id)
    return [Suppression(kind=_KINDS[kind], key=key, suppression_id=name) for kind, key, name in rows]


def _population(store: Store, workspace_id: int) -> WorkingSet:
    assert isinstance(store.people, FakePeople)
    return store.people.memory.states[workspace_id].working_set


def _rows(database: Database, workspace_id: int, *columns: sa.Column[Any]) -> list[Any]:
    query = sa.select(*columns).where(columns[0].table.c.workspace_id == workspace_id)
    with database.reading() as connection:
        return list(connection.execute(query))
