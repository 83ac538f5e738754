"""A manual segment is made of a CSV file: who is named is in it, and every other row is told of."""

import io

import pytest

from tests.people.bulk_delete.fixtures import activities_of, cio_id_of, ids_of, join, segments_of
from tests.people.fixtures import NOW, ImportEnv, Rejects
from workspace_operator.application.people.segment_import import SegmentImport, SegmentImportResult, SegmentRemoval
from workspace_operator.errors import InvalidInput, NameTaken
from workspace_operator.identity.values.rules import IdentifierKind, Mode


@pytest.fixture
def env() -> ImportEnv:
    """Three people of mode IDOnly."""
    made = ImportEnv.of(Mode.ID_ONLY)
    made.import_text("id,email\n1,a@x.com\n2,A@x.com\n3,c@x.com\n")
    return made


def making(
    env: ImportEnv, rejects: Rejects, *, by: IdentifierKind | None = None, name: str = "to delete"
) -> SegmentImport:
    return SegmentImport(
        people=env.people,
        segments=segments_of(env),
        workspace_id=env.number,
        name=name,
        rejects=rejects,
        by=by,
        clock=lambda: NOW,
        batch=2,
    )


def take(
    env: ImportEnv, text: str, *, by: IdentifierKind | None = None, name: str = "to delete"
) -> tuple[SegmentImportResult, Rejects]:
    rejects = Rejects()
    return making(env, rejects, by=by, name=name).run(io.BytesIO(text.encode())), rejects


def ids_in(env: ImportEnv, segment: int | None) -> list[str | None]:
    assert segment is not None
    ids = {each.cio_id: each.id for each in env.people.all(env.number)}
    return [ids[each] for each in activities_of(env).members(env.number, segment)]


def test_named_people_are_in_the_segment(env: ImportEnv) -> None:
    filled, rejects = take(env, "id\n3\n1\n3\n")

    assert (filled.rows, filled.added, filled.rejected) == (3, 3, 0)
    assert ids_in(env, filled.number) == ["1", "3"]
    assert rejects.rows == []
    found = segments_of(env).get(env.number, 1)
    assert (found.name, found.people) == ("to delete", 2)
    assert found.created_at is not None
    assert found.created_at.timestamp() == NOW


def test_nobody_is_made_by_a_segment(env: ImportEnv) -> None:
    filled, rejects = take(env, "id,email\n9,new@x.com\n2,\n")

    assert (filled.added, filled.rejected) == (1, 1)
    assert rejects.lines == {2: ("rejected", "No person has this identifier.")}
    assert ids_of(env) == ["1", "2", "3"]


def test_surest_name_decides(env: ImportEnv) -> None:
    text = f"id,email,cio_id\n1,c@x.com,{cio_id_of(env, '2')}\n3,a@x.com,\n1,a@x.com,cio_gone\n"

    filled, rejects = take(env, text)

    assert ids_in(env, filled.number) == ["2", "3"]
    assert rejects.lines == {4: ("rejected", "No person has this cio_id.")}


def test_address_names_nobody_without_being_identifier(env: ImportEnv) -> None:
    filled, rejects = take(env, "id,email\n,a@x.com\n")

    assert filled.rejected == 1
    assert rejects.lines == {2: ("rejected", "The row identifies no person: there is no value in id.")}


def test_address_names_people_where_it_identifies() -> None:
    env = ImportEnv.of(Mode.EMAIL_OR_ID)
    env.import_text("id,email\n1,a@x.com\n,b@x.com\n")

    filled, rejects = take(env, "email\nA@X.com\nb@x.com\nnonsense\nc@x.com\n")

    assert filled.added == 2
    assert list(rejects.lines) == [4, 5]
    assert "is not a valid email address" in rejects.lines[4][1]


def test_one_column_can_be_asked_for(env: ImportEnv) -> None:
    filled, rejects = take(env, f"id,cio_id\n1,{cio_id_of(env, '2')}\n,{cio_id_of(env, '3')}\n", by=IdentifierKind.ID)

    assert ids_in(env, filled.number) == ["1"]
    assert list(rejects.lines) == [3]


def test_other_columns_say_nothing(env: ImportEnv) -> None:
    filled, _ = take(env, "_reason;plan;id\nwhy;=1+1;2\n")

    assert ids_in(env, filled.number) == ["2"]
    assert env.get(id="2").attributes == {}


def test_rows_that_cannot_be_read_are_reported(env: ImportEnv) -> None:
    _, rejects = take(env, 'id,plan\n1\n2,"x"y\n3,z\n')

    assert [reason for _, reason in rejects.lines.values()] == [
        "The row has 1 cells, the header has 2.",
        'The row has text after a closing quote; a quote in a cell is written "".',
    ]
    assert rejects.rows[0]["id"] == "1"


def test_corrected_rejects_make_a_segment(env: ImportEnv) -> None:
    _, rejects = take(env, "id,plan\n8,pro\n")

    filled, _ = take(env, rejects.file.decode().replace("8,pro", "1,pro"), name="more")

    assert ids_in(env, filled.number) == ["1"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("email\na@x.com\n", "line 1: the column cio_id or id, which identifies people, is missing"),
        ("plan\npro\n", "one column must be named id, email or cio_id"),
        ("", "must start with a header"),
    ],
)
def test_bad_header_makes_no_segment(env: ImportEnv, text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        take(env, text)

    assert segments_of(env).all(env.number) == []


def test_broken_row_makes_no_segment(env: ImportEnv) -> None:
    rejects = Rejects()
    run = making(env, rejects)

    with pytest.raises(InvalidInput, match="check that every quote is closed"):
        run.run(io.BytesIO(b'id\n1\n2\n3\n"1\n'))

    assert (run.result.number, run.result.rows) == (None, 0)
    assert segments_of(env).all(env.number) == []


def test_taken_name_changes_nothing(env: ImportEnv) -> None:
    take(env, "id\n1\n")

    with pytest.raises(NameTaken):
        take(env, "id\n2\n")

    assert ids_in(env, 1) == ["1"]
    assert len(segments_of(env).all(env.number)) == 1


def test_rows_follow_the_identifiers_in_force(env: ImportEnv) -> None:
    def switch_once() -> None:
        if env.people.rules(env.number).mode is Mode.ID_ONLY:
            env.set_mode(Mode.EMAIL_OR_ID)

    env.import_text("id,email\n2,b@x.com\n")
    run = making(env, Rejects())

    filled = run.run(io.BytesIO(b"id,email\n1,\n,c@x.com\n,c@x.com\n,b@x.com\n"), switch_once)

    assert (filled.added, filled.rejected) == (3, 1)
    assert ids_in(env, filled.number) == ["1", "2", "3"]


def test_removed_segment_leaves_its_people(env: ImportEnv) -> None:
    filled, _ = take(env, "id\n1\n2\n3\n")
    join(env, 9, "1")
    removal = SegmentRemoval(
        people=env.people,
        person_records=activities_of(env),
        segments=segments_of(env),
        workspace_id=env.number,
        clock=lambda: NOW,
        batch=2,
    )
    progress: list[int] = []

    removal.run(1, progress.append)

    assert progress == [2, 1]
    assert [each.number for each in segments_of(env).all(env.number)] == [9]
    assert ids_of(env) == ["1", "2", "3"]
    assert filled.number == 1
