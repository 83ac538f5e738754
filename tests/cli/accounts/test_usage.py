"""``workspacectl usage``: by account and by workspace, as a table, JSON and CSV."""

import json
from datetime import UTC, datetime

import pytest

from tests.cli.conftest import Crm, Run, write
from tests.cli.gitops.test_account_manifests import write_account
from tests.cli.sending.outbox import opened_outbox
from workspace_operator.workspaces.usage import month_of


@pytest.fixture(autouse=True)
def two_accounts(run: Run, crm: Crm) -> None:
    """Account "default" with crm, two people and a message sent, and club; account "other" with shop."""
    crm("EmailOrID", "email,id\nada@example.com,1\nbob@example.com,2\n")
    write("club.yaml", "club", "Club")
    write("shop.yaml", "shop", "Shop", more="  accountName: other")
    assert run("apply", "-f", "club.yaml", "-f", "shop.yaml").code == 0
    with opened_outbox() as outbox:
        sent = outbox.accept()
        outbox.begin(sent)
        outbox.end(sent)


def this_month() -> str:
    return month_of(datetime.now(UTC))


def test_accounts_have_a_line_each(run: Run) -> None:
    head, *lines = run("usage").out.splitlines()

    assert head.split("  ")[0] == "CLUSTER"
    assert [line.split() for line in lines] == [
        ["local", "default", "default", this_month(), "2", "-", "2", "1"],
        ["local", "default", "other", this_month(), "1", "-", "0", "0"],
    ]


def test_csv_has_a_line_for_each_workspace(run: Run) -> None:
    done = run("usage", "--account", "default/default", "--per-workspace", "-o", "csv")

    assert done.out.splitlines() == [
        "cluster,namespace,account,month,workspace,workspace_id,people,messages_sent",
        f"local,default,default,{this_month()},crm,1,2,1",
        f"local,default,default,{this_month()},club,2,0,0",
    ]


def test_json_has_the_usage_and_the_limit(run: Run) -> None:
    write_account(plan={"workspaceLimit": 5})
    run("apply", "-f", "account.yaml")

    [default, _] = json.loads(run("usage", "-o", "json").out)

    assert default == {
        "cluster": "local",
        "namespace": "default",
        "account": "default",
        "month": this_month(),
        "workspaces": 2,
        "workspaceLimit": 5,
        "people": 2,
        "messagesSent": 1,
    }


def test_json_names_the_workspace_of_a_line(run: Run) -> None:
    [crm, *_] = json.loads(run("usage", "--per-workspace", "-o", "json").out)

    assert (crm["workspace"], crm["workspaceID"], crm["messagesSent"]) == ("crm", 1, 1)


@pytest.mark.parametrize(
    ("words", "counted"), [((), ",,,0"), (("--per-workspace",), "crm,1,,0")], ids=["by account", "by workspace"]
)
def test_other_month_has_messages_only(run: Run, words: tuple[str, ...], counted: str) -> None:
    line = run("usage", "--month", "2020-01", *words, "-o", "csv").out.splitlines()[1]

    assert line == f"local,default,default,2020-01,{counted}"


def test_other_cluster_has_no_line(run: Run) -> None:
    assert run("usage", "--cluster-id", "elsewhere").out.splitlines()[1:] == []


def test_unknown_account_is_an_error(run: Run) -> None:
    failure = run("usage", "--account", "default/missing").failure

    assert failure.startswith("error: sqlite:///")
    assert failure.endswith(" has neither a workspace nor an Account resource of the account default/missing")


def test_wrong_month_is_wrong_usage(run: Run) -> None:
    done = run("usage", "--month", "11/2026")

    assert (done.code, done.out) == (64, "")
    assert "Invalid value for --month: '11/2026' must be a year and a month, such as 2026-11" in done.err


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ((), ["local", "default", "club", "{month}", "0", "3", "0", "0"]),
        (("-o", "csv"), ["local,default,club,{month},0,3,0,0"]),
    ],
)
def test_account_without_workspaces_is_shown_with_its_limit(
    run: Run, words: tuple[str, ...], printed: list[str]
) -> None:
    write_account(name="club", plan={"workspaceLimit": 3})
    run("apply", "-f", "account.yaml")

    done = run("usage", "--account", "default/club", *words)

    assert done.out.splitlines()[-1].split()[-len(printed) :] == [word.format(month=this_month()) for word in printed]
