"""examples/gitops: the trees are valid, the workflows' commands run, and Flux waits for what there is."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.blocks import run_blocks
from tests.docs.pages import REPOSITORY, runnable_blocks
from tests.resources.deployment.test_manifests import rendered
from workspace_operator.application.manifests.validation import validate_manifests
from workspace_operator.resources.manifests import load_manifests

TREE = REPOSITORY / "examples" / "gitops"
ENVIRONMENTS = ("development", "staging", "production")
TEAMS = ("members", "news", "shop")
RECORDER = '#!/bin/sh\nprintf "%s\\n" "$@" > "$RECORDS/{name}"\n'
OF_FORGES = {
    "${{ github.event.pull_request.number }}": "7",
    "${{ github.token }}": "token",
    "${{ steps.plan.outputs.code }}": "2",
}


def objects(environment: str) -> list[Any]:
    return list(yaml.safe_load_all(rendered(TREE / "environments" / environment)))


def workspaces(environment: str) -> list[Any]:
    return [each for each in objects(environment) if each["kind"] == "Workspace"]


def flux(name: str) -> Any:
    return yaml.safe_load((TREE / "flux" / f"{name}.yaml").read_text())


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_environment_is_valid_and_has_every_team(environment: str) -> None:
    manifests = load_manifests(texts={environment: rendered(TREE / "environments" / environment).encode()})

    namespaces = {other.document["metadata"]["name"] for other in manifests.others}
    assert validate_manifests(manifests.ours) == []
    assert namespaces == {f"{team}-{environment}" for team in TEAMS}
    assert {each.document["metadata"]["namespace"] for each in manifests.ours} == namespaces


@pytest.mark.parametrize(
    ("environment", "behaviors"),
    [
        ("development", [{"mode": "Never"}] * 4),
        ("staging", [{"mode": "Test", "testAddress": "staging@nordlicht.example"}] * 4),
        ("production", [{"mode": "Normal"}] * 4),
    ],
)
def test_only_production_sends_to_people(environment: str, behaviors: list[Any]) -> None:
    assert [each["spec"]["sendBehavior"] for each in workspaces(environment)] == behaviors


def test_commands_of_the_page_run(tmp_path: Path) -> None:
    printed = run_blocks(runnable_blocks("examples/gitops/README.md"), tmp_path)

    assert printed.count("4 manifests are valid") == 2


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of a repository with the tree, where one Workspace is removed, and a database for each environment."""
    folder = tmp_path_factory.mktemp("forge")
    shutil.copytree(TREE, folder / "origin")
    git(folder, "init", "--quiet", "--initial-branch=main", "origin")
    git(folder / "origin", "add", ".")
    git(folder / "origin", "commit", "--quiet", "--message=first")
    git(folder, "clone", "--quiet", "origin", "clone")
    for environment in ENVIRONMENTS:
        (folder / f"{environment}.yaml").write_text(rendered(TREE / "environments" / environment))
        command = ["workspacectl", "apply", "-f", f"{environment}.yaml", "--cluster-id", environment]
        database = ["--database", f"sqlite:///{folder}/{environment}.db"]
        subprocess.run([*command, *database], cwd=folder, env=variables(folder), check=True, capture_output=True)
    removed = folder / "clone" / "teams" / "news" / "workspaces.yaml"
    removed.unlink()
    settings = removed.with_name("kustomization.yaml")
    settings.write_text(settings.read_text().replace("- workspaces.yaml\n", ""))
    for name in ("gh", "curl"):
        program = folder / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(RECORDER.format(name=name))
        program.chmod(0o755)
    return folder


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


def variables(folder: Path) -> dict[str, str]:
    path = (str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"])
    forges = {
        "PATH": os.pathsep.join(path),
        "RECORDS": str(folder),
        "GITHUB_BASE_REF": "main",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_API_V4_URL": "https://git.nordlicht.example/api/v4",
        "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "7",
        "COMMENT_TOKEN": "token",
    }
    databases = {f"DATABASE_{each}": f"sqlite:///{folder}/{each}.db" for each in ENVIRONMENTS}
    return os.environ | forges | databases | {f"CLUSTER_{each}": each for each in ENVIRONMENTS}


@pytest.fixture
def clone(forge: Path) -> Iterator[Path]:
    """The clone, whose worktree of the target is removed afterwards."""
    folder = forge / "clone"
    yield folder
    git(folder, "worktree", "remove", "--force", "../target")


def run_commands(folder: Path, commands: str, **more: str) -> None:
    done = run_shell(folder, "-e", "-c", commands, **more)
    assert done.returncode == 0, done.stdout + done.stderr


def run_shell(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = variables(folder.parent) | more
    return subprocess.run(["sh", *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def check_comment(text: str, *environments: str) -> None:
    assert text.count("### Plan: ") == len(environments)
    for environment in environments:
        assert f"## {environment}\n\n### Plan: 3 nothing to do, 1 would change, 0 would be blocked\n" in text
        assert f"| news-{environment}/newsletter | removed: people would be kept | Removed |" in text


def test_github_workflow_comments_the_plan(clone: Path) -> None:
    workflow = yaml.safe_load((TREE / ".github/workflows/workspaces.yaml").read_text())
    steps = [step for step in workflow["jobs"]["plan"]["steps"] if "name" in step]

    for step in steps:
        given = {name: OF_FORGES[text] for name, text in step.get("env", {}).items() if text in OF_FORGES}
        run_commands(clone, step["run"], **given)

    assert [step["name"] for step in steps] == ["Validate", "Plan", "Comment", "Result"]
    assert (clone.parent / "output").read_text() == "code=2\n"
    comment = (clone.parent / "gh").read_text().split()
    assert comment == ["pr", "comment", "7", "--body-file", "plan.md", "--edit-last", "--create-if-none"]
    check_comment((clone / "plan.md").read_text(), *ENVIRONMENTS)
    assert (clone.parent / "summary").read_text() == (clone / "plan.md").read_text()


def test_gitlab_job_comments_the_plan(clone: Path) -> None:
    job = yaml.safe_load((TREE / ".gitlab-ci.yml").read_text())["workspaces"]

    run_commands(clone, "\n".join(job["script"]), ENVIRONMENTS="staging")

    request = (clone.parent / "curl").read_text().splitlines()
    assert request[-1] == "https://git.nordlicht.example/api/v4/projects/3/merge_requests/7/notes"
    assert request[-3:-1] == ["--data-urlencode", "body@plan.md"]
    check_comment((clone / "plan.md").read_text(), "staging")


def test_comment_has_the_errors_and_the_other_environments(forge: Path) -> None:
    given = {
        "ENVIRONMENTS": "nameless folderless staging production",
        "DATABASE_folderless": "sqlite:///x.db",
        "CLUSTER_folderless": "x",
        "DATABASE_staging": "nowhere",
    }

    done = run_shell(forge / "clone", "ci/plan.sh", "../origin", **given)

    failed = "\n\n**There is no plan**: the exit code is 1.\n\n    "
    check_comment(done.stdout, "production")
    assert (
        f"## nameless{failed}error: set DATABASE_nameless and CLUSTER_nameless\n\n## folderless{failed}" in done.stdout
    )
    assert f"## staging{failed}" in done.stdout
    reason = "error: the database URL must be sqlite:///FILE.db or postgresql://"
    assert f"\n    {reason}" in done.stdout
    assert (done.returncode, reason in done.stderr) == (1, True)


def test_flux_applies_environments_of_the_tree() -> None:
    source, applied = flux("source"), [flux(name) for name in ("staging", "production")]

    names = [each["metadata"]["name"] for each in applied]
    assert all((TREE / each["spec"]["path"] / "kustomization.yaml").is_file() for each in applied)
    assert {each["spec"]["sourceRef"]["name"] for each in applied} == {source["metadata"]["name"]}
    assert [each["name"] for each in applied[1]["spec"]["dependsOn"]] == names[:1]


def test_flux_waits_for_workspaces_that_exist() -> None:
    staging, production = flux("staging")["spec"], flux("production")["spec"]
    existing = [identity_of(each) for each in workspaces("production")]

    checked = [{**check} for check in production["healthChecks"]]

    assert staging["wait"] is True
    assert "wait" not in production  # it would make Flux ignore healthChecks
    assert checked
    assert all(check in existing for check in checked)


def identity_of(document: Mapping[str, Any]) -> Mapping[str, str]:
    """An object as Flux's healthChecks name it."""
    metadata = document["metadata"]
    return {
        "apiVersion": document["apiVersion"],
        "kind": document["kind"],
        "name": metadata["name"],
        "namespace": metadata["namespace"],
    }
