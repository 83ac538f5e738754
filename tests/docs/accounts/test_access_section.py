"""Access and usage in docs/operating.md: the commands run, and the Roles name what they are said to."""

import re
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Run
from tests.docs.pages import rows, text_of
from workspace_operator import bootstrap
from workspace_operator.access.model import Member, Role
from workspace_operator.reconcile.model.accounts import AccountKey, AccountSettings, SetAccount

PAGE = "docs/operating.md"
MANIFEST = """
apiVersion: workspace-operator.dev/v1alpha1
kind: Workspace
metadata: {name: crm, namespace: marketing}
spec: {displayName: CRM}
"""


def section(title: str) -> str:
    return text_of(PAGE).split(f"\n## {title}\n")[1].split("\n## ")[0]


def commands(title: str) -> list[list[str]]:
    """The commands of a section, without the program."""
    [block] = re.findall(r"```sh\n(.*?)```", section(title), re.DOTALL)
    return [line.split()[1:] for line in block.splitlines()]


@pytest.fixture
def marketing(run: Run, tmp_path: Path) -> None:
    """marketing/crm, whose account has Ana as a member."""
    Path("crm.yaml").write_text(MANIFEST)
    assert run("apply", "-f", "crm.yaml").code == 0
    ana = Member(email="ana@nordlicht.example", workspaces=frozenset({"crm"}), role=Role.AUTHOR)
    settings = AccountSettings(display_name="Marketing", members=(ana,))
    key = AccountKey(cluster="local", namespace="marketing", name="default")
    with bootstrap.open_store(f"sqlite:///{tmp_path}/store.db") as store:
        store.accounts.apply(SetAccount(key=key, row_version=0, uid="u1", settings=settings))


@pytest.mark.usefixtures("marketing")
def test_commands_about_access_run(run: Run) -> None:
    listed, explained = (run(*command) for command in commands("Access of people"))

    assert (listed.code, explained.code) == (0, 0)
    assert listed.err == "ana@nordlicht.example reaches 1 of 1 workspaces\n"
    assert ["ROLE", "Author"] in [line.split() for line in explained.out.splitlines()]


@pytest.mark.usefixtures("marketing")
def test_commands_about_usage_run(run: Run) -> None:
    by_account, by_workspace = (run(*command) for command in commands("Usage"))

    assert by_account.out.splitlines()[1].split()[:3] == ["local", "marketing", "default"]
    assert by_workspace.out.splitlines()[1] == "local,marketing,default,2026-11,crm,1,0,0"


def test_role_names_one_workspace() -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", section("Access of people"), re.DOTALL)
    role, binding = yaml.safe_load_all(text)

    assert [(rule["resources"], rule["resourceNames"]) for rule in role["rules"]] == [
        (["workspaces"], ["crm"]),
        (["secrets"], ["crm-credentials"]),
    ]
    # resourceNames never match a list or a create.
    assert {"list", "create"}.isdisjoint(verb for rule in role["rules"] for verb in rule["verbs"])
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


def test_table_of_roles_has_every_role() -> None:
    people = [row[0] for row in rows(PAGE, "person")]

    assert people == ["Viewer, Author", "Manager", "admin of the account"]
    assert {*", ".join(people[:2]).split(", ")} == set(Role)
