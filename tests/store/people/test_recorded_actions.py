"""Commands and undone merges of an administrator are in the audit log, by the transaction that did them."""

import pytest

from tests.store.fixtures import WorkspaceEnv
from tests.store.merge_builders import merge
from workspace_operator.application.audit.commands import RecordedCommand, execute_recorded
from workspace_operator.application.ports import Actor, RecordedEntry
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.model.commands import DeletePerson, Identify, MergePeople, Suppress, Unsuppress
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.values.references import reference_to_cio_id

ROOT = Actor.installation("root")


def execute(env: WorkspaceEnv, command: RecordedCommand) -> Effect:
    now = int(env.store.clock().timestamp())
    result = execute_recorded(env.store.people, env.workspace_id, command, actor=ROOT, now=now)
    assert isinstance(result, CommandResult)
    return result.effect


def entries(env: WorkspaceEnv) -> list[RecordedEntry]:
    return list(env.store.audit_log.entries(env.workspace_id, limit=10))


def test_recorded_deletion_deletes(env: WorkspaceEnv) -> None:
    cio_id = env.add("1", "ann@example.com")

    effect = execute(env, DeletePerson(reference=env.reference(id="1")))

    (entry,) = entries(env)
    assert effect is Effect.DELETED
    assert env.find(cio_id=cio_id) is None
    assert (entry.action, entry.subject, entry.detail) == ("deleted", f"person {cio_id}", {"kind": "id"})
    assert (entry.actor, entry.via, entry.at) == ("installation (root)", "CLI", env.store.clock())


def test_recorded_suppressions_have_both_ends(env: WorkspaceEnv) -> None:
    email = env.reference(email="bob@example.com")

    effects = [execute(env, command) for command in (Suppress(reference=email), Unsuppress(reference=email))]

    assert effects == [Effect.SUPPRESSED, Effect.UNSUPPRESSED]
    assert [(entry.action, entry.subject) for entry in entries(env)] == [
        ("unsuppressed", "identifier"),
        ("suppressed", "identifier"),
    ]


def test_command_without_effect_is_not_recorded(env: WorkspaceEnv) -> None:
    assert execute(env, DeletePerson(reference=env.reference(id="1"))) is Effect.IGNORED
    assert execute(env, Unsuppress(reference=env.reference(id="1"))) is Effect.UNCHANGED

    assert entries(env) == []


def test_unknown_workspace_records_nothing(env: WorkspaceEnv) -> None:
    command = DeletePerson(reference=env.reference(id="1"))

    with pytest.raises(NotFound):
        execute_recorded(env.store.people, 10**12, command, actor=ROOT, now=1)


def test_undone_merge_is_recorded_if_somebody_asked_for_it(env: WorkspaceEnv) -> None:
    one, other, third = env.add("1"), env.add("2"), env.add("3")
    asked, part = merge(env, one, other), merge(env, one, third)

    env.store.merges.undo(env.workspace_id, part.merge_id, now=5)
    env.store.merges.undo(env.workspace_id, asked.merge_id, now=6, actor=ROOT)

    (entry,) = entries(env)
    assert (entry.action, entry.subject) == ("merge_undone", f"merge {asked.merge_id}")
    assert entry.detail == {"restored": other, "survivor": one, "unavailable": 0}
    assert entry.at.timestamp() == 6


def test_merge_that_cannot_be_undone_is_not_recorded(env: WorkspaceEnv) -> None:
    one, other, third = env.add("1"), env.add("2"), env.add("3")
    earlier = merge(env, other, third)
    merge(env, one, other)

    with pytest.raises(Conflict):
        env.store.merges.undo(env.workspace_id, earlier.merge_id, now=5, actor=ROOT)

    assert entries(env) == []


def test_recorded_correction_changes_the_address(env: WorkspaceEnv) -> None:
    cio_id = env.add("1", "ann@example.com")
    command = Identify(reference=reference_to_cio_id(cio_id), email="Bob@example.com", attributes={}, update_only=True)

    effects = [execute(env, command) for _ in range(2)]

    found = env.find(id="1")
    assert found is not None
    assert (found.email, effects) == ("Bob@example.com", [Effect.UPDATED, Effect.UNCHANGED])
    assert [(each.action, each.subject, each.detail) for each in entries(env)] == [
        ("corrected", f"person {cio_id}", {})
    ]


def test_recorded_merge_names_both_people(env: WorkspaceEnv) -> None:
    one, other = env.add("1"), env.add("2")
    command = MergePeople(primary=reference_to_cio_id(one), secondary=reference_to_cio_id(other))

    effect = execute(env, command)

    (entry,) = entries(env)
    assert (effect, env.find(cio_id=other)) == (Effect.MERGED, None)
    assert (entry.action, entry.subject, entry.detail) == ("merged", f"person {one}", {"secondary": other})
