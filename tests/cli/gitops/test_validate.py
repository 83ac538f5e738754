"""``validate`` finds what an apply would refuse, without a database and without a cluster."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Run, manifest, write
from tests.docs.pages import REPOSITORY
from tests.resources.cases.bad_resources import BAD
from tests.resources.cases.good_resources import GOOD
from tests.resources.cases.manifest_texts import Bad
from workspace_operator.resources.kinds import KINDS
from workspace_operator.settings import DATABASE_VARIABLE


def test_valid_manifests_are_counted(run: Run) -> None:
    write("crm.yaml")
    write("shop.yaml", "shop", "Shop")

    done = run("validate", "-f", ".")

    assert (done.code, done.out, done.err) == (0, "2 manifests are valid\n", "")


def test_no_database_is_opened(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, "postgresql://nobody@127.0.0.1:1/none")
    write("crm.yaml")

    done = run("validate", "-f", "crm.yaml")

    assert (done.code, done.out) == (0, "1 manifest is valid\n")
    assert sorted(path.name for path in Path().iterdir()) == ["crm.yaml"]


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_good_manifest_is_valid(run: Run, text: str) -> None:
    Path("good.yaml").write_text(text, encoding="utf-8")

    assert run("validate", "-f", "good.yaml").code == 0


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.title)
def test_texts_are_those_of_a_plan(run: Run, bad: Bad) -> None:
    Path("bad.yaml").write_text(bad.text, encoding="utf-8")

    done, planned = run("validate", "-f", "bad.yaml"), run("plan", "-f", "bad.yaml")

    assert (done.code, planned.code) == (1, 1)
    assert done.out.splitlines() == planned.err.splitlines()[1:]


def test_display_name_of_two_workspaces_is_found(run: Run) -> None:
    write("crm.yaml")
    write("other.yaml", "other", "CRM", "  color: '000000'")

    done = run("validate", "-f", ".")

    assert done.code == 1
    assert done.out == (
        "workspace-operator.dev/v1alpha1 Workspace other: other.yaml, document 1, line 5: spec.displayName: The "
        'display name "CRM" is taken by default/crm (crm.yaml, document 1, line 5). Choose another '
        "spec.displayName, or rename that workspace.\n"
    )
    assert done.error == "error: 1 problem: an apply would refuse all manifests"


@pytest.mark.parametrize(
    ("display", "more", "code"),
    [
        pytest.param("Cafe\u0301", "", 1, id="another Unicode form"),
        pytest.param("Caf\u00e9", "  accountName: default", 1, id="the default account, by its name"),
        pytest.param("Caf\u00e9", "  accountName: other", 0, id="another account"),
        pytest.param("caf\u00e9", "", 0, id="another case"),
    ],
)
def test_display_name_is_unique_in_its_account(run: Run, display: str, more: str, code: int) -> None:
    write("a.yaml", "a", "Caf\u00e9")
    write("b.yaml", "b", display, more)

    assert run("validate", "-f", ".").code == code


def test_namespaces_have_names_of_their_own(run: Run) -> None:
    write("crm.yaml")
    Path("other.yaml").write_text(manifest().replace("{name: crm}", "{name: crm, namespace: other}"))

    assert run("validate", "-f", ".").code == 0


def test_second_manifest_of_a_resource_is_found(run: Run) -> None:
    write("crm.yaml")
    write("same.yaml")

    done = run("validate", "-f", ".")

    assert done.code == 1
    assert "metadata.name: workspace-operator.dev/v1alpha1 Workspace crm is already given in crm.yaml" in done.out


@pytest.mark.parametrize("more", ["  color: red", "  sendBehavior: {mode: Test}"], ids=["schema", "rule"])
def test_names_of_an_invalid_manifest_are_checked_as_well(run: Run, more: str) -> None:
    write("a.yaml", "a", "A")
    write("b.yaml", "a", "A", more)
    write("c.yaml", "c", "A", more)

    problems = json.loads(run("validate", "-f", ".", "-o", "json").out)["problems"]

    own = {"spec.color", "spec.sendBehavior.testAddress", "spec.sendBehavior"}
    found = [(each["file"], each["path"] in own, each["path"]) for each in problems]
    assert [(file, "own" if is_own else path) for file, is_own, path in found] == [
        ("b.yaml", "own"),
        ("b.yaml", "metadata.name"),
        ("c.yaml", "own"),
        ("c.yaml", "spec.displayName"),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (r"\{name: .\}", "[crm]"),
        (r"\{name: .\}", "{}"),
        ("(?s)spec:.*", "spec: CRM\n"),
        ("displayName: CRM", "displayName: [CRM]"),
        ("displayName: CRM", "displayName: CRM\n  accountName: [default]"),
    ],
)
def test_names_that_cannot_be_read_are_not_compared(run: Run, before: str, after: str) -> None:
    for name in ("a", "b"):
        Path(f"{name}.yaml").write_text(re.sub(before, after, manifest(name)))

    problems = json.loads(run("validate", "-f", ".", "-o", "json").out)["problems"]

    assert {each["file"] for each in problems} == {"a.yaml", "b.yaml"}
    assert not [each for each in problems if "taken by" in each["message"] or "already given" in each["message"]]


def test_all_problems_of_all_files_are_listed(run: Run) -> None:
    write("a.yaml", "a", "A", "  color: red")
    write("b.yaml", "b", "B", "  mode: IDOnly")
    Path("c.yaml").write_text("a: 1\na: 2\n")

    done = run("validate", "-f", ".", "-o", "json")

    problems = json.loads(done.out)["problems"]
    assert [(each["file"], each["document"], each["line"], each["path"]) for each in problems] == [
        ("c.yaml", None, 2, None),
        ("a.yaml", 1, 6, "spec.color"),
        ("b.yaml", 1, 6, "spec.mode"),
    ]
    assert done.error == "error: 3 problems: an apply would refuse all manifests"


def test_file_that_does_not_exist_is_a_problem(run: Run) -> None:
    done = run("validate", "-f", "absent.yaml", "-o", "json")

    [problem] = json.loads(done.out)["problems"]
    assert (done.code, problem["line"]) == (1, None)
    assert problem["message"] == "cannot be read: No such file or directory"


def test_annotations_name_file_and_line(run: Run) -> None:
    write("a.yaml", "a", "A", "  color: red")
    Path("c,d.yaml").write_text("100%: 1\n")

    done = run("validate", "-f", ".", "-o", "github")

    assert done.code == 1
    first, second = done.out.splitlines()
    assert first == (
        "::error file=c%2Cd.yaml,line=1,title=not readable::document 1, line 1: must be an object with apiVersion "
        "and kind"
    )
    assert second.startswith(
        "::error file=a.yaml,line=6,title=workspace-operator.dev/v1alpha1 Workspace a::spec.color: must be six"
    )


def test_annotations_cannot_be_forged(run: Run) -> None:
    document = {"apiVersion": "workspace-operator.dev/v1alpha1", "kind": "Workspace"}
    name = "x\n::error file=other.yaml::forged, 100%"
    Path("a.yaml").write_text(yaml.safe_dump(document | {"metadata": {"name": name}, "spec": {"displayName": "A"}}))

    done = run("validate", "-f", "a.yaml", "-o", "github")

    lines = done.out.splitlines()
    assert lines
    assert all(line.startswith("::error file=a.yaml,line=") for line in lines)
    assert "Workspace x%0A%3A%3Aerror file=other.yaml%3A%3Aforged%2C 100%25::" in lines[0]


def test_valid_manifests_have_no_annotations(run: Run) -> None:
    write("crm.yaml")

    done = run("validate", "-f", "crm.yaml", "-o", "github")

    assert (done.code, done.out) == (0, "")


def test_manifests_must_be_given(run: Run) -> None:
    assert run("validate").code == 64


def test_every_kind_of_the_cluster_is_known() -> None:
    definitions = [
        yaml.safe_load(file.read_text()) for file in (REPOSITORY / "crds").glob("*.workspace-operator.dev.yaml")
    ]

    assert {each["spec"]["names"]["kind"] for each in definitions} == set(KINDS)


def test_unknown_kind_is_refused(run: Run) -> None:
    Path("a.yaml").write_text(manifest().replace("kind: Workspace", "kind: Workspaces"))

    done = run("validate", "-f", "a.yaml")

    assert done.code == 1
    assert re.search(f"line 2: kind: must be {' or '.join(KINDS)}, not 'Workspaces'", done.out)


def test_accounts_are_validated_like_workspaces(run: Run) -> None:
    write("crm.yaml")
    account = manifest().replace("kind: Workspace", "kind: Account")
    Path("account.yaml").write_text(account)
    Path("bad.yaml").write_text(account.replace("{name: crm}", "{name: bad}").replace("displayName", "name"))

    good, bad = run("validate", "-f", "crm.yaml", "-f", "account.yaml"), run("validate", "-f", "bad.yaml")

    assert (good.code, good.out) == (0, "2 manifests are valid\n")
    assert (bad.code, "line 5: spec.name: " in bad.out) == (1, True)
