import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Crm, Run, W
from workspace_operator import bootstrap
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.ports import Merge
from workspace_operator.identity.model.commands import Command, MergePeople, identify_from_fields
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode


class MergeEnv:
    """The workspace of the commands, for what they cannot do."""

    def __init__(self, store: bootstrap.Repositories) -> None:
        self.store = store
        self.number = store.workspaces.find("default", "crm").workspace_id

    def perform(self, call: Command) -> CommandResult:
        [answer] = execute_commands(self.store.people, self.number, [call], now=int(time.time()))
        assert isinstance(answer, CommandResult)
        return answer

    def add(self, value: str, kind: IdentifierKind = IdentifierKind.ID, **body: object) -> Person:
        person = self.perform(identify_from_fields(reference_of_kind(value, kind, Mode.EMAIL_OR_ID), body)).person
        assert person is not None
        return person

    def merge(self, primary: Person, secondary: Person) -> Merge:
        one, other = (
            reference_of_kind(each.cio_id, IdentifierKind.CIO_ID, Mode.EMAIL_OR_ID) for each in (primary, secondary)
        )
        self.perform(MergePeople(primary=one, secondary=other))
        return self.store.merges.merges(self.number, limit=1)[0]


@pytest.fixture
def made(crm: Crm, tmp_path: Path) -> Iterator[MergeEnv]:
    crm()
    with bootstrap.open_store(f"sqlite:///{tmp_path}/store.db") as store:
        yield MergeEnv(store)


def test_merges_are_listed(run: Run, made: MergeEnv) -> None:
    ann = made.add("1")
    first = made.merge(ann, made.add("2", email="bob@example.com"))
    second = made.merge(made.add("3"), made.add("c@example.com", IdentifierKind.EMAIL))
    run("merges", "undo", first.merge_id, *W)

    done = run("merges", "list", *W)

    header, *rows = [line.split("  ") for line in done.out.splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in (header, *rows)]
    assert cells[0] == ["ID", "AT", "HOW", "PRIMARY", "SECONDARY", "STATE"]
    assert [(row[0], row[2:5]) for row in cells[1:]] == [
        (second.merge_id, ["requested", "id 3", "email c@example.com"]),
        (first.merge_id, ["requested", "id 1", "id 2"]),
    ]
    assert cells[1][5] == "merged"
    assert cells[2][5].startswith("undone 20")
    assert done.err == ""


def test_merges_of_one_person_are_listed(run: Run, made: MergeEnv) -> None:
    ann = made.add("1")
    kept = made.merge(ann, made.add("2"))
    made.merge(made.add("3"), made.add("4"))

    for cio_id in (ann.cio_id, f"cio_{ann.cio_id}", kept.secondary.cio_id):
        done = run("merges", "list", *W, "--cio-id", cio_id, "-o", "json")

        assert [each["merge_id"] for each in json.loads(done.out)] == [kept.merge_id]


def test_long_lists_are_reported_page_by_page(run: Run, made: MergeEnv) -> None:
    ann = made.add("1")
    kept = [made.merge(ann, made.add(str(number))).merge_id for number in range(2, 5)]

    first = run("merges", "list", *W, "--limit", "2", "-o", "json")
    second = run("merges", "list", *W, "--limit", "2", "-o", "json", "--before", kept[1])

    assert [each["merge_id"] for each in json.loads(first.out)] == [kept[2], kept[1]]
    assert first.error == f"there may be earlier merges: add --before {kept[1]}"
    assert ([each["merge_id"] for each in json.loads(second.out)], second.err) == ([kept[0]], "")


def test_merge_is_shown_whole(run: Run, made: MergeEnv) -> None:
    kept = made.merge(made.add("1", plan="pro"), made.add("2", email="bob@example.com", city="Oslo"))

    shown = json.loads(run("merges", "show", kept.merge_id, *W).out)

    assert (shown["primary"]["id"], shown["secondary"]["id"], shown["secondary"]["email"]) == (
        "1",
        "2",
        "bob@example.com",
    )
    assert shown["survivor"]["attributes"] == {"plan": "pro", "city": "Oslo"}
    assert (shown["holder"], shown["automatic"], shown["undone_at"]) == (kept.primary.cio_id, False, None)
    assert (shown["devices"], shown["segments"]) == ([], [])


def test_merge_is_undone(run: Run, made: MergeEnv) -> None:
    kept = made.merge(made.add("1"), made.add("2", city="Oslo"))

    done = run("merges", "undo", kept.merge_id, *W)

    assert (done.code, done.err) == (0, "")
    assert done.out == f"cio_id {kept.secondary.cio_id} is restored, separate from cio_id {kept.primary.cio_id}\n"
    assert json.loads(run("people", "show", "2", *W).out)["attributes"] == {"city": "Oslo"}


def test_identifiers_that_are_not_free_are_reported(run: Run, made: MergeEnv) -> None:
    kept = made.merge(made.add("1"), made.add("2"))
    made.add("2")

    done = run("merges", "undo", kept.merge_id, *W)

    assert done.code == 3
    assert done.out.splitlines()[1:] == ["in use by another person: id 2"]


@pytest.mark.usefixtures("made")
def test_workspace_without_merges_has_an_empty_table(run: Run) -> None:
    assert run("merges", "list", *W).out == "ID  AT  HOW  PRIMARY  SECONDARY  STATE\n"
    assert json.loads(run("merges", "list", *W, "-o", "json").out) == []


def test_undo_is_recorded_by_numbers(run: Run, made: MergeEnv) -> None:
    primary, secondary = made.add("1"), made.add("2", email="bob@example.com")
    merge = made.merge(primary, secondary)
    made.add("3", email="bob@example.org")

    run("merges", "undo", merge.merge_id, *W)
    run("merges", "undo", merge.merge_id, *W)

    (entry,) = json.loads(run("audit", "list", "default/crm", "-o", "json").out)
    assert (entry["action"], entry["subject"]) == ("merge_undone", f"merge {merge.merge_id}")
    assert entry["detail"] == {"restored": secondary.cio_id, "survivor": primary.cio_id, "unavailable": 0}
