"""What does not exist is reported by every command in one line, with exit code 1."""

from pathlib import Path

import pytest

from tests.cli.conftest import Crm, Run, W

NO_WORKSPACE = "there is no workspace default/nowhere"
SEE_WORKSPACES = "`workspacectl workspaces list` lists all workspaces"
NO_SEGMENT = "there is no segment 5: it has no name and no members"
NO_MERGE = "there is no merge none: `workspacectl merges list` lists them"
NO_EXPORT = "there is no export 9: `workspacectl exports list` lists them"
UNKNOWN = {
    "credentials create -w default/nowhere": (NO_WORKSPACE, SEE_WORKSPACES),
    "credentials rotate -w default/nowhere": (NO_WORKSPACE, SEE_WORKSPACES),
    "credentials revoke -w default/nowhere": (NO_WORKSPACE, SEE_WORKSPACES),
    "migrations show --watch -w default/nowhere": (NO_WORKSPACE, SEE_WORKSPACES),
    "people show 1 -w default/nowhere": (NO_WORKSPACE, SEE_WORKSPACES),
    "workspaces assign 7 --to sales/crm": ("there is no workspace number 7", SEE_WORKSPACES),
    "workspaces delete 7 --confirm-name CRM": ("there is no workspace number 7", ""),
    "segments show 5 -w default/crm": (NO_SEGMENT, ""),
    "segments delete 5 -w default/crm": (NO_SEGMENT, ""),
    "people delete --segment 5 -w default/crm": (NO_SEGMENT, ""),
    "merges show none -w default/crm": (NO_MERGE, ""),
    "merges undo none -w default/crm": (NO_MERGE, ""),
    "exports show --id 9 -w default/crm": (NO_EXPORT, ""),
    "exports get --id 9 -w default/crm": (NO_EXPORT, ""),
    "apply -f nothing.yaml": ("nothing.yaml: cannot be read: ", ""),
    "apply -f endless.yaml": ("endless.yaml: cannot be read: ", ""),
    "people import nothing.csv -w default/crm": ("nothing.csv cannot be read: No such file or directory", ""),
    "people import . -w default/crm": (". cannot be read: Is a directory", ""),
}


@pytest.mark.parametrize("command", UNKNOWN)
def test_unknown_is_reported(run: Run, crm: Crm, command: str) -> None:
    crm()
    Path("endless.yaml").symlink_to("endless.yaml")

    failure = run(*command.split()).failure

    beginning, end = UNKNOWN[command]
    assert failure.startswith(f"error: {beginning}")
    assert failure.endswith(end)


@pytest.mark.parametrize("command", ["people import", "segments create --name some --from-csv"])
def test_unwritable_rejects_are_reported(run: Run, crm: Crm, command: str) -> None:
    crm(people="id\n1\n")
    Path("some.csv").write_text("id\n1\n \n")

    done = run(*command.split(), "some.csv", *W, "--rejects", "nowhere/rejects.csv")

    assert done.failure == (
        "error: nowhere/rejects.csv cannot be written: No such file or directory; choose another file with --rejects"
    )


@pytest.mark.parametrize("command", ["people import", "segments create --name some --from-csv"])
def test_unclosed_quote_refuses_the_file(run: Run, crm: Crm, command: str) -> None:
    crm()
    Path("some.csv").write_text('id\n1\n2\n"3\n')

    assert run(*command.split(), "some.csv", *W).failure.startswith("error: some.csv, line 4: ")
    assert run("segments", "list", *W).out.count("\n") == 1
