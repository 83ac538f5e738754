"""An import writes down whom it changes; importing that brings them back as they were."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.people.scenes import NOW, Place, Rejects
from workspace_operator.application.cleaning import created_by_import
from workspace_operator.application.csv_reading import MOST_COLUMNS, CsvOptions, opened_csv
from workspace_operator.application.import_options import EmptyCells, ImportOptions
from workspace_operator.application.import_summary import Summary
from workspace_operator.application.import_undo import ImportUndo
from workspace_operator.application.importing import PeopleImport
from workspace_operator.application.undo_rows import UndoAction, undo_lines
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.calls import Ask, DeleteCall, identify_call
from workspace_operator.identity.people import Person
from workspace_operator.identity.references import of_cio_id, reference_by_kind
from workspace_operator.identity.rules import Kind, Mode


@dataclass(slots=True)
class UndoText:
    """An undo file, as text."""

    attributes: Sequence[str] = ()
    lines: list[str] = field(default_factory=list)

    def open(self, attributes: Sequence[str]) -> "UndoText":
        self.attributes = attributes
        self.lines += undo_lines((), UndoAction.CHANGED, attributes)
        return self

    def write(self, people: Sequence[Person], action: UndoAction) -> None:
        self.lines += list(undo_lines(people, action, self.attributes))[1:]

    @property
    def file(self) -> bytes:
        return "".join(self.lines).encode()

    @property
    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO("".join(self.lines))))


def take(
    place: Place,
    content: str,
    options: ImportOptions | None = None,
    *,
    csv_options: CsvOptions | None = None,
    batch: int = 2,
) -> tuple[Summary, UndoText, ImportUndo]:
    """Import with an undo file."""
    text = UndoText()
    undo = ImportUndo(people=place.people, open=text.open)
    run = PeopleImport(
        people=place.people,
        workspace_id=place.number,
        options=options or ImportOptions(),
        csv=csv_options or CsvOptions(),
        rejects=Rejects(),
        undo=undo,
        clock=lambda: NOW,
        batch=batch,
    )
    return run.run(io.BytesIO(content.encode())), text, undo


def say(place: Place, body: dict[str, object], **named: str) -> None:
    [(kind, value)] = named.items()
    reference = reference_by_kind(value, Kind(kind), place.people.rules(place.number).mode)
    place.people.perform(place.number, [identify_call(reference, body)], now=NOW)


def state(place: Place) -> list[tuple[str, str | None, str | None, str]]:
    people = place.people.all(place.number)
    return [(each.cio_id, each.id, each.email, json.dumps(dict(each.attributes), sort_keys=True)) for each in people]


def test_people_come_back_with_the_types_of_their_values() -> None:
    place = Place.of()
    values = {"score": 7, "vip": True, "tags": ["a", {"b": 1.5}], "unsubscribed": True, "note": "=1+1", "number": "7"}
    say(place, values, id="1")
    say(place, {"created_at": 1_600_000_000}, id="2")
    before = state(place)
    header = "id,score,vip,tags,unsubscribed,note,number,created_at,city"

    summary, text, undo = take(place, f"{header}\n1,8,no,x,false,y,8,2024-01-31,Bonn\n2,,,,,,,2020-01-31,\n")
    changed = state(place)
    taken = place.take(text.file)

    assert (summary.updated, undo.changed, undo.created) == (2, 2, 0)
    assert changed != before
    assert (taken.counts, taken.summary.in_part) == ((0, 2, 0, 0), 0)
    assert state(place) == before
    assert place.known(id="2").created_at == 1_600_000_000


def test_identifiers_that_an_import_set_are_taken_back() -> None:
    place = Place.of()
    place.take("id,email\n1,\n,b@x.com\n3,c@x.com\n")
    before = state(place)
    cio_id = place.known(id="3").cio_id

    _, first, _ = take(place, "id,email\n1,a@x.com\n2,b@x.com\n")
    options = ImportOptions(by=Kind.CIO_ID, update_only=True)
    _, second, _ = take(place, f"cio_id,email\n{cio_id},d@x.com\n", options)
    changed = [(id_, email) for _, id_, email, _ in state(place)]
    in_part = [place.take(text.file).summary.in_part for text in (second, first)]

    assert changed == [("1", "a@x.com"), ("2", "b@x.com"), ("3", "d@x.com")]
    assert in_part == [0, 0]
    assert state(place) == before


def test_people_are_written_once_as_they_were_first() -> None:
    place = Place.of()
    place.take("id,plan\n1,a\n2,a\n3,a\n")

    _, text, undo = take(place, "id,plan\n1,b\n1,c\n2,a\n1,d\n9,x\n9,y\n4,z\n9,z\n", batch=2)

    assert [(row["_undo"], row["id"], row["plan"]) for row in text.rows] == [
        ("changed", "1", "a"),
        ("created", "9", "x"),
        ("created", "4", "z"),
    ]
    assert (undo.changed, undo.created) == (1, 2)


def test_people_are_written_before_they_are_changed() -> None:
    place = Place.of()
    place.take("id,plan\n1,a\n2,a\n")
    seen: list[list[str]] = []

    class Looking(UndoText):
        def write(self, people: Sequence[Person], action: UndoAction) -> None:
            if action is UndoAction.CHANGED:
                seen.append([str(place.known(id=str(each.id)).attributes["plan"]) for each in people])
            UndoText.write(self, people, action)

    text = Looking()
    run = PeopleImport(
        people=place.people,
        workspace_id=place.number,
        options=ImportOptions(),
        rejects=Rejects(),
        undo=ImportUndo(people=place.people, open=text.open),
        clock=lambda: NOW,
    )
    run.run(io.BytesIO(b"id,plan\n1,b\n2,b\n"))

    assert seen == [["a", "a"]]


def test_whoever_was_changed_at_the_very_moment_is_written_again() -> None:
    place = Place.of()
    place.take("id,plan,city\n1,a,Ulm\n")
    text = UndoText()
    undo = ImportUndo(people=place.people, open=text.open)
    undo.begin(["plan", "city"])
    mode = place.people.rules(place.number).mode
    asks: list[Ask] = [identify_call(reference_by_kind("1", Kind.ID, mode), {"plan": "b"}, by_import=True)]

    undo.before(place.number, asks, now=NOW)
    say(place, {"city": "Bonn"}, id="1")
    undo.after(place.people.perform(place.number, asks, now=NOW))

    assert [(row["plan"], row["city"]) for row in text.rows] == [("a", "Ulm"), ("a", "Bonn")]


def test_created_people_stay_until_they_are_deleted() -> None:
    place = Place.of()
    place.take("id,plan\n1,a\n")
    _, text, _ = take(place, "id,email,plan\n1,,b\n2,b@x.com,b\n")

    taken = place.take(text.file)
    with opened_csv(io.BytesIO(text.file)) as undo:
        doomed = [each.cio_id for each in created_by_import(undo.header, undo.rows)]

    assert (taken.counts, taken.summary.left, taken.rejects.rows) == ((0, 1, 1, 0), 1, [])
    assert doomed == [place.known(id="2").cio_id]
    assert place.known(id="1").attributes == {"plan": "a"}


@pytest.mark.parametrize("content", [b"id,cio_id\n1,x\n", b"_undo,id\ncreated,1\n"])
def test_only_undo_files_say_whom_an_import_created(content: bytes) -> None:
    with opened_csv(io.BytesIO(content)) as undo, pytest.raises(InvalidInput, match="the columns _undo and cio_id"):
        list(created_by_import(undo.header, undo.rows))


def test_deleted_people_are_made_again_without_their_cio_ids() -> None:
    place = Place.of()
    say(place, {"email": "a@x.com", "score": 7}, id="1")
    person = place.known(id="1")
    lines = "".join(undo_lines([person], UndoAction.DELETED, ["score"]))
    place.people.perform(place.number, [DeleteCall(reference=of_cio_id(person.cio_id))], now=NOW)

    taken = place.take(lines)

    assert (taken.counts, taken.summary.in_part) == ((1, 0, 0, 0), 0)
    assert place.everybody() == [("1", "a@x.com", {"score": 7})]


def test_people_of_an_undo_file_who_are_gone_are_told() -> None:
    place = Place.of()
    place.take("id,plan\n1,a\n")
    _, text, _ = take(place, "id,plan\n1,b\n")
    place.people.perform(place.number, [DeleteCall(reference=of_cio_id(place.known(id="1").cio_id))], now=NOW)

    taken = place.take(text.file)

    assert taken.rejects.lines == {2: ("skipped", "Nobody has this cio_id.")}
    assert "_undo" in taken.rejects.rows[0]


@pytest.mark.parametrize("marker", ["", "x", "changed"])
def test_an_empty_cell_removes_in_undo_files_only(marker: str) -> None:
    place = Place.of()
    place.take("id,city,unsubscribed\n1,Bonn,true\n")
    place.take("id,city,unsubscribed\n1,,\n")
    kept = place.everybody()

    taken = place.take(f"_undo,id,city,unsubscribed\n{marker},1,,\n")

    assert kept == [("1", None, {"city": "Bonn", "unsubscribed": "true"})]
    assert (place.everybody(), taken.summary.removed) == ([("1", None, {})], 2)


def test_an_attribute_that_is_called_like_the_marker_makes_no_undo_file_of_an_export() -> None:
    place = Place.of()
    say(place, {"_undo": "changed", "city": "Bonn"}, id="1")
    say(place, {}, id="2")
    export = place.export()
    say(place, {"city": "Köln", "unsubscribed": True}, id="2")
    before = place.everybody()

    taken = place.take(export)

    assert taken.counts == (0, 2, 0, 0)
    assert place.everybody() == before


CHANGED_BY_HAND = [
    *(("_json", cell) for cell in ("[", "7", '"a"', "[1]")),
    *(("_other_attributes", cell) for cell in ("[", "7", "[]", '{"id": "2"}')),
]


@pytest.mark.parametrize(("column", "cell"), CHANGED_BY_HAND)
def test_undo_files_that_were_changed_reject_their_rows(column: str, cell: str) -> None:
    quoted = cell.replace('"', '""')

    taken = Place.of().take(f'_undo,{column},cio_id,id,a\ndeleted,"{quoted}",x,1,y\n')

    assert taken.counts == (0, 0, 0, 1)
    assert "leave the undo file as it was" in taken.rejects.lines[2][1]


def test_values_that_are_no_json_reject_their_row() -> None:
    taken = Place.of().take('_undo,_json,cio_id,id,a\ndeleted,"[""a"",""b""]",x,1,y\n')

    assert "a 'y' is no JSON" in taken.rejects.lines[2][1]


def deleted(place: Place, *people: Person) -> str:
    """Delete people, and return their undo file."""
    names = {name for each in people for name in each.attributes}
    place.people.perform(place.number, [DeleteCall(reference=of_cio_id(each.cio_id)) for each in people], now=NOW)
    return "".join(undo_lines(people, UndoAction.DELETED, sorted(names)))


NAMES_NO_COLUMN_CAN_HAVE = [
    "_undo", "_json", "_other_attributes", "_line", "_violations", "E-Mail", "Email Address", "User ID", "ID", "CIO_ID",
    "Created At", "Unsubscribed", " x", "x ", "a\u200bb", "X\ny", "X\n" * 60, ";id;email;cio_id;id", "a,b", 'q"',
    "\ufeffid",
]  # fmt: skip
ORDINARY_NAMES = ["plan", "First name", "=cmd", "'q", "_mine", "created_at", "unsubscribed", "sep=;"]


@pytest.mark.parametrize("mode", [Mode.ID_ONLY, Mode.EMAIL_OR_ID])
def test_deleted_people_come_back_whatever_callers_call_their_attributes(mode: Mode) -> None:
    place = Place.of(mode)
    values: dict[str, object] = {
        **dict.fromkeys(NAMES_NO_COLUMN_CAN_HAVE, 0),
        **dict.fromkeys(ORDINARY_NAMES, "1600000000"),
    }
    say(place, {"email": "a@x.com"} | values, id="1")
    say(place, {"plan": "p"}, id="2")
    before = place.everybody()

    taken = place.take(deleted(place, place.known(id="1"), place.known(id="2")))

    assert (taken.counts, taken.summary.in_part) == ((2, 0, 0, 0), 0)
    assert place.everybody() == before


def test_deleted_people_come_back_although_they_have_more_attributes_than_a_file_can_have_columns() -> None:
    place = Place.of()
    for number in range(MOST_COLUMNS // 300 + 1):
        say(place, {f"a{number}_{each}": each for each in range(300)}, id=str(number))
    before = place.everybody()

    taken = place.take(deleted(place, *place.people.all(place.number)))

    assert taken.counts == (len(before), 0, 0, 0)
    assert place.everybody() == before


@pytest.mark.parametrize("mode", [Mode.ID_ONLY, Mode.EMAIL_OR_ID])
def test_white_space_is_part_of_the_ids_of_an_undo_file(mode: Mode) -> None:
    place = Place.of(mode)
    for id_ in ("m", " m", "m ", "\tm", "m\u200b"):
        say(place, {"is": id_}, id=id_)
    before = place.everybody()

    taken = place.take(deleted(place, *place.people.all(place.number)))

    assert taken.counts == (len(before), 0, 0, 0)
    assert place.everybody() == before


def test_attributes_that_only_a_mapping_can_name_are_taken_back_without_it() -> None:
    place = Place.of()
    place.take("id\n1\n2\n")
    say(place, {"E-Mail": 7}, id="2")
    before = state(place)
    run = CsvOptions(mapping={"E-Mail": "attribute"})

    _, text, _ = take(place, "id,E-Mail\n1,x\n2,y\n", csv_options=run)
    changed = state(place)
    taken = place.take(text.file)

    assert changed != before
    assert taken.counts == (0, 2, 0, 0)
    assert state(place) == before


def test_other_attributes_are_in_no_further_undo_file() -> None:
    place = Place.of()

    with pytest.raises(InvalidInput, match="_other_attributes"):
        take(place, "_undo,_json,_other_attributes,cio_id,id\ndeleted,,,x,1\n")

    assert place.everybody() == []


CELLS = st.sampled_from(["", "", "1", "2", "a@x.com", "b@x.com", "x", "true"])
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), max_size=8)


@given(ROWS, st.sampled_from(list(Mode)), st.booleans(), st.sampled_from(list(EmptyCells)))
def test_an_undone_import_leaves_everybody_as_they_were(
    rows: list[tuple[str, ...]], mode: Mode, update_only: bool, empty_cells: EmptyCells
) -> None:
    place = Place.of(mode)
    place.take("id,email,plan,unsubscribed\n1,a@x.com,p,true\n2,,q,\n,c@x.com,r,\n")
    before = state(place)
    content = io.StringIO()
    csv.writer(content).writerows([["id", "email", "plan", "unsubscribed"], *rows])

    options = ImportOptions(update_only=update_only, empty_cells=empty_cells)
    _, text, _ = take(place, content.getvalue(), options, batch=3)
    with opened_csv(io.BytesIO(text.file)) as undo:
        doomed = [each.cio_id for each in created_by_import(undo.header, undo.rows)]
    place.people.perform(place.number, [DeleteCall(reference=of_cio_id(each)) for each in doomed], now=NOW)
    place.take(text.file)

    assert state(place) == before
