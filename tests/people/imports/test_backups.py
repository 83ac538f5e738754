"""An import writes down whom it changes; importing that brings them back as they were."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.people.fixtures import NOW, ImportEnv, Rejects
from workspace_operator.application.people.backup_rows import BackupAction, backup_lines
from workspace_operator.application.people.bulk_delete import created_by_import
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.people.csv_files.reader import MAX_COLUMNS, CsvOptions, open_csv
from workspace_operator.application.people.csv_import import PeopleImport
from workspace_operator.application.people.import_backup import ImportBackup
from workspace_operator.application.people.import_options import EmptyCells, ImportOptions
from workspace_operator.application.people.import_summary import ImportSummary
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.commands import Command, DeletePerson, identify_from_fields
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.references import reference_of_kind, reference_to_cio_id
from workspace_operator.identity.values.rules import IdentifierKind, Mode


@dataclass(slots=True)
class BackupText:
    """An undo file, as text."""

    attributes: Sequence[str] = ()
    lines: list[str] = field(default_factory=list)

    def open(self, attributes: Sequence[str]) -> "BackupText":
        self.attributes = attributes
        self.lines += backup_lines((), BackupAction.CHANGED, attributes)
        return self

    def write(self, people: Sequence[Person], action: BackupAction) -> None:
        self.lines += list(backup_lines(people, action, self.attributes))[1:]

    @property
    def file(self) -> bytes:
        return "".join(self.lines).encode()

    @property
    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO("".join(self.lines))))


def import_with_backup(
    env: ImportEnv,
    content: str,
    options: ImportOptions | None = None,
    *,
    csv_options: CsvOptions | None = None,
    batch: int = 2,
) -> tuple[ImportSummary, BackupText, ImportBackup]:
    """Import with an undo file."""
    text = BackupText()
    backup = ImportBackup(people=env.people, open=text.open)
    run = PeopleImport(
        units=env.people,
        workspace_id=env.number,
        options=options or ImportOptions(),
        csv=csv_options or CsvOptions(),
        rejects=Rejects(),
        backup=backup,
        clock=lambda: NOW,
        batch=batch,
    )
    return run.run(io.BytesIO(content.encode())), text, backup


def identify(env: ImportEnv, body: dict[str, object], **named: str) -> None:
    [(kind, value)] = named.items()
    reference = reference_of_kind(value, IdentifierKind(kind), env.people.rules(env.number).mode)
    execute_commands(env.people, env.number, [identify_from_fields(reference, body)], now=NOW)


def state(env: ImportEnv) -> list[tuple[str, str | None, str | None, str]]:
    people = env.people.all(env.number)
    return [(each.cio_id, each.id, each.email, json.dumps(dict(each.attributes), sort_keys=True)) for each in people]


def test_people_come_back_with_the_types_of_their_values(env: ImportEnv) -> None:
    values = {"score": 7, "vip": True, "tags": ["a", {"b": 1.5}], "unsubscribed": True, "note": "=1+1", "number": "7"}
    identify(env, values, id="1")
    identify(env, {"created_at": 1_600_000_000}, id="2")
    before = state(env)
    header = "id,score,vip,tags,unsubscribed,note,number,created_at,city"

    summary, text, backup = import_with_backup(
        env, f"{header}\n1,8,no,x,false,y,8,2024-01-31,Bonn\n2,,,,,,,2020-01-31,\n"
    )
    changed = state(env)
    result = env.import_text(text.file)

    assert (summary.updated, backup.changed, backup.created) == (2, 2, 0)
    assert changed != before
    assert (result.counts, result.summary.in_part) == ((0, 2, 0, 0), 0)
    assert state(env) == before
    assert env.get(id="2").created_at == 1_600_000_000


def test_identifiers_that_an_import_set_are_taken_back(env: ImportEnv) -> None:
    env.import_text("id,email\n1,\n,b@x.com\n3,c@x.com\n")
    before = state(env)
    cio_id = env.get(id="3").cio_id

    _, first, _ = import_with_backup(env, "id,email\n1,a@x.com\n2,b@x.com\n")
    options = ImportOptions(by=IdentifierKind.CIO_ID, update_only=True)
    _, second, _ = import_with_backup(env, f"cio_id,email\n{cio_id},d@x.com\n", options)
    changed = [(id_, email) for _, id_, email, _ in state(env)]
    in_part = [env.import_text(text.file).summary.in_part for text in (second, first)]

    assert changed == [("1", "a@x.com"), ("2", "b@x.com"), ("3", "d@x.com")]
    assert in_part == [0, 0]
    assert state(env) == before


def test_people_are_written_once_as_they_were_first(env: ImportEnv) -> None:
    env.import_text("id,plan\n1,a\n2,a\n3,a\n")

    _, text, backup = import_with_backup(env, "id,plan\n1,b\n1,c\n2,a\n1,d\n9,x\n9,y\n4,z\n9,z\n", batch=2)

    assert [(row["_undo"], row["id"], row["plan"]) for row in text.rows] == [
        ("changed", "1", "a"),
        ("created", "9", "x"),
        ("created", "4", "z"),
    ]
    assert (backup.changed, backup.created) == (1, 2)


def test_people_are_written_before_they_are_changed(env: ImportEnv) -> None:
    env.import_text("id,plan\n1,a\n2,a\n")
    seen: list[list[str]] = []

    class Looking(BackupText):
        def write(self, people: Sequence[Person], action: BackupAction) -> None:
            if action is BackupAction.CHANGED:
                seen.append([str(env.get(id=str(each.id)).attributes["plan"]) for each in people])
            BackupText.write(self, people, action)

    text = Looking()
    run = PeopleImport(
        units=env.people,
        workspace_id=env.number,
        options=ImportOptions(),
        rejects=Rejects(),
        backup=ImportBackup(people=env.people, open=text.open),
        clock=lambda: NOW,
    )
    run.run(io.BytesIO(b"id,plan\n1,b\n2,b\n"))

    assert seen == [["a", "a"]]


def test_whoever_was_changed_at_the_very_moment_is_written_again(env: ImportEnv) -> None:
    env.import_text("id,plan,city\n1,a,Ulm\n")
    text = BackupText()
    backup = ImportBackup(people=env.people, open=text.open)
    backup.begin(["plan", "city"])
    mode = env.people.rules(env.number).mode
    commands: list[Command] = [
        identify_from_fields(reference_of_kind("1", IdentifierKind.ID, mode), {"plan": "b"}, by_import=True)
    ]

    backup.before(env.number, commands, now=NOW, mode=mode)
    identify(env, {"city": "Bonn"}, id="1")
    backup.after(execute_commands(env.people, env.number, commands, now=NOW))

    assert [(row["plan"], row["city"]) for row in text.rows] == [("a", "Ulm"), ("a", "Bonn")]


def test_created_people_stay_until_they_are_deleted(env: ImportEnv) -> None:
    env.import_text("id,plan\n1,a\n")
    _, text, _ = import_with_backup(env, "id,email,plan\n1,,b\n2,b@x.com,b\n")

    result = env.import_text(text.file)
    with open_csv(io.BytesIO(text.file)) as backup:
        doomed = [each.cio_id for each in created_by_import(backup.header, backup.rows)]

    assert (result.counts, result.summary.not_deleted, result.rejects.rows) == ((0, 1, 1, 0), 1, [])
    assert doomed == [env.get(id="2").cio_id]
    assert env.get(id="1").attributes == {"plan": "a"}


@pytest.mark.parametrize("content", [b"id,cio_id\n1,x\n", b"_undo,id\ncreated,1\n"])
def test_only_undo_files_say_whom_an_import_created(content: bytes) -> None:
    with open_csv(io.BytesIO(content)) as backup, pytest.raises(InvalidInput, match="the columns _undo and cio_id"):
        list(created_by_import(backup.header, backup.rows))


def test_deleted_people_are_made_again_without_their_cio_ids(env: ImportEnv) -> None:
    identify(env, {"email": "a@x.com", "score": 7}, id="1")
    person = env.get(id="1")
    lines = "".join(backup_lines([person], BackupAction.DELETED, ["score"]))
    execute_commands(env.people, env.number, [DeletePerson(reference=reference_to_cio_id(person.cio_id))], now=NOW)

    result = env.import_text(lines)

    assert (result.counts, result.summary.in_part) == ((1, 0, 0, 0), 0)
    assert env.all_people() == [("1", "a@x.com", {"score": 7})]


def test_people_of_an_undo_file_who_are_gone_are_reported(env: ImportEnv) -> None:
    env.import_text("id,plan\n1,a\n")
    _, text, _ = import_with_backup(env, "id,plan\n1,b\n")
    execute_commands(
        env.people, env.number, [DeletePerson(reference=reference_to_cio_id(env.get(id="1").cio_id))], now=NOW
    )

    result = env.import_text(text.file)

    assert result.rejects.lines == {2: ("skipped", "No person has this cio_id.")}
    assert "_undo" in result.rejects.rows[0]


@pytest.mark.parametrize("marker", ["", "x", "changed"])
def test_an_empty_cell_removes_in_undo_files_only(env: ImportEnv, marker: str) -> None:
    env.import_text("id,city,unsubscribed\n1,Bonn,true\n")
    env.import_text("id,city,unsubscribed\n1,,\n")
    kept = env.all_people()

    result = env.import_text(f"_undo,id,city,unsubscribed\n{marker},1,,\n")

    assert kept == [("1", None, {"city": "Bonn", "unsubscribed": "true"})]
    assert (env.all_people(), result.summary.removed) == ([("1", None, {})], 2)


def test_an_attribute_that_is_called_like_the_marker_makes_no_undo_file_of_an_export(env: ImportEnv) -> None:
    identify(env, {"_undo": "changed", "city": "Bonn"}, id="1")
    identify(env, {}, id="2")
    export = env.export()
    identify(env, {"city": "Köln", "unsubscribed": True}, id="2")
    before = env.all_people()

    result = env.import_text(export)

    assert result.counts == (0, 2, 0, 0)
    assert env.all_people() == before


CHANGED_BY_HAND = [
    *(("_json", cell) for cell in ("[", "7", '"a"', "[1]")),
    *(("_other_attributes", cell) for cell in ("[", "7", "[]", '{"id": "2"}')),
]


@pytest.mark.parametrize(("column", "cell"), CHANGED_BY_HAND)
def test_undo_files_that_were_changed_reject_their_rows(column: str, cell: str) -> None:
    quoted = cell.replace('"', '""')

    result = ImportEnv.of().import_text(f'_undo,{column},cio_id,id,a\ndeleted,"{quoted}",x,1,y\n')

    assert result.counts == (0, 0, 0, 1)
    assert "use the unchanged undo file" in result.rejects.lines[2][1]


def test_values_that_are_no_json_reject_their_row() -> None:
    result = ImportEnv.of().import_text('_undo,_json,cio_id,id,a\ndeleted,"[""a"",""b""]",x,1,y\n')

    assert "a 'y' is not JSON" in result.rejects.lines[2][1]


def deleted(env: ImportEnv, *people: Person) -> str:
    """Delete people, and return their undo file."""
    names = {name for each in people for name in each.attributes}
    execute_commands(
        env.people, env.number, [DeletePerson(reference=reference_to_cio_id(each.cio_id)) for each in people], now=NOW
    )
    return "".join(backup_lines(people, BackupAction.DELETED, sorted(names)))


NAMES_NO_COLUMN_CAN_HAVE = [
    "_undo", "_json", "_other_attributes", "_line", "_violations", "E-Mail", "Email Address", "User ID", "ID", "CIO_ID",
    "Created At", "Unsubscribed", " x", "x ", "a\u200bb", "X\ny", "X\n" * 60, ";id;email;cio_id;id", "a,b", 'q"',
    "\ufeffid",
]  # fmt: skip
ORDINARY_NAMES = ["plan", "First name", "=cmd", "'q", "_mine", "created_at", "unsubscribed", "sep=;"]


@pytest.mark.parametrize("mode", [Mode.ID_ONLY, Mode.EMAIL_OR_ID])
def test_deleted_people_come_back_whatever_callers_call_their_attributes(env: ImportEnv) -> None:
    values: dict[str, object] = {
        **dict.fromkeys(NAMES_NO_COLUMN_CAN_HAVE, 0),
        **dict.fromkeys(ORDINARY_NAMES, "1600000000"),
    }
    identify(env, {"email": "a@x.com"} | values, id="1")
    identify(env, {"plan": "p"}, id="2")
    before = env.all_people()

    result = env.import_text(deleted(env, env.get(id="1"), env.get(id="2")))

    assert (result.counts, result.summary.in_part) == ((2, 0, 0, 0), 0)
    assert env.all_people() == before


def test_deleted_people_come_back_although_they_have_more_attributes_than_a_file_can_have_columns(
    env: ImportEnv,
) -> None:
    for number in range(MAX_COLUMNS // 300 + 1):
        identify(env, {f"a{number}_{each}": each for each in range(300)}, id=str(number))
    before = env.all_people()

    result = env.import_text(deleted(env, *env.people.all(env.number)))

    assert result.counts == (len(before), 0, 0, 0)
    assert env.all_people() == before


@pytest.mark.parametrize("mode", [Mode.ID_ONLY, Mode.EMAIL_OR_ID])
def test_white_space_is_part_of_the_ids_of_an_undo_file(env: ImportEnv) -> None:
    for id_ in ("m", " m", "m ", "\tm", "m\u200b"):
        identify(env, {"is": id_}, id=id_)
    before = env.all_people()

    result = env.import_text(deleted(env, *env.people.all(env.number)))

    assert result.counts == (len(before), 0, 0, 0)
    assert env.all_people() == before


def test_attributes_that_only_a_mapping_can_name_are_taken_back_without_it(env: ImportEnv) -> None:
    env.import_text("id\n1\n2\n")
    identify(env, {"E-Mail": 7}, id="2")
    before = state(env)
    run = CsvOptions(mapping={"E-Mail": "attribute"})

    _, text, _ = import_with_backup(env, "id,E-Mail\n1,x\n2,y\n", csv_options=run)
    changed = state(env)
    result = env.import_text(text.file)

    assert changed != before
    assert result.counts == (0, 2, 0, 0)
    assert state(env) == before


def test_other_attributes_are_in_no_further_undo_file(env: ImportEnv) -> None:
    with pytest.raises(InvalidInput, match="_other_attributes"):
        import_with_backup(env, "_undo,_json,_other_attributes,cio_id,id\ndeleted,,,x,1\n")

    assert env.all_people() == []


CELLS = st.sampled_from(["", "", "1", "2", "a@x.com", "b@x.com", "x", "true"])
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), max_size=8)


@given(ROWS, st.sampled_from(list(Mode)), st.booleans(), st.sampled_from(list(EmptyCells)))
def test_an_undone_import_leaves_everybody_as_they_were(
    rows: list[tuple[str, ...]], mode: Mode, update_only: bool, empty_cells: EmptyCells
) -> None:
    env = ImportEnv.of(mode)
    env.import_text("id,email,plan,unsubscribed\n1,a@x.com,p,true\n2,,q,\n,c@x.com,r,\n")
    before = state(env)
    content = io.StringIO()
    csv.writer(content).writerows([["id", "email", "plan", "unsubscribed"], *rows])

    options = ImportOptions(update_only=update_only, empty_cells=empty_cells)
    _, text, _ = import_with_backup(env, content.getvalue(), options, batch=3)
    with open_csv(io.BytesIO(text.file)) as backup:
        doomed = [each.cio_id for each in created_by_import(backup.header, backup.rows)]
    execute_commands(
        env.people, env.number, [DeletePerson(reference=reference_to_cio_id(each)) for each in doomed], now=NOW
    )
    env.import_text(text.file)

    assert state(env) == before
