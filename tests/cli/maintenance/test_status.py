"""``workspacectl status``: one screen, from the database alone."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.cli.conftest import Crm, Run
from tests.cli.gitops.test_account_manifests import write_account
from tests.cli.sending.outbox import opened_outbox
from tests.store.backends import recorded_statements, upgraded
from workspace_operator.application.ports import NoticeKind, StalledResources
from workspace_operator.application.status.problems import ProblemReason
from workspace_operator.bootstrap import observe_installation
from workspace_operator.store.engine.clocks import DatabaseClock
from workspace_operator.store.maintenance.directories import read_directory
from workspace_operator.store.repositories.heartbeats import SQLHeartbeats
from workspace_operator.store.schema.sending_tables import notice
from workspace_operator.store.schema.tables import workspace

SHARED = "id,email\n1,ann@shop.example\n2,ann@shop.example\n3,bob@shop.example\n"


def execute(statement: str) -> None:
    with closing(sqlite3.connect("store.db")) as connection, connection:
        connection.execute(statement)


def test_installation_without_problems(run: Run, crm: Crm) -> None:
    crm()

    shown = run("status")

    assert shown.code == 0
    assert "Nothing is wrong." in shown.out
    assert "kubectl get workspaces,accounts --all-namespaces -o wide" in shown.out


def test_lost_database_is_not_well(run: Run, crm: Crm) -> None:
    crm()
    missing = StalledResources(
        kind="Workspace", reason="WorkspaceMissing", count=12, names=("team/shop",), message="It is not here."
    )
    with closing(upgraded("sqlite:///store.db")) as database:
        SQLHeartbeats(database).beat("c1", stalled=[missing], now=DatabaseClock(database)())

    shown = run("status")

    assert shown.code == 3
    assert "Nothing is wrong" not in shown.out
    assert "WorkspaceMissing (12)" in shown.out
    assert "    cluster c1: Workspace team/shop\n    and 11 more\n" in shown.out
    assert "docs/reasons.md#workspacemissing" in shown.out


def test_blocked_migration_is_shown_with_its_command(run: Run, crm: Crm) -> None:
    crm("IDOnly", SHARED)
    crm("EmailOrID", code=3)

    shown = run("status")

    assert shown.code == 3
    assert "MigrationBlocked (1)" in shown.out
    assert "default/crm: 2 of 3 people block EmailOrID (duplicateEmail 2)" in shown.out
    assert "docs/reasons.md#migrationblocked" in shown.out


def test_messages_without_sender_are_shown(run: Run, crm: Crm) -> None:
    crm("EmailOrID", "email,id\nada@example.com,1\n")
    with opened_outbox() as outbox:
        outbox.accept()

    document = json.loads(run("status", "-o", "json").out)

    [problem] = document["problems"]
    assert (problem["reason"], problem["places"]) == (ProblemReason.NO_WORKER, ["default/crm"])
    assert document["oldestDueTime"] is not None


def test_older_schema_is_the_only_problem(run: Run, crm: Crm) -> None:
    crm("IDOnly", SHARED)
    crm("EmailOrID", code=3)
    execute("UPDATE alembic_version SET version_num = '1001'")

    shown = run("status", "-o", "json")

    assert shown.code == 3
    assert [problem["reason"] for problem in json.loads(shown.out)["problems"]] == [ProblemReason.UPGRADE_DUE]


def test_nothing_is_written(run: Run, crm: Crm) -> None:
    crm()
    with closing(sqlite3.connect("store.db")) as connection:
        before = list(connection.iterdump())

    run("status")

    with closing(sqlite3.connect("store.db")) as connection:
        assert list(connection.iterdump()) == before


def test_wrong_path_is_an_error(run: Run) -> None:
    assert run("status", "--database", "sqlite:///typo.db").failure.startswith("error: there is no database typo.db")


@pytest.mark.parametrize(
    ("state", "age", "is_shown"), [("failed", 6, True), ("failed", 8, False), ("waiting", 1, False), ("sent", 1, False)]
)
def test_notice_given_up_within_a_week_is_shown(run: Run, crm: Crm, state: str, age: int, is_shown: bool) -> None:
    crm()
    mail_notices(run)
    write_notice(timedelta(days=age), state=state, failure="it was not sent within 24 h")

    problems = json.loads(run("status", "-o", "json").out)["problems"]

    places = [problem["places"] for problem in problems if problem["reason"] == ProblemReason.NOTICES_GIVEN_UP]
    assert places == [["default/crm: MigrationBlocked, it was not sent within 24 h"]] * is_shown


@pytest.mark.parametrize("due_in", [timedelta(minutes=-1), timedelta(minutes=1)])
def test_due_notice_without_sender_is_shown(run: Run, crm: Crm, due_in: timedelta) -> None:
    crm()
    mail_notices(run)
    write_notice(timedelta(), state="waiting", due_in=due_in)

    problems = json.loads(run("status", "-o", "json").out)["problems"]

    places = [problem["places"] for problem in problems if problem["reason"] == ProblemReason.NO_WORKER]
    assert places == [["Account default/default: notices to its admins"]] * (due_in < timedelta())


def mail_notices(run: Run) -> None:
    write_account(admins=["ada@shop.example"], notices={"transport": "bulk", "from": "Shop <shop@shop.example>"})
    run("apply", "-f", "account.yaml")


def write_notice(age: timedelta, *, state: str, failure: str | None = None, due_in: timedelta | None = None) -> None:
    """A notice about workspace 1."""
    with closing(upgraded("sqlite:///store.db")) as database:
        now = DatabaseClock(database)()
        row = {
            "workspace_id": 1,
            "kind": NoticeKind.MIGRATION_BLOCKED.value,
            "subject": "1",
            "created_at": now - age,
            "due_at": None if due_in is None else now + due_in,
            "state": state,
            "failure": failure,
            "details": {},
        }
        database.writing(lambda connection: connection.execute(sa.insert(notice), row))


def test_notice_of_an_account_that_mails_none_any_more_is_not_shown(run: Run, crm: Crm) -> None:
    crm()
    execute(
        "INSERT INTO notice (workspace_id, kind, subject, created_at, state, failure, details)"
        " VALUES (1, 'MigrationBlocked', '1', 9e15, 'failed', 'the account mails no notices any more', '{}')"
    )

    assert run("status").code == 0


@pytest.mark.parametrize("count", [1, 300])
def test_statements_do_not_grow_with_workspaces(crm: Crm, count: int) -> None:
    crm()
    with closing(upgraded("sqlite:///store.db")) as database:
        with database.reading() as connection:
            row = dict(connection.execute(sa.select(workspace)).mappings().one())
        rows = [
            row | {"workspace_id": 100 + n, "display_name": f"W{n}", "owner_name": f"w{n}", "transport": "bulk"}
            for n in range(count)
        ]
        database.writing(lambda connection: connection.execute(sa.insert(workspace), rows))
        now = observe_installation("sqlite:///store.db", None).now
        with recorded_statements(database) as sent:
            directory = read_directory(database, overdue_since=now, now=now)

    assert len(directory.queues) == count
    assert len(sent) == 7  # the beginning of the transaction is one
