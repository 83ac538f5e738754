"""The contract of the port AuditLog: entries of a workspace, newest first, until they are old."""

import logging
from datetime import timedelta

import pytest

from tests.store.backends import START, Store
from tests.store.fixtures import WorkspaceEnv, destroy
from tests.store.invariants import assert_sound
from workspace_operator.application.ports import ACCOUNT_WIDE, Actor, AuditAction, AuditEntry, RecordedEntry, Via
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.unit_of_work.audit_rows import write_audit_entry
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator

DAY = timedelta(days=1)
ROOT = Actor.installation("root")


def entry(workspace_id: int, subject: str = "cleanup 1", **detail: int | str) -> AuditEntry:
    return AuditEntry(
        workspace_id=workspace_id, at=START, actor=ROOT, action=AuditAction.APPLIED, subject=subject, detail=detail
    )


def record(store: Store, workspace_id: int, *subjects: str) -> None:
    for subject in subjects:
        store.clock.advance(1)
        store.audit_log.record(entry(workspace_id, subject))


def entries(store: Store, workspace_id: int) -> list[RecordedEntry]:
    return list(store.audit_log.entries(workspace_id, limit=100))


def subjects(store: Store, workspace_id: int) -> list[str]:
    return [each.subject for each in entries(store, workspace_id)]


def test_entry_is_read_as_it_was_recorded(env: WorkspaceEnv) -> None:
    env.store.audit_log.record(entry(env.workspace_id, "cleanup 12", people=3, color="6B7280 to FF0000"))

    (found,) = entries(env.store, env.workspace_id)
    assert found == RecordedEntry(
        workspace_id=env.workspace_id,
        entry_id=found.entry_id,
        at=START,
        actor="installation (root)",
        via="CLI",
        action="applied",
        subject="cleanup 12",
        detail={"people": 3, "color": "6B7280 to FF0000"},
    )


def test_newest_entry_comes_first(env: WorkspaceEnv) -> None:
    record(env.store, env.workspace_id, "a", "b", "c")

    assert subjects(env.store, env.workspace_id) == ["c", "b", "a"]


def test_entries_are_read_page_by_page(env: WorkspaceEnv) -> None:
    record(env.store, env.workspace_id, *"abcde")

    first = env.store.audit_log.entries(env.workspace_id, limit=2)
    second = env.store.audit_log.entries(env.workspace_id, before=first[-1].entry_id, limit=2)
    last = env.store.audit_log.entries(env.workspace_id, before=second[-1].entry_id, limit=2)

    assert [[each.subject for each in page] for page in (first, second, last)] == [["e", "d"], ["c", "b"], ["a"]]
    assert env.store.audit_log.entries(env.workspace_id, before="", limit=2) == []


def test_workspaces_have_their_own_entries(store: Store) -> None:
    first, second = (WorkspaceEnv.create(store, Mode.EMAIL_OR_ID).workspace_id for _ in range(2))
    record(store, first, "a")
    record(store, ACCOUNT_WIDE, "of all")

    assert [subjects(store, number) for number in (first, second, ACCOUNT_WIDE)] == [["a"], [], ["of all"]]


def test_entries_of_all_workspaces_are_sound(sql_env: WorkspaceEnv) -> None:
    record(sql_env.store, ACCOUNT_WIDE, "of all")
    record(sql_env.store, sql_env.workspace_id, "a")

    assert_sound(sql_env.store.sql_database)


def test_deleted_workspace_takes_its_entries_along(env: WorkspaceEnv) -> None:
    record(env.store, env.workspace_id, "a")
    record(env.store, ACCOUNT_WIDE, "of all")

    destroy(env.store, env.owner)

    assert entries(env.store, env.workspace_id) == []
    assert subjects(env.store, ACCOUNT_WIDE) == ["of all"]


def test_old_entries_are_purged_in_all_workspaces(store: Store) -> None:
    numbers = [ACCOUNT_WIDE, *(WorkspaceEnv.create(store, Mode.EMAIL_OR_ID).workspace_id for _ in range(2))]
    for number in numbers:
        record(store, number, "old")
    store.clock.now = START + DAY
    for number in numbers:
        record(store, number, "new")

    purged = store.audit_log.purge(before=START + DAY, size=100)

    assert purged == 3
    assert [subjects(store, number) for number in numbers] == [["new"]] * 3


def test_old_entries_are_purged_bit_by_bit(store: Store) -> None:
    for number in (ACCOUNT_WIDE, WorkspaceEnv.create(store, Mode.EMAIL_OR_ID).workspace_id):
        record(store, number, *"abc")

    counts = [store.audit_log.purge(before=START + DAY, size=4) for _ in range(3)]

    assert counts == [4, 2, 0]


def write(env: WorkspaceEnv, *, fails: bool) -> None:
    """Write an entry in a transaction that does something else, too."""

    def work(connection: object) -> None:
        write_audit_entry(connection, entry(env.workspace_id, people=3), new_id=CioIDGenerator())  # type: ignore[arg-type]
        if fails:
            raise ValueError

    env.store.sql_database.writing(work)


def test_committed_entry_is_logged(sql_env: WorkspaceEnv, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="workspace_operator")

    write(sql_env, fails=False)
    env_of_another_transaction = WorkspaceEnv.create(sql_env.store, Mode.EMAIL_OR_ID)

    (line,) = [record.getMessage() for record in caplog.records if "audit_rows" in record.name]
    assert line == (
        f'workspace={sql_env.workspace_id} actor="installation (root)" via=CLI action=applied subject="cleanup 1" '
        'detail="people=3": audit'
    )
    assert entries(env_of_another_transaction.store, env_of_another_transaction.workspace_id) == []


def test_entry_of_a_failed_transaction_is_neither_stored_nor_logged(
    sql_env: WorkspaceEnv, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="workspace_operator")

    with pytest.raises(ValueError):  # noqa: PT011 - it is this test's own
        write(sql_env, fails=True)
    record(sql_env.store, ACCOUNT_WIDE, "of all")

    assert entries(sql_env.store, sql_env.workspace_id) == []
    assert len([record for record in caplog.records if "audit_rows" in record.name]) == 1


@pytest.mark.parametrize(
    ("subject", "detail"), [("x" * 201, {}), ("", {str(number): 1 for number in range(31)}), ("", {"color": "x" * 321})]
)
def test_entry_is_bounded(subject: str, detail: dict[str, int | str]) -> None:
    with pytest.raises(ValueError, match="applied is too large"):
        entry(1, subject, **detail)


def test_long_name_of_an_actor_is_cut() -> None:
    assert len(Actor.installation("x" * 1000).name) == 320
    assert Actor.app_key(3) == Actor(name="app key 3", via=Via.API)
