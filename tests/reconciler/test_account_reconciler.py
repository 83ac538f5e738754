"""The reconcile of Accounts on fakes: newest document only, the first workspace, and what is left when one is gone."""

import pytest

from tests.controller.fixtures import NOW
from tests.fakes.database import InMemoryDatabase
from tests.fakes.people.people import FakePeople
from tests.fakes.workspaces.accounts import FakeAccounts
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from tests.reconciler.account_env import OLD, YOUNG, AccountEnv
from tests.workspaces import create_workspace
from workspace_operator.application.accounts.sweep import AccountSweep
from workspace_operator.application.operator.controller import resource_key
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.errors import ClusterForbidden, NotFound, StaleRevision, StoreUnavailable
from workspace_operator.identity.model.commands import identify_from_fields
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.reconcile.model.accounts import Account
from workspace_operator.resources.workspaces import RECREATE
from workspace_operator.workspaces.model import Owner
from workspace_operator.workspaces.usage import Month, month_of


@pytest.fixture
def env() -> AccountEnv:
    return AccountEnv()


def limit_of(account: Account | None) -> int | None:
    assert account is not None
    return account.settings.workspace_limit


def test_settings_come_into_the_store_once(env: AccountEnv) -> None:
    env.apply(plan={"workspaceLimit": 2}, admins=["ada@shop.example"])

    status = env.reconcile()
    env.reconcile()

    assert limit_of(env.stored()) == 2
    assert (env.reason(), status["storeID"], status["usage"]) == (
        "InForce",
        "store-1",
        {"workspaces": 0, "people": 0, "messagesSent": 0},
    )
    assert [what for what, *_ in env.resources.writes] == ["status"]
    assert env.changes == ["team-a"]
    assert [event.reason for *_, event in env.resources.events] == ["InForce"]


def test_late_document_does_not_replace_newer_settings(env: AccountEnv) -> None:
    late = env.apply(plan={"workspaceLimit": 2})
    env.apply(plan={"workspaceLimit": 5})

    env.reconcile(late)

    assert limit_of(env.stored()) == 5


def test_concurrent_change_of_the_account_is_observed_again(env: AccountEnv) -> None:
    env.apply()
    env.accounts.errors.append(StaleRevision("changed"))

    env.reconcile()

    assert env.reason() == "InForce"


def test_store_that_is_away_is_reported(env: AccountEnv) -> None:
    env.apply()
    env.accounts.errors.append(StoreUnavailable("no"))
    env.reconcile()
    assert env.reason() == "StoreUnavailable"

    env.accounts.away.append(True)
    env.reconcile()

    assert env.reason() == "StoreUnavailable"
    assert env.stored() is None


def test_other_database_gets_nothing_until_the_first_one_is_given_up(env: AccountEnv) -> None:
    env.apply(plan={"workspaceLimit": 2})
    env.reconcile()
    first, other = env.memory, InMemoryDatabase(store_id="store-2")
    env.use(other)

    status = env.reconcile()
    assert (env.reason(), status["storeID"], FakeAccounts(other).keys("cluster-1")) == ("StoreReplaced", "store-1", [])
    env.use(first)
    env.reconcile()
    assert env.reason() == "InForce"
    env.use(other)
    env.resources.documents["team-a", "acme"]["metadata"]["annotations"] = {RECREATE: "store-1"}
    status = env.reconcile()

    assert (env.reason(), status["storeID"], limit_of(env.stored())) == ("InForce", "store-2", 2)


def test_other_database_is_not_counted(env: AccountEnv) -> None:
    env.apply()
    env.reconcile()
    env.use(InMemoryDatabase(store_id="store-2"))
    env.reconcile()

    assert env.counters.reads == [0]


def test_first_workspace_is_created_once(env: AccountEnv) -> None:
    env.apply(firstWorkspace="Create")

    status = env.reconcile()
    env.first.accounts.clear()
    env.reconcile()

    assert [each["metadata"]["name"] for each in env.first.created] == ["acme"]
    assert [event.reason for _, _, event in env.resources.events] == ["FirstWorkspaceCreated", "InForce"]
    assert status["firstWorkspaceTime"] == "2026-05-01T12:00:00Z"


def test_workspace_that_came_first_ends_the_question(env: AccountEnv) -> None:
    env.apply(firstWorkspace="Create")
    env.first.before_create.append(lambda: env.first.accounts.update({("team-a", "acme"): "acme"}))

    status = env.reconcile()

    assert (env.first.tries, env.first.created, env.reason()) == (1, [], "InForce")
    assert [event.reason for _, _, event in env.resources.events] == ["InForce"]
    assert "firstWorkspaceTime" in status


def test_taken_name_of_first_workspace_is_told(env: AccountEnv) -> None:
    env.first.accounts["team-a", "acme"] = "default"
    env.apply(firstWorkspace="Create", plan={"workspaceLimit": 2})
    env.reconcile()

    env.apply(firstWorkspace="Create", plan={"workspaceLimit": 5})
    status = env.reconcile()

    message = status["conditions"][0]["message"]
    assert env.reason() == "FirstWorkspaceRefused"
    assert "there is a Workspace acme already, which does not name this account" in message
    assert "Create a Workspace of another name with accountName acme, or set spec.firstWorkspace to None" in message
    assert "manifests/rbac" not in message
    assert (limit_of(env.stored()), status["observedGeneration"], env.first.tries) == (5, 2, 2)
    assert "firstWorkspaceTime" not in status


@pytest.mark.parametrize(
    ("workspaces", "created"), [({}, 1), ({("team-a", "acme"): "default", ("team-a", "other"): "acme"}, 0)]
)
def test_taken_name_is_tried_again(env: AccountEnv, workspaces: dict[tuple[str, str], str], created: int) -> None:
    env.first.accounts["team-a", "acme"] = "default"
    env.controller.on_list(env.apply(firstWorkspace="Create"))
    env.drain()
    assert env.reason() == "FirstWorkspaceRefused"

    env.first.accounts = workspaces
    env.time += 60.0
    env.controller.poll()
    env.drain()

    assert (len(env.first.created), env.reason()) == (created, "InForce")
    assert "firstWorkspaceTime" in env.resources.get("team-a", "acme")["status"]


def test_missing_right_is_told_and_tried_again(env: AccountEnv) -> None:
    env.apply(firstWorkspace="Create")
    env.first.error = ClusterForbidden("the Kubernetes API answers 403 Forbidden")

    status = env.reconcile()

    message = status["conditions"][0]["message"]
    assert env.reason() == "FirstWorkspaceRefused"
    assert "403 Forbidden" in message
    assert "set spec.firstWorkspace to None" in message
    assert env.stored() is not None
    env.first.error = None
    env.reconcile()
    assert (len(env.first.created), env.reason()) == (1, "InForce")


def test_young_account_is_woken_for_its_first_workspace(env: AccountEnv) -> None:
    env.controller.on_list(env.apply(created=YOUNG, firstWorkspace="Create"))
    env.drain()
    assert env.first.created == []

    env.time += 61.0
    env.drain()

    assert len(env.first.created) == 1


def test_deleted_account_leaves_nothing_but_workspaces(env: AccountEnv) -> None:
    document = env.apply(plan={"workspaceLimit": 1})
    env.controller.on_list(document)
    env.drain()
    owner = Owner(cluster="cluster-1", namespace="team-a", name="shop", uid="uid-9")
    create_workspace(FakeWorkspaces(env.memory), owner, now=NOW, account="acme")
    env.resources.remove("team-a", "acme")

    env.controller.on_missing(resource_key(document))
    env.drain()

    assert env.stored() is None
    assert len(env.memory.directory.workspaces) == 1
    assert env.controller.keys() == frozenset()
    assert env.changes == ["team-a", "team-a"]


def test_recreated_account_stays_in_force(env: AccountEnv) -> None:
    document = env.apply(plan={"workspaceLimit": 1})
    env.controller.on_list(document)
    env.drain()
    env.resources.remove("team-a", "acme")
    env.apply(plan={"workspaceLimit": 7})

    env.controller.on_missing(resource_key(document))
    env.drain()

    assert limit_of(env.stored()) == 7


def test_account_that_was_deleted_unseen_is_swept(env: AccountEnv) -> None:
    env.apply()
    env.reconcile()
    env.resources.remove("team-a", "acme")
    sweep = AccountSweep(
        accounts=env.accounts,
        known=env.controller.keys,
        on_missing=env.controller.on_missing,
        cluster_id="cluster-1",
    )

    sweep.sweep()
    env.drain()

    assert env.stored() is None
    assert env.controller.keys() == frozenset()


def test_sweep_leaves_other_namespaces_and_known_accounts(env: AccountEnv) -> None:
    env.apply()
    env.reconcile()
    missing: list[tuple[str, str]] = []

    def sweep(known: frozenset[tuple[str, str]], *namespaces: str) -> list[tuple[str, str]]:
        missing.clear()
        AccountSweep(
            accounts=env.accounts,
            known=lambda: known,
            on_missing=missing.append,
            cluster_id="cluster-1",
            namespaces=namespaces,
        ).sweep()
        return list(missing)

    assert sweep(frozenset()) == [("team-a", "acme")]
    assert sweep(frozenset({("team-a", "acme")})) == []
    assert sweep(frozenset(), "team-b") == []


def test_sweep_survives_a_fault(env: AccountEnv, caplog: pytest.LogCaptureFixture) -> None:
    env.apply()
    env.reconcile()

    def fail(_: tuple[str, str]) -> None:
        raise ValueError("a fault")

    AccountSweep(accounts=env.accounts, known=env.controller.keys, on_missing=fail, cluster_id="cluster-1").sweep()

    assert "the sweep of accounts failed" in caplog.text


def test_read_of_a_missing_account_says_so(env: AccountEnv) -> None:
    with pytest.raises(NotFound):
        env.reconciler.read("team-a", "acme")


def test_requeued_account_is_polled(env: AccountEnv) -> None:
    env.controller.on_list(env.apply())
    env.drain()
    owner = Owner(cluster="cluster-1", namespace="team-a", name="shop", uid="uid-9")
    create_workspace(FakeWorkspaces(env.memory), owner, now=NOW, account="acme")

    env.controller.queue.request("team-b")
    env.controller.poll()
    env.drain()
    assert env.resources.get("team-a", "acme")["status"]["usage"]["workspaces"] == 0
    env.controller.queue.request("team-a")
    env.controller.poll()
    env.drain()

    assert env.resources.get("team-a", "acme")["status"]["usage"]["workspaces"] == 1


def test_request_during_a_reconcile_counts(env: AccountEnv) -> None:
    def create() -> None:
        if not env.memory.directory.workspaces:
            owner = Owner(cluster="cluster-1", namespace="team-a", name="shop", uid="uid-9")
            create_workspace(FakeWorkspaces(env.memory), owner, now=NOW, account="acme")
            env.controller.queue.request("team-a")

    env.counters.before_read.append(create)
    env.controller.on_list(env.apply())
    env.drain()
    env.controller.poll()
    env.drain()

    assert env.resources.get("team-a", "acme")["status"]["usage"]["workspaces"] == 1


def test_status_has_the_usage_of_all_workspaces(env: AccountEnv) -> None:
    for name, people, sent in (("shop", 2, 3), ("club", 1, 4)):
        owner = Owner(cluster="cluster-1", namespace="team-a", name=name, uid=name)
        number = create_workspace(FakeWorkspaces(env.memory), owner, now=NOW, account="acme").workspace_id
        commands = [identify_from_fields(reference_of_kind(str(each), IdentifierKind.ID), {}) for each in range(people)]
        execute_commands(FakePeople(env.memory), number, commands, now=int(NOW.timestamp()))
        env.memory.state(number).sending.sent.update({month_of(NOW): sent, Month("2020-01"): 100})
    env.apply()

    assert env.reconcile()["usage"] == {"workspaces": 2, "people": 3, "messagesSent": 7}


def test_usage_is_read_once_when_nothing_is_left_to_do(env: AccountEnv) -> None:
    stored: list[Account | None] = []
    env.counters.before_read.append(lambda: stored.append(env.stored()))
    env.apply(firstWorkspace="Create", plan={"workspaceLimit": 2})

    env.reconcile()

    assert [limit_of(account) for account in stored] == [2]
    assert len(env.first.created) == 1


def test_usage_that_cannot_be_read_is_reported(env: AccountEnv) -> None:
    def fail() -> None:
        raise StoreUnavailable("the database does not answer")

    env.counters.before_read.append(fail)
    env.apply(plan={"workspaceLimit": 2})

    env.reconcile()

    assert (env.reason(), limit_of(env.stored())) == ("StoreUnavailable", 2)


def test_deleted_account_is_not_counted(env: AccountEnv) -> None:
    env.apply()
    env.reconcile()
    env.resources.documents["team-a", "acme"]["metadata"]["deletionTimestamp"] = OLD

    env.reconcile()

    assert env.counters.reads == [0]


def test_first_workspace_that_becomes_due_meanwhile_waits_for_a_lookup(env: AccountEnv) -> None:
    env.first.accounts["team-a", "shop"] = "acme"
    env.counters.before_read.append(lambda: setattr(env, "time", env.time + 61.0))
    env.apply(created=YOUNG, firstWorkspace="Create")

    env.reconcile()

    assert env.first.created == []
