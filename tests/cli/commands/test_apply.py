import json
import re
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Crm, Run, W, write
from workspace_operator.resources.workspaces import CONFIRM_DELETE, FINALIZER


def test_ready_workspace_ends_with_zero(run: Run) -> None:
    write("crm.yaml")

    done = run("apply", "-f", "crm.yaml")

    assert (done.code, done.err) == (0, "new workspaces: default/crm\n")
    assert done.out.splitlines()[0].split() == ["NAMESPACE", "NAME", "READY", "REASON", "IDENTIFIERS", "PEOPLE"]
    assert done.out.splitlines()[1].split() == ["default", "crm", "True", "InForce", "EmailOrID", "0"]


def test_folders_leave_other_objects_out(run: Run) -> None:
    Path("all").mkdir()
    write("all/1.yaml", "one", "One")
    write("all/2.yml", "two", "Two")
    Path("all/namespace.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n")

    done = run("apply", "-f", "all")

    assert done.code == 0
    assert [line.split()[1] for line in done.out.splitlines()[1:]] == ["one", "two"]
    assert done.err.splitlines() == [
        "ignored: v1 Namespace x (all/namespace.yaml, document 1, line 1)",
        "new workspaces: default/one, default/two",
    ]


def test_resources_print_as_json_and_yaml(run: Run) -> None:
    write("crm.yaml")
    text = Path("crm.yaml").read_text().replace("{name: crm}", '{name: crm, annotations: {note: "CRM \\u202e"}}')
    Path("crm.yaml").write_text(text)

    as_json = run("apply", "-f", "crm.yaml", "-o", "json")
    as_yaml = run("apply", "-f", "crm.yaml", "-o", "yaml")

    [one], [other] = json.loads(as_json.out), list(yaml.safe_load_all(as_yaml.out))
    assert one["metadata"]["annotations"]["note"] == other["metadata"]["annotations"]["note"] == "CRM \u202e"
    assert one["status"]["identifiers"] == other["status"]["identifiers"]
    assert "\u202e" not in as_json.out + as_yaml.out


def test_all_problems_are_reported_and_nothing_applied(run: Run) -> None:
    write("good.yaml", "good", "Good")
    write("bad.yaml", "bad", "Bad", "  color: blue\n  sendBehavior: {mode: Test}")
    Path("all").mkdir()
    for file in ("good.yaml", "bad.yaml"):
        Path(file).rename(f"all/{file}")

    done = run("apply", "-f", "all")

    assert (done.code, done.out) == (1, "")
    first, *problems = done.err.splitlines()
    assert first == "error: nothing was applied:"
    assert len(problems) == 2
    assert all("all/bad.yaml, document 1, line " in problem for problem in problems)
    assert any("spec.color" in problem for problem in problems)
    assert run("workspaces", "list").out.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "document 1, line "),
        ("just text", "must be an object with apiVersion and kind"),
        ("", "no Workspace found"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n", "no Workspace found"),
    ],
)
def test_files_that_are_no_manifests_are_reported(run: Run, text: str, words: str) -> None:
    Path("crm.yaml").write_text(text)

    done = run("apply", "-f", "crm.yaml")

    assert words in done.failure


def test_blocked_migration_ends_with_three(run: Run, crm: Crm) -> None:
    crm("IDOnly", "id,email\n1,a@x.com\n2,a@x.com\n")
    write("crm.yaml", more="  identifiers: {mode: EmailOrID}")

    done = run("apply", "-f", "crm.yaml")

    assert done.code == 3
    assert done.out.splitlines()[1].split() == ["default", "crm", "False", "MigrationBlocked", "IDOnly", "2"]
    assert "default/crm: " in done.out
    assert "duplicate" in done.out
    assert "Then run `workspacectl apply` again." in done.out


def test_dedupe_of_the_message_runs_as_it_stands(run: Run, crm: Crm) -> None:
    crm("IDOnly", "id,email\n1,a@x.com\n2,a@x.com\n")
    write("crm.yaml", more="  identifiers: {mode: EmailOrID}")
    [command] = re.findall(r"`workspacectl (people dedupe [^`]*)`", run("apply", "-f", "crm.yaml").out)

    counted, deleted = run(*command.split()), run(*command.replace("--dry-run", "--yes").split())

    assert (counted.code, deleted.code) == (0, 0)
    assert run("people", "show", *W, "2").code == 1
    assert run("apply", "-f", "crm.yaml").code == 0


def test_fixed_migration_cuts_over_at_once(run: Run, crm: Crm) -> None:
    crm("IDOnly", "id,email\n1,a@x.com\n2,a@x.com\n")
    write("crm.yaml", more="  identifiers: {mode: EmailOrID}")
    blocked = run("apply", "-f", "crm.yaml")
    run("people", "delete", *W, "2")

    done = run("apply", "-f", "crm.yaml")

    assert (blocked.code, done.code) == (3, 0)
    assert done.out.splitlines()[1].split() == ["default", "crm", "True", "InForce", "EmailOrID", "1"]


def test_same_display_name_conflicts(run: Run) -> None:
    Path("all").mkdir()
    write("all/1.yaml", "one", "Same")
    write("all/2.yaml", "two", "Same")

    done = run("apply", "-f", "all")

    assert done.code == 3
    assert [line.split()[2:4] for line in done.out.splitlines()[1:3]] == [
        ["True", "InForce"],
        ["False", "NameConflict"],
    ]


def test_what_only_a_server_may_say_counts_for_nothing(run: Run) -> None:
    write("crm.yaml", more="  deletionPolicy: Delete")
    run("apply", "-f", "crm.yaml")
    got = yaml.safe_load(Path("crm.yaml").read_text())
    got["metadata"]["annotations"] = {CONFIRM_DELETE: "CRM"}
    got["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FINALIZER]}
    got["status"] = {"observedGeneration": 1, "workspaceID": 7}
    Path("crm.yaml").write_text(yaml.safe_dump(got))

    again = run("apply", "-f", "crm.yaml")

    assert (again.code, again.err) == (0, "")
    assert again.out.splitlines()[1].split()[2:4] == ["True", "InForce"]


@pytest.mark.parametrize("namespace", ["", "null", "default"])
def test_unsaid_namespace_is_default(run: Run, namespace: str) -> None:
    write("a.yaml")
    first = Path("a.yaml").read_text()
    said = first.replace("{name: crm}", f"\n  name: crm\n  namespace: {namespace}")
    Path("a.yaml").write_text(f"{first}---\n{said}")

    refused = run("apply", "-f", "a.yaml")

    assert refused.code == 1
    assert "is already given" in refused.err


def test_same_resource_twice_is_refused(run: Run) -> None:
    Path("all").mkdir()
    write("all/1.yaml", "one", "One")
    write("all/2.yaml", "one", "Other")

    done = run("apply", "-f", "all")

    assert "is already given in all/1.yaml" in done.failure


def test_suspended_workspace_is_ready_while_in_force(run: Run) -> None:
    write("crm.yaml")
    run("apply", "-f", "crm.yaml")
    write("crm.yaml", more="  suspend: true")

    in_force = run("apply", "-f", "crm.yaml")
    write("crm.yaml", display="Other", more="  suspend: true")
    waiting = run("apply", "-f", "crm.yaml")

    assert in_force.code == 0
    assert waiting.code == 3
    assert waiting.out.splitlines()[1].split()[2:4] == ["False", "Suspended"]


def test_cluster_ids_keep_manifests_apart(run: Run) -> None:
    write("crm.yaml")
    run("apply", "-f", "crm.yaml", "--cluster-id", "blue")
    run("apply", "-f", "crm.yaml", "--cluster-id", "green")

    ambiguous = run("people", "export", *W)
    chosen = run("people", "export", *W, "--cluster-id", "blue")

    assert "--cluster-id" in ambiguous.error
    assert (ambiguous.code, chosen.code) == (1, 0)


def test_assigned_workspace_is_taken_over(run: Run) -> None:
    write("crm.yaml")
    run("apply", "-f", "crm.yaml")

    done = run("workspaces", "assign", "1", "--to", "sales/crm", "--cluster-id", "blue")

    assert (done.code, done.out) == (0, "workspace number 1 now belongs to sales/crm of cluster blue\n")
    row = run("workspaces", "list").out.splitlines()[1].split()
    assert row == ["1", "CRM", "EmailOrID", "blue", "sales", "crm", "default", "0", "unknown"]


@pytest.mark.parametrize("to", ["crm", "a/b/c", "/crm"])
def test_assigning_needs_a_whole_name(run: Run, to: str) -> None:
    assert run("workspaces", "assign", "1", "--to", to).code == 64
