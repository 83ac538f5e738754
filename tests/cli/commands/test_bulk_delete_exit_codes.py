"""The exit codes of deletions of many people: 0, 3 if some were left, 1 if all were."""

from pathlib import Path

import pytest

from tests.cli.conftest import Crm, Run, W
from workspace_operator.cli.commands import bulk_delete

SEGMENT = ("people", "delete", "--segment", "all", *W)
DEDUPE = ("people", "dedupe", "--keep", "oldest", *W)


@pytest.fixture
def peopled(run: Run, crm: Crm) -> None:
    """Three people with one address, all of them in a segment."""
    crm("IDOnly", "id,email\n1,a@x.com\n2,a@x.com\n3,a@x.com\n")
    assert run("segments", "create", "--from-csv", "people.csv", "--name", "all", *W).code == 0


def change_meanwhile(run: Run, monkeypatch: pytest.MonkeyPatch, ids: str) -> None:
    """Give these people an attribute while the deletion is being confirmed."""

    def confirmed(_question: str, _expected: str) -> bool:
        Path("meanwhile.csv").write_text("id,new\n" + "".join(f"{each},x\n" for each in ids))
        assert run("people", "import", "meanwhile.csv", *W).code == 0
        return True

    monkeypatch.setattr(bulk_delete, "confirm", confirmed)


@pytest.mark.usefixtures("peopled")
@pytest.mark.parametrize(
    ("command", "ids", "code", "told"),
    [
        (SEGMENT, "", 0, "3 people deleted\n"),
        (SEGMENT, "2", 3, "2 people deleted\n1 person skipped, changed meanwhile: run the command again\n"),
        (SEGMENT, "123", 1, "0 people deleted\n3 people skipped, changed meanwhile: run the command again\n"),
        (DEDUPE, "", 0, "2 people deleted\n"),
        (DEDUPE, "3", 3, "1 person deleted\n1 person skipped, changed meanwhile: run the command again\n"),
        (DEDUPE, "23", 1, "0 people deleted\n2 people skipped, changed meanwhile: run the command again\n"),
    ],
)
def test_exit_code_reports_whether_people_were_left(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], ids: str, code: int, told: str
) -> None:
    change_meanwhile(run, monkeypatch, ids)

    done = run(*command)

    assert done.code == code
    assert done.out.startswith(told)
