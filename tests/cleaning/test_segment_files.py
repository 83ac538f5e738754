"""A manual segment is made of a CSV file: who is named is in it, and every other row is told of."""

import io

import pytest

from tests.cleaning.scenes import belongings_of, cio_id_of, ids_of, join, segments_of
from tests.people.scenes import NOW, Place, Rejects
from workspace_operator.application.segmenting import Filled, SegmentMaking, SegmentRemoval
from workspace_operator.errors import InvalidInput, NameTaken
from workspace_operator.identity.rules import Kind, Mode


@pytest.fixture
def place() -> Place:
    """Three people of mode IDOnly."""
    made = Place.of(Mode.ID_ONLY)
    made.take("id,email\n1,a@x.com\n2,A@x.com\n3,c@x.com\n")
    return made


def making(place: Place, rejects: Rejects, *, by: Kind | None = None, name: str = "to delete") -> SegmentMaking:
    return SegmentMaking(
        people=place.people,
        segments=segments_of(place),
        workspace_id=place.number,
        name=name,
        rejects=rejects,
        by=by,
        clock=lambda: NOW,
        batch=2,
    )


def take(place: Place, text: str, *, by: Kind | None = None, name: str = "to delete") -> tuple[Filled, Rejects]:
    rejects = Rejects()
    return making(place, rejects, by=by, name=name).run(io.BytesIO(text.encode())), rejects


def ids_in(place: Place, segment: int | None) -> list[str | None]:
    assert segment is not None
    ids = {each.cio_id: each.id for each in place.people.all(place.number)}
    return [ids[each] for each in belongings_of(place).members(place.number, segment)]


def test_named_people_are_in_the_segment(place: Place) -> None:
    filled, rejects = take(place, "id\n3\n1\n3\n")

    assert (filled.rows, filled.joined, filled.rejected) == (3, 3, 0)
    assert ids_in(place, filled.number) == ["1", "3"]
    assert rejects.rows == []
    found = segments_of(place).get(place.number, 1)
    assert (found.name, found.people) == ("to delete", 2)
    assert found.created_at is not None
    assert found.created_at.timestamp() == NOW


def test_nobody_is_made_by_a_segment(place: Place) -> None:
    filled, rejects = take(place, "id,email\n9,new@x.com\n2,\n")

    assert (filled.joined, filled.rejected) == (1, 1)
    assert rejects.lines == {2: ("rejected", "Nobody has this identifier.")}
    assert ids_of(place) == ["1", "2", "3"]


def test_surest_name_decides(place: Place) -> None:
    text = f"id,email,cio_id\n1,c@x.com,{cio_id_of(place, '2')}\n3,a@x.com,\n1,a@x.com,cio_gone\n"

    filled, rejects = take(place, text)

    assert ids_in(place, filled.number) == ["2", "3"]
    assert rejects.lines == {4: ("rejected", "Nobody has this cio_id.")}


def test_address_names_nobody_without_being_identifier(place: Place) -> None:
    filled, rejects = take(place, "id,email\n,a@x.com\n")

    assert filled.rejected == 1
    assert rejects.lines == {2: ("rejected", "The row names nobody: there is nothing in id.")}


def test_address_names_people_where_it_identifies() -> None:
    place = Place.of(Mode.EMAIL_OR_ID)
    place.take("id,email\n1,a@x.com\n,b@x.com\n")

    filled, rejects = take(place, "email\nA@X.com\nb@x.com\nnonsense\nc@x.com\n")

    assert filled.joined == 2
    assert list(rejects.lines) == [4, 5]
    assert "is not a valid email address" in rejects.lines[4][1]


def test_one_column_can_be_asked_for(place: Place) -> None:
    filled, rejects = take(place, f"id,cio_id\n1,{cio_id_of(place, '2')}\n,{cio_id_of(place, '3')}\n", by=Kind.ID)

    assert ids_in(place, filled.number) == ["1"]
    assert list(rejects.lines) == [3]


def test_other_columns_say_nothing(place: Place) -> None:
    filled, _ = take(place, "_reason;plan;id\nwhy;=1+1;2\n")

    assert ids_in(place, filled.number) == ["2"]
    assert place.known(id="2").attributes == {}


def test_rows_that_cannot_be_read_are_told(place: Place) -> None:
    _, rejects = take(place, 'id,plan\n1\n2,"x"y\n3,z\n')

    assert [reason for _, reason in rejects.lines.values()] == [
        "The row has 1 cells, the header has 2.",
        'The row has text after a closing quote; a quote in a cell is written "".',
    ]
    assert rejects.rows[0]["id"] == "1"


def test_corrected_rejects_make_a_segment(place: Place) -> None:
    _, rejects = take(place, "id,plan\n8,pro\n")

    filled, _ = take(place, rejects.file.decode().replace("8,pro", "1,pro"), name="more")

    assert ids_in(place, filled.number) == ["1"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("email\na@x.com\n", "line 1: there is no column cio_id or id to name people by"),
        ("plan\npro\n", "one column must be named id, email or cio_id"),
        ("", "must start with a header"),
    ],
)
def test_bad_header_makes_no_segment(place: Place, text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        take(place, text)

    assert segments_of(place).all(place.number) == []


def test_broken_row_makes_no_segment(place: Place) -> None:
    rejects = Rejects()
    run = making(place, rejects)

    with pytest.raises(InvalidInput, match="is a quote not closed"):
        run.run(io.BytesIO(b'id\n1\n2\n3\n"1\n'))

    assert (run.filled.number, run.filled.rows) == (None, 0)
    assert segments_of(place).all(place.number) == []


def test_taken_name_changes_nothing(place: Place) -> None:
    take(place, "id\n1\n")

    with pytest.raises(NameTaken):
        take(place, "id\n2\n")

    assert ids_in(place, 1) == ["1"]
    assert len(segments_of(place).all(place.number)) == 1


def test_rows_follow_the_identifiers_in_force(place: Place) -> None:
    def switch_once() -> None:
        if place.people.rules(place.number).mode is Mode.ID_ONLY:
            place.switch_to(Mode.EMAIL_OR_ID)

    place.take("id,email\n2,b@x.com\n")
    run = making(place, Rejects())

    filled = run.run(io.BytesIO(b"id,email\n1,\n,c@x.com\n,c@x.com\n,b@x.com\n"), switch_once)

    assert (filled.joined, filled.rejected) == (3, 1)
    assert ids_in(place, filled.number) == ["1", "2", "3"]


def test_removed_segment_leaves_its_people(place: Place) -> None:
    filled, _ = take(place, "id\n1\n2\n3\n")
    join(place, 9, "1")
    removal = SegmentRemoval(
        people=place.people,
        belongings=belongings_of(place),
        segments=segments_of(place),
        workspace_id=place.number,
        clock=lambda: NOW,
        batch=2,
    )
    progress: list[int] = []

    removal.run(1, progress.append)

    assert progress == [2, 1]
    assert [each.number for each in segments_of(place).all(place.number)] == [9]
    assert ids_of(place) == ["1", "2", "3"]
    assert filled.number == 1
