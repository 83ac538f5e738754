"""``workspacectl access explain``: what an address reaches, and why."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run, manifest, write
from tests.cli.gitops.test_account_manifests import write_account
from workspace_operator import bootstrap
from workspace_operator.access.model import Member, Role
from workspace_operator.reconcile.model.accounts import AccountKey, AccountSettings, SetAccount


@pytest.fixture(autouse=True)
def acme(run: Run, tmp_path: Path) -> None:
    """Account "acme" with crm and club, an admin and a member of crm; account "other" with shop and no Account."""
    Path("acme.yaml").write_text(
        f"{manifest(more='  accountName: acme')}---\n{manifest('club', 'Club', more='  accountName: acme')}"
    )
    write("shop.yaml", "shop", "Shop", more="  accountName: other")
    assert run("apply", "-f", "acme.yaml", "-f", "shop.yaml").code == 0
    ben = Member(email="ben@example.com", workspaces=frozenset({"crm"}), role=Role.VIEWER)
    settings = AccountSettings(display_name="ACME", admins=("ana@example.com",), members=(ben,))
    key = AccountKey(cluster="local", namespace="default", name="acme")
    with bootstrap.open_store(f"sqlite:///{tmp_path}/store.db") as store:
        store.accounts.apply(SetAccount(key=key, row_version=0, uid="u1", settings=settings))


def test_admin_reaches_every_workspace_of_the_account(run: Run) -> None:
    done = run("access", "explain", "ANA@Example.com")

    assert [line.split()[:6] for line in done.out.splitlines()[1:]] == [
        ["local", "default", "crm", "acme", "admin", "4"],
        ["local", "default", "club", "acme", "admin", "4"],
    ]
    assert done.err == "ANA@Example.com reaches 2 of 3 workspaces\n"


def test_member_reaches_the_listed_workspaces(run: Run) -> None:
    [line] = run("access", "explain", "ben@example.com").out.splitlines()[1:]

    assert line.split()[2:6] == ["crm", "acme", "Viewer", "5"]


def test_names_that_a_member_does_not_reach_are_told(run: Run) -> None:
    write_account(name="acme", members=[{"email": "ben@example.com", "workspaces": ["nosuch", "shop", "crm"]}])
    assert run("apply", "-f", "account.yaml").code == 0

    done = run("access", "explain", "BEN@example.com")

    assert done.err.splitlines() == [
        "BEN@example.com reaches 1 of 3 workspaces",
        "member of default/acme: the workspace nosuch does not exist",
        "member of default/acme: the workspace shop is of the account other",
    ]
    assert "member of" not in run("access", "explain", "BEN@example.com", "--cluster-id", "c2").err
    assert "member of" not in run("access", "explain", "BEN@example.com", "-w", "default/crm").err
    assert "member of" not in run("access", "explain", "ana@example.com").err


def test_workspace_that_is_not_reached_is_explained(run: Run) -> None:
    done = run("access", "explain", "ben@example.com", "-w", "default/club")

    assert done.code == 0
    fields = dict(line.split(maxsplit=1) for line in done.out.splitlines()[1:])
    assert fields["ROLE"] == "-"
    assert fields["LINE"] == "6"
    assert fields["REASON"] == "a member of the account, but this workspace is not listed for the member"
    assert fields["MAY"] == "-"


def test_workspace_without_an_account_is_explained(run: Run) -> None:
    [found] = json.loads(run("access", "explain", "ana@example.com", "-w", "default/shop", "-o", "json").out)

    assert found == {
        "cluster": "local",
        "namespace": "default",
        "name": "shop",
        "account": "other",
        "role": None,
        "line": 2,
        "reason": 'the namespace has no Account "other", which would name admins and members',
        "permissions": [],
    }


def test_role_of_a_reached_workspace_is_spelled_out(run: Run) -> None:
    shown = run("access", "explain", "ben@example.com", "-w", "default/crm").out.splitlines()

    assert [line.split(maxsplit=1)[1] for line in shown if line.startswith("MAY")] == [
        "see the workspace, its migrations, usage, settings, people, deliveries and history"
    ]


def test_other_cluster_has_no_workspaces(run: Run) -> None:
    assert run("access", "explain", "ana@example.com", "--cluster-id", "c2").err == (
        "ana@example.com reaches 0 of 0 workspaces\n"
    )


def test_text_that_is_no_address_is_an_error(run: Run) -> None:
    assert run("access", "explain", "ana").failure == ("error: EMAIL 'ana' is not a valid e-mail address: correct it")
