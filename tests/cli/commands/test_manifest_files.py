"""How ``apply`` and ``plan`` are given their manifests, and what ``plan`` says of those that are gone."""

import io
import json
import os
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run, write

COMMANDS = pytest.mark.parametrize("command", ["apply", "plan"])
KUSTOMIZE = """\
#!/bin/sh
test "$1" = build || exit 9
test -d "$2" || { echo "no folder $2" >&2; exit 1; }
cat "$2"/crm.yaml
"""


@pytest.fixture
def folders(run: Run) -> None:  # noqa: ARG001 - it goes to the test's folder first
    """Manifests in three folders, one in another."""
    for number, folder in enumerate(("one", "two", "two/deep")):
        Path(folder).mkdir()
        write(f"{folder}/crm.yaml", f"crm-{number}", f"CRM {number}")


@pytest.fixture
def kustomize(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A program of that name, the first on the PATH."""
    program = tmp_path / "bin" / "kustomize"
    program.parent.mkdir()
    program.write_text(KUSTOMIZE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program


def typed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def planned(run: Run, *words: str) -> list[str]:
    """The names of the resources that are planned."""
    done = run("plan", *words, "-o", "json")
    assert done.code == 2, done.err
    return [each["name"] for each in json.loads(done.out)["resources"]]


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("-f", "one", "-f", "two"), ["crm-0", "crm-1"]),
        (("-f", "two/crm.yaml", "--filename", "one/crm.yaml"), ["crm-1", "crm-0"]),
        (("-R", "-f", "two", "-f", "one"), ["crm-1", "crm-2", "crm-0"]),
        (("--recursive", "-f", "."), ["crm-0", "crm-1", "crm-2"]),
        (("-f", "one/crm.yaml", "-f", "one", "-f", "./one/../one/crm.yaml"), ["crm-0"]),
    ],
)
def test_several_files_and_folders_are_read(run: Run, words: tuple[str, ...], names: list[str]) -> None:
    assert planned(run, *words) == names


@pytest.mark.usefixtures("folders")
def test_apply_takes_every_file(run: Run) -> None:
    done = run("apply", "-f", "one/crm.yaml", "-f", "two/crm.yaml")

    assert [line.split()[1] for line in done.out.splitlines()[1:]] == ["crm-0", "crm-1"]


@COMMANDS
@pytest.mark.usefixtures("folders")
def test_standard_input_is_read(run: Run, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    typed(monkeypatch, Path("one/crm.yaml").read_bytes())

    done = run(command, "-f", "-", "-f", "two", "-o", "json")

    assert ("crm-0" in done.out, "crm-1" in done.out) == (True, True)


@COMMANDS
def test_place_in_standard_input_is_reported(run: Run, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    typed(monkeypatch, b"a: 1\na: 2\n")

    done = run(command, "-f", "-")

    assert (done.code, done.error) == (
        1,
        "error: standard input: document 1, line 2: a: is given twice: remove one of the two",
    )


@COMMANDS
def test_endless_standard_input_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    typed(monkeypatch, b"# \n" * 2**20)

    assert "standard input: is larger than 1048576 bytes" in run(command, "-f", "-").error


@COMMANDS
@pytest.mark.usefixtures("folders", "kustomize")
def test_kustomization_is_built(run: Run, command: str) -> None:
    done = run(command, "-k", "two", "-o", "json")

    assert "crm-1" in done.out


@COMMANDS
@pytest.mark.usefixtures("kustomize")
def test_kustomization_that_cannot_be_built_is_reported(run: Run, command: str) -> None:
    done = run(command, "-k", "nowhere")

    assert done.failure.startswith("error: nowhere cannot be built by `")
    assert done.error.endswith("no folder nowhere")


@COMMANDS
def test_kustomization_needs_a_program(run: Run, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("PATH", "")

    assert "-k needs kustomize or kubectl on the PATH" in run(command, "-k", "here").error


@COMMANDS
def test_some_manifest_must_be_named(run: Run, command: str) -> None:
    done = run(command)

    assert done.code == 64
    assert "-f FILE or -k FOLDER" in done.err


@COMMANDS
def test_endless_problems_are_counted(run: Run, command: str) -> None:
    write("crm.yaml", more="\n".join(f"  f{number}: 1" for number in range(1000)))

    done = run(command, "-f", "crm.yaml")

    assert done.code == 1
    assert len(done.err.splitlines()) == 52
    assert done.err.splitlines()[-1] == "and 950 more problems"


@COMMANDS
@pytest.mark.parametrize("digits", [5_000, 500_000])
def test_endless_number_is_text(run: Run, command: str, digits: int) -> None:
    write("crm.yaml", display="9" * digits)

    done = run(command, "-f", "crm.yaml")

    assert done.code == 1
    assert f"must be at most 100 characters, not {digits}" in done.err


@pytest.mark.usefixtures("folders")
def test_plan_reports_workspaces_without_a_manifest(run: Run) -> None:
    assert run("apply", "-R", "-f", ".").code == 0
    assert run("apply", "-f", "one", "--cluster-id", "elsewhere").code == 0

    two, one, none = (run("plan", "-R", *words) for words in (("-f", "one"), ("-f", "two"), ("-f", ".")))

    assert two.out.splitlines()[-1] == (
        "2 workspaces of this cluster have no manifest: kept (default/crm-1, default/crm-2)"
    )
    assert one.out.splitlines()[-1] == "1 workspace of this cluster has no manifest: kept (default/crm-0)"
    assert "no manifest" not in none.out
    assert (two.code, one.code, none.code) == (0, 0, 0)


@pytest.mark.usefixtures("folders")
def test_plan_names_a_few_workspaces_without_a_manifest(run: Run) -> None:
    for number in range(7):
        write(f"{number}.yaml", f"other-{number}", f"Other {number}")
    assert run("apply", "-f", ".").code == 0

    done = run("plan", "-f", "one")
    document = json.loads(run("plan", "-f", "one", "-o", "json").out)

    assert done.out.splitlines()[-1].endswith("default/other-4 and 2 more)")
    assert document["withoutManifest"][0] == {"namespace": "default", "name": "other-0", "workspaceID": 1}
    assert len(document["withoutManifest"]) == 7


def test_plan_prints_markdown(run: Run) -> None:
    write("crm.yaml", display="CRM")
    run("apply", "-f", "crm.yaml")
    write("crm.yaml", display="'| ``` <img> @all'")
    write("new.yaml", "new", "New")

    done = run("plan", "-f", "crm.yaml", "-f", "new.yaml", "-o", "markdown")

    assert done.code == 2
    assert done.out == (
        "### Plan: 0 nothing to do, 2 would change, 0 would be blocked\n\n"
        "| workspace | outcome | reason |\n| --- | --- | --- |\n"
        "| default/crm | would change | InForce |\n"
        "| default/new | would change | InForce |\n\n"
        "#### default/crm\n\n"
        "````text\ndefault/crm: would change\n  set spec.displayName CRM → | ``` <img> @all\n````\n\n"
        "#### default/new\n\n"
        '```text\ndefault/new: would change\n  create "New"\n'
        "  set spec.accountName to default\n"
        "  set spec.identifiers.mode to EmailOrID\n```\n\n"
        "Nothing was changed.\n"
    )


def test_markdown_of_nothing_to_do_is_a_table(run: Run) -> None:
    write("crm.yaml")
    run("apply", "-f", "crm.yaml")

    done = run("plan", "-f", "crm.yaml", "-o", "markdown")

    assert "####" not in done.out
    assert "| default/crm | nothing to do | InForce |" in done.out


@COMMANDS
@pytest.mark.usefixtures("folders")
def test_empty_name_is_not_the_current_folder(run: Run, command: str) -> None:
    write("crm.yaml", "crm", "CRM")

    done = run(command, "-f", "")

    assert done.code == 64
    assert done.out == ""
