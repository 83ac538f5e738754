"""``workspacectl accounts``: what is in force, and the removal of Accounts whose cluster is lost."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.cli.conftest import Crm, Run
from tests.cli.gitops.test_account_manifests import write_account
from tests.store.backends import upgraded
from workspace_operator.application.ports import SignInPin
from workspace_operator.bootstrap import open_store
from workspace_operator.store.engine.clocks import DatabaseClock
from workspace_operator.store.schema.tables import cluster_heartbeat

OLD = ("--cluster-id", "old")


@pytest.fixture
def old_cluster(run: Run, crm: Crm) -> None:
    """Account default/default of the cluster old and of no cluster (with crm), and old's default/second."""
    crm()
    members = [{"email": "cy@shop.example"}]
    write_account(plan={"workspaceLimit": 3}, admins=["ada@shop.example"], members=members, firstWorkspace="None")
    write_account("second.yaml", "second", notices={"transport": "bulk", "from": "Shop <shop@shop.example>"})
    assert run("apply", "-f", "account.yaml").code == 0
    assert run("apply", "-f", "account.yaml", "-f", "second.yaml", *OLD).code == 0


@pytest.fixture
def beat(old_cluster: None) -> Callable[[float], None]:  # noqa: ARG001 - it makes the database
    """Writes the heartbeat of the old cluster, which is some seconds old."""

    def write_heartbeat(seconds: float) -> None:
        with closing(upgraded("sqlite:///store.db")) as database:
            beat_at = DatabaseClock(database)() - timedelta(seconds=seconds)
            row = {"cluster": "old", "beats": 1, "beat_at": beat_at}
            database.writing(lambda connection: connection.execute(sa.insert(cluster_heartbeat), row))

    return write_heartbeat


@pytest.mark.usefixtures("old_cluster")
def test_list_has_what_is_in_force(run: Run) -> None:
    lines = [line.split() for line in run("accounts", "list").out.splitlines()]

    assert lines[1:] == [
        ["local", "default", "default", "1", "3", "1", "1", "-", "none"],
        ["old", "default", "default", "0", "3", "1", "1", "-", "none"],
        ["old", "default", "second", "0", "-", "0", "0", "bulk", "none"],
    ]


@pytest.mark.usefixtures("old_cluster")
def test_json_has_the_accounts_of_a_cluster(run: Run) -> None:
    [account] = json.loads(run("accounts", "list", "--cluster-id", "local", "-o", "json").out)

    assert (account["cluster"], account["name"], account["limit"], account["notices"]) == ("local", "default", 3, None)


@pytest.mark.usefixtures("old_cluster")
def test_all_accounts_of_a_cluster_are_removed(run: Run) -> None:
    done = run("accounts", "remove", "--all", *OLD)

    assert done.code == 0
    assert done.out.splitlines() == [
        "Account default/default of cluster old was removed; its 0 workspaces stay",
        "Account default/second of cluster old was removed; its 0 workspaces stay",
    ]
    assert [line.split()[0] for line in run("accounts", "list").out.splitlines()[1:]] == ["local"]
    assert run("accounts", "remove", "--all", *OLD).out == "cluster old has no Accounts\n"


@pytest.mark.usefixtures("old_cluster")
def test_removal_keeps_the_workspaces(run: Run) -> None:
    done = run("accounts", "remove", "default/default", "--cluster-id", "local")

    assert done.out == "Account default/default of cluster local was removed; its workspace stays\n"
    assert run("workspaces", "list").out.count("default") == 2
    assert run("access", "explain", "ada@shop.example").err == "ada@shop.example reaches 0 of 1 workspaces\n"


@pytest.mark.usefixtures("old_cluster")
def test_unknown_account_is_an_error(run: Run) -> None:
    failure = run("accounts", "remove", "default/third", *OLD).failure

    assert failure == "error: cluster old has no Account default/third; workspacectl accounts list lists all"


@pytest.mark.parametrize("words", [(), ("default/second", "--all")])
def test_one_account_or_all_are_named(run: Run, words: tuple[str, ...]) -> None:
    assert run("accounts", "remove", *words, *OLD).code == 64


@pytest.mark.parametrize(
    ("age", "operator", "words", "code"),
    [
        (5, "alive", (), 1),
        (5, "alive", ("--force",), 0),
        (300, "silent", (), 0),
    ],
)
def test_accounts_of_a_cluster_that_is_alive_stay(
    run: Run, beat: Callable[[float], None], age: float, operator: str, words: tuple[str, ...], code: int
) -> None:
    beat(age)
    listed = run("accounts", "list", *OLD)

    done = run("accounts", "remove", "default/second", *OLD, *words)

    assert [line.split()[-1] for line in listed.out.splitlines()[1:]] == [operator, operator]
    assert done.code == code
    assert ("cluster old is alive" in done.err) == bool(code)


@pytest.fixture
def pinned(old_cluster: None) -> None:  # noqa: ARG001 - it makes the database
    """Both people of default/default have signed in to the console, and somebody whom no Account names."""
    with open_store("sqlite:///store.db") as store:
        for address in ("ada@shop.example", "cy@shop.example", "gone@shop.example"):
            now = store.clock()
            pin = SignInPin(email_key=address, issuer="https://id", subject="1", pinned_at=now, signed_in_at=now)
            assert store.sign_in_pins.confirm(pin)


def pins() -> list[str]:
    """The addresses that have signed in."""
    with open_store("sqlite:///store.db") as store:
        found = store.sign_in_pins.pins_of(["ada@shop.example", "cy@shop.example", "gone@shop.example"])
    return [pin.email_key for pin in found]


@pytest.mark.usefixtures("pinned")
@pytest.mark.parametrize(
    ("arguments", "told", "left"),
    [
        (["Ada@Shop.example"], "1 sign-in was reset\n", ["cy@shop.example", "gone@shop.example"]),
        (["gone@shop.example"], "1 sign-in was reset\n", ["ada@shop.example", "cy@shop.example"]),
        (["--all"], "2 sign-ins were reset\n", ["gone@shop.example"]),
    ],
)
def test_sign_ins_are_reset_and_recorded(run: Run, arguments: list[str], told: str, left: list[str]) -> None:
    result = run("accounts", "reset-sign-in", *arguments)

    assert (result.code, result.out) == (0, told)
    assert pins() == left
    log = json.loads(run("audit", "list", "-o", "json").out)
    assert {(entry["action"], entry["via"]) for entry in log} >= {("sign_in_reset", "CLI")}


@pytest.mark.usefixtures("pinned")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nobody@shop.example"], 1, "nobody has signed in with nobody@shop.example since the last reset"),
        (["ada"], 1, "'ada' is not an e-mail address"),
        ([], 64, "give either the address or --all"),
        (["ada@shop.example", "--all"], 64, "give either the address or --all"),
    ],
)
def test_reset_of_nobody_is_refused(run: Run, arguments: list[str], code: int, words: str) -> None:
    result = run("accounts", "reset-sign-in", *arguments)

    assert result.code == code
    assert words in " ".join(result.err.replace("│", " ").split())
    assert len(pins()) == 3
