"""``plan --previous`` says what becomes of the people whose manifest is gone."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, W, manifest

DELETE = "  deletionPolicy: Delete"
ACCOUNT = """\
apiVersion: workspace-operator.dev/v1alpha1
kind: Account
metadata: {name: crm}
spec: {displayName: CRM}
"""
CONFIRMED = "{name: crm, annotations: {workspace-operator.dev/confirm-delete: CRM}}"


@pytest.fixture
def trees(run: Run) -> None:
    """Before: default/crm, which is in force with two people; after: default/shop."""
    for folder, text in (("before", manifest()), ("after", manifest("shop", "Shop"))):
        Path(folder).mkdir()
        Path(f"{folder}/workspace.yaml").write_text(text)
    assert run("apply", "-f", "before").code == 0
    Path("people.csv").write_text("id,email\n1,a@x.com\n2,b@x.com\n")
    assert run("people", "import", "people.csv", *W).code == 0


def removed(run: Run, *words: str, code: int = 2) -> Mapping[str, Any]:
    """The one removal of a plan."""
    done = run("plan", "-f", "after", "--previous", "before", *words, "-o", "json")
    assert done.code == code, done.err
    [removal] = json.loads(done.out)["removed"]
    return dict(removal)


@pytest.mark.usefixtures("trees")
def test_people_are_kept_under_retain(run: Run) -> None:
    removal = removed(run)

    assert (removal["name"], removal["workspaceID"], removal["effect"]) == ("crm", 1, "kept")
    assert removal["message"] == (
        "deletionPolicy Retain: workspace 1 and its 2 people stay in the database, without a resource."
    )


@pytest.mark.usefixtures("trees")
def test_confirmed_deletion_destroys_people(run: Run) -> None:
    Path("before/workspace.yaml").write_text(manifest(more=DELETE).replace("{name: crm}", CONFIRMED))

    removal = removed(run)

    assert (removal["outcome"], removal["effect"]) == ("changes", "deleted")
    assert removal["message"] == "deletionPolicy Delete, confirmed: workspace 1 and its 2 people would be destroyed."


@pytest.mark.parametrize("annotations", ["{name: crm}", CONFIRMED.replace("CRM", "crm")])
@pytest.mark.usefixtures("trees")
def test_unconfirmed_deletion_stops(run: Run, annotations: str) -> None:
    Path("before/workspace.yaml").write_text(manifest(more=DELETE).replace("{name: crm}", annotations))

    removal = removed(run, code=3)

    assert (removal["outcome"], removal["effect"]) == ("blocked", "stopped")
    assert removal["message"].startswith("deletionPolicy Delete: the deletion would stop. Deleting this resource")


@pytest.mark.usefixtures("trees")
def test_resource_that_never_was_applied_is_nothing_to_do(run: Run) -> None:
    Path("before/workspace.yaml").write_text(manifest("new", "New"))

    removal = removed(run)

    assert (removal["workspaceID"], removal["people"], removal["effect"]) == (None, 0, "none")
    assert removal["message"] == "the database has no workspace of this resource."


@pytest.mark.usefixtures("trees")
def test_reassigned_workspace_is_not_touched(run: Run) -> None:
    assert run("workspaces", "assign", "1", "--to", "default/other").code == 0
    Path("before/workspace.yaml").write_text(manifest(more=DELETE).replace("{name: crm}", CONFIRMED))

    assert removed(run)["effect"] == "none"


@pytest.mark.usefixtures("trees")
def test_plan_prints_removals(run: Run) -> None:
    table = run("plan", "-f", "after", "--previous", "before")
    markdown = run("plan", "-f", "after", "--previous", "before", "-o", "markdown")

    assert "default/crm: removed: people would be kept\n  deletionPolicy Retain: workspace 1" in table.out
    assert table.out.splitlines()[-1] == "0 nothing to do, 2 would change, 0 would be blocked. Nothing was changed."
    assert "| default/crm | removed: people would be kept | Removed |" in markdown.out
    assert "#### default/crm\n\n```text\ndefault/crm: removed: people would be kept\n" in markdown.out
    assert "no manifest" not in table.out


@pytest.mark.usefixtures("trees")
def test_last_manifest_can_be_removed(run: Run) -> None:
    Path("after/workspace.yaml").unlink()

    assert removed(run)["effect"] == "kept"


@pytest.mark.usefixtures("trees")
def test_manifest_that_stays_is_not_removed(run: Run) -> None:
    done = run("plan", "-f", "before", "--previous", "before", "-o", "json")

    assert (done.code, json.loads(done.out)["removed"]) == (0, [])


@pytest.mark.usefixtures("trees")
def test_unreadable_previous_manifests_are_refused(run: Run) -> None:
    done = run("plan", "-f", "after", "--previous", "nowhere")

    assert done.failure == "error: nowhere: cannot be read: No such file or directory"


@pytest.mark.usefixtures("trees")
def test_account_of_the_same_name_is_no_manifest_of_the_workspace(run: Run) -> None:
    Path("after/account.yaml").write_text(ACCOUNT)
    Path("before/account.yaml").write_text(ACCOUNT)

    assert removed(run)["name"] == "crm"
