"""The outbox of notices: one row for each event of a workspace whose account mails them (accounts §6)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.store.fixtures import WorkspaceEnv, create, destroy, owner
from tests.store.sending_builders import Sender, accept, ended
from workspace_operator.application.ports import Notice, NoticeKind, NoticeState, NoticeUpdate
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.accounts import AccountKey, AccountSettings, Notices, RemoveAccount, SetAccount
from workspace_operator.sending.deliveries import AttemptOutcome, DeliveryState
from workspace_operator.store.maintenance.directories import read_directory
from workspace_operator.store.repositories.sending.notices import KEEP_ENDED, SQLNotices
from workspace_operator.store.schema.sending_tables import notice

FINGERPRINT = "f1"
SENT = NoticeUpdate(state=NoticeState.SENT)
SETTINGS: dict[str, Any] = {
    "display_name": "Team",
    "admins": ("ana@example.com",),
    "notices": Notices(transport="default", sender="ops@example.com"),
}


def mailing(env: WorkspaceEnv) -> WorkspaceEnv:
    """The workspace, whose account mails notices from now on."""
    put_account(env)
    return env


def neighbour(env: WorkspaceEnv, name: str, account: str) -> WorkspaceEnv:
    """Another workspace of the same namespace."""
    of = owner(name)
    made = create(env.store, of, account=account, display_name=name)
    return WorkspaceEnv(store=env.store, owner=of, workspace_id=made.workspace_id)


def account_key(env: WorkspaceEnv) -> AccountKey:
    return AccountKey(cluster=env.owner.cluster, namespace=env.owner.namespace, name=env.workspace.account)


def put_account(env: WorkspaceEnv, **changes: Any) -> None:
    key = account_key(env)
    version = env.store.accounts.observe(key, now=env.store.clock()).row_version
    settings = AccountSettings(**(SETTINGS | changes))
    env.store.accounts.apply(SetAccount(key=key, row_version=version, uid="u1", settings=settings))


def remove_account(env: WorkspaceEnv) -> None:
    key = account_key(env)
    env.store.accounts.apply(
        RemoveAccount(key=key, row_version=env.store.accounts.observe(key, now=env.store.clock()).row_version)
    )


def outbox(env: WorkspaceEnv) -> SQLNotices:
    return SQLNotices(env.store.sql_database)


def due(env: WorkspaceEnv, *transports: str, too_old: datetime | None = None, limit: int = 10) -> Sequence[Notice]:
    now = env.store.clock()
    transports = transports or ("default",)
    return outbox(env).due(transports, too_old=too_old or now - timedelta(days=1), limit=limit, now=now)


def block(env: WorkspaceEnv) -> None:
    """Two people with one address block the change to EmailOrID."""
    env.add("ann", "ann@example.com")
    env.add("twin", "Ann@example.com")
    env.add("other", "fine@example.com")
    env.migrate_to(Mode.EMAIL_OR_ID)
    assert env.stage is Stage.BLOCKED
    env.store.clock.advance(1)  # the clock of an export goes on while it is written


def rows(env: WorkspaceEnv) -> Sequence[tuple[str, str, str]]:
    """Kind, subject and state of all notices."""
    with env.store.sql_database.reading() as connection:
        found = connection.execute(sa.select(notice.c.kind, notice.c.subject, notice.c.state).order_by(notice.c.kind))
        return [(row.kind, row.subject, row.state) for row in found]


def test_blocked_migration_writes_a_notice(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    block(env)

    [found] = due(env)

    assert (found.key.kind, found.key.subject) == (NoticeKind.MIGRATION_BLOCKED, "1")
    assert found.workspace == env.workspace
    assert found.account is not None
    assert found.account.settings.admins == ("ana@example.com",)
    assert found.created_at == found.due_at <= env.store.clock()
    assert (found.attempts, found.tries, found.unknowns) == (0, 0, 0)
    assert found.details == {
        "from": "IDOnly",
        "to": "EmailOrID",
        "people": 3,
        "blocking": 2,
        "violations": {"duplicateEmail": 2, "invalidEmail": 0, "suppressedEmail": 0, "idIsAnotherEmail": 0},
        "merged": 0,
    }


def test_directory_tells_when_the_first_notice_of_an_account_is_due(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    account, before = account_key(env), next_due(env)
    block(env)
    [found] = due(env)

    assert before == {(account.namespace, account.name): None}
    assert next_due(env) == {(account.namespace, account.name): found.due_at}


def next_due(env: WorkspaceEnv) -> Mapping[tuple[str, str], datetime | None]:
    """By namespace and name of the account."""
    now = env.store.clock()
    directory = read_directory(env.store.sql_database, overdue_since=now, now=now)
    return {(each.namespace, each.name): each.next_due_at for each in directory.notice_accounts}


def test_migration_that_is_blocked_again_has_its_notice(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    block(env)
    env.add("third", "ANN@example.com")
    env.retry("again")
    assert env.work()
    assert env.stage is Stage.BLOCKED

    [found] = due(env)

    assert found.details["blocking"] == 2


def test_completed_migration_writes_a_notice(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    env.add("ann", "ann@example.com")
    env.add("twin", "Ann@example.com")

    env.migrate_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)

    assert env.stage is Stage.COMPLETED
    [found] = due(env)
    assert found.key.kind is NoticeKind.MIGRATION_COMPLETED
    assert (found.details["people"], found.details["merged"]) == (2, 1)


def test_cancelled_migration_writes_none(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    env.request()
    env.cancel()
    env.work()

    assert rows(env) == []


def test_refused_message_writes_a_notice_a_day(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    env.add("1")
    env.store.clock.now = datetime(2026, 11, 29, 23, 59, tzinfo=UTC)
    for _ in range(3):
        delivery_id, sender = accept(env), Sender(env)
        sender.begin_all()
        sender.end(ended(delivery_id, outcome=AttemptOutcome.REFUSED, code=550, state=DeliveryState.FAILED))
        sender.release()
        env.store.clock.advance(40)

    assert rows(env) == [
        ("TransportRefuses", "default/2026-11-29", "waiting"),
        ("TransportRefuses", "default/2026-11-30", "waiting"),
    ]
    assert due(env)[0].details == {"transport": "default", "code": 550}


def test_refused_messages_of_one_account_are_one_notice(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    envs = (env, neighbour(env, "club", env.workspace.account), neighbour(env, "other", "another"))
    put_account(envs[2])
    for each in envs:
        each.add("1")
        delivery_id, sender = accept(each), Sender(each)
        sender.begin_all()
        sender.end(ended(delivery_id, outcome=AttemptOutcome.REFUSED, code=550, state=DeliveryState.FAILED))

    assert sorted(found.key.workspace_id for found in due(env)) == [envs[0].workspace_id, envs[2].workspace_id]


def test_discarded_mail_includes_notices(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    block(env)

    env.store.sending_queue.adopt_database(FINGERPRINT, discard_waiting=True, now=env.store.clock())

    assert due(env) == []
    assert [state for *_, state in rows(env)] == ["failed"]


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": AttemptOutcome.BOUNCED, "code": 550, "state": DeliveryState.BOUNCED},
        # A message that cannot be written in SMTP: no server refused it.
        {"outcome": AttemptOutcome.REFUSED, "code": None, "state": DeliveryState.FAILED},
    ],
)
def test_other_ends_of_messages_write_none(sql_env: WorkspaceEnv, changes: dict[str, Any]) -> None:
    env = mailing(sql_env)
    env.add("1")
    delivery_id, sender = accept(env), Sender(env)
    sender.begin_all()

    sender.end(ended(delivery_id, **changes))

    assert rows(env) == []


def test_late_sender_writes_a_notice_too(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    env.add("1")
    delivery_id, sender = accept(env), Sender(env)
    sender.begin_all()
    assert sender.lease is not None
    refused = ended(delivery_id, outcome=AttemptOutcome.REFUSED, code=554, state=DeliveryState.FAILED)

    env.store.sending_queue.end_attempts(sender.lease, [refused], now=env.store.clock())

    assert [kind for kind, *_ in rows(env)] == ["TransportRefuses"]


@pytest.mark.parametrize("without", ["account", "notices"])
def test_nothing_is_written_for_nobody(sql_env: WorkspaceEnv, without: str) -> None:
    if without == "notices":
        put_account(sql_env, notices=None)

    block(sql_env)

    assert rows(sql_env) == []


def test_notice_is_due_for_senders_with_the_transport(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    block(env)

    assert due(env, "bulk") == []
    assert len(due(env, "bulk", "default")) == 1
    # An old one is due for every sender, which gives it up.
    assert len(due(env, "bulk", too_old=env.store.clock() + timedelta(seconds=1))) == 1


def test_notice_of_a_removed_account_is_due_for_every_sender(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    block(env)
    remove_account(env)

    [found] = due(env, "bulk")

    assert found.account is None


def test_claimed_notice_is_due_again_later(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    block(env)
    [found] = due(env)
    until = env.store.clock() + timedelta(minutes=2)
    env.store.sending_queue.register_sender("s1", [], FINGERPRINT, now=env.store.clock())

    claimed = outbox(env).claim(found, key_fingerprint=FINGERPRINT, until=until)
    assert outbox(env).claim(found, key_fingerprint=FINGERPRINT, until=until) is None

    assert due(env) == []
    env.store.clock.advance(120)
    [again] = due(env)
    assert claimed == again
    assert (again.attempts, again.unknowns, again.due_at) == (1, 1, until)


def test_sender_with_another_root_key_claims_nothing(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    block(env)
    [found] = due(env)
    env.store.sending_queue.register_sender("s1", [], FINGERPRINT, now=env.store.clock())

    assert outbox(env).claim(found, key_fingerprint="other", until=env.store.clock()) is None


def test_notice_that_waits_is_due_again(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    block(env)
    [found] = due(env)
    later = env.store.clock() + timedelta(minutes=1)
    update = NoticeUpdate(state=NoticeState.WAITING, due_at=later, failure="deferred", tries=1, unknowns=0)

    outbox(env).update(found, update, now=env.store.clock())

    assert due(env) == []
    env.store.clock.advance(60)
    assert [(each.tries, each.unknowns) for each in due(env)] == [(1, 0)]


@pytest.mark.parametrize("state", [NoticeState.WAITING, NoticeState.FAILED])
def test_late_sender_changes_nothing_that_another_has_sent(sql_env: WorkspaceEnv, state: NoticeState) -> None:
    env = mailing(sql_env)
    block(env)
    [found] = due(env)  # as the slow sender has read it, too
    now = env.store.clock()
    env.store.sending_queue.register_sender("s1", [], FINGERPRINT, now=now)
    claimed = outbox(env).claim(found, key_fingerprint=FINGERPRINT, until=now + timedelta(minutes=2))
    assert claimed is not None
    late = NoticeUpdate(state=state, due_at=now if state is NoticeState.WAITING else None, failure="paused")

    assert outbox(env).update(found, late, now=now) is False  # while the other hands it over
    assert outbox(env).update(claimed, SENT, now=now) is True
    assert outbox(env).update(found, late, now=now) is False

    assert rows(env) == [("MigrationBlocked", "1", "sent")]
    assert due(env) == []


def test_ended_notice_is_kept_for_a_month(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    block(env)
    [found] = due(env)
    outbox(env).update(found, SENT, now=env.store.clock())
    assert rows(env) == [("MigrationBlocked", "1", "sent")]
    assert due(env) == []

    env.store.clock.advance((KEEP_ENDED + timedelta(seconds=1)).total_seconds())
    outbox(env).update(found, SENT, now=env.store.clock())

    assert rows(env) == []


def test_deleted_workspace_takes_its_notices_along(sql_env: WorkspaceEnv) -> None:
    env = mailing(sql_env)
    block(env)

    destroy(env.store, env.owner)

    assert rows(env) == []
