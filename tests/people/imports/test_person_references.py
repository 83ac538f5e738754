import pytest

from tests.people.fixtures import ImportEnv
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.rules import IdentifierKind, Mode


def test_id_names_people_first(env: ImportEnv) -> None:
    env.import_text("id,email\n1,a@x.com\n")

    env.import_text("email,id,plan\nb@x.com,1,pro\n")

    assert env.all_people() == [("1", "a@x.com", {"plan": "pro"})]


def test_email_names_where_the_id_is_empty(env: ImportEnv) -> None:
    result = env.import_text("id,email,plan\n1,a@x.com,x\n,b@x.com,y\n ,c@x.com,z\n")

    assert result.counts == (3, 0, 0, 0)
    assert result.summary.in_part == 0
    assert [email for _, email, _ in env.all_people()] == ["a@x.com", "b@x.com", "c@x.com"]


def test_empty_id_leaves_the_persons_alone(env: ImportEnv) -> None:
    env.import_text("id,email\n1,a@x.com\n")

    result = env.import_text("id,email,plan\n,A@x.com,pro\n")

    assert (result.counts, result.summary.in_part) == ((0, 1, 0, 0), 0)
    assert env.get(id="1").attributes == {"plan": "pro"}


def test_cio_id_names_last(env: ImportEnv) -> None:
    env.import_text("id\n1\n")
    cio_id = env.get(id="1").cio_id

    result = env.import_text(f"id,cio_id,plan\n,{cio_id},pro\n,cio_{cio_id},max\n")

    assert result.counts == (0, 2, 0, 0)
    assert env.get(id="1").attributes == {"plan": "max"}


def test_email_names_first_in_email_only() -> None:
    env = ImportEnv.of(Mode.EMAIL_ONLY)

    result = env.import_text("id,email\n7,a@x.com\n")

    assert result.counts == (1, 0, 0, 0)
    assert env.get(email="a@x.com").id != "7"


@pytest.mark.parametrize("kind", list(IdentifierKind))
def test_rows_are_named_as_asked(env: ImportEnv, kind: IdentifierKind) -> None:
    env.import_text("id,email\n1,a@x.com\n")
    cio_id = env.get(id="1").cio_id

    result = env.import_text(f"id,email,cio_id,plan\n1,a@x.com,{cio_id},pro\n", by=kind)

    assert (result.counts, result.summary.in_part) == ((0, 1, 0, 0), 0)
    assert env.get(id="1").attributes == {"plan": "pro"}


def test_no_other_column_steps_in_when_asked() -> None:
    result = ImportEnv.of().import_text("id,email\n,a@x.com\n", by=IdentifierKind.ID)

    assert result.counts == (0, 0, 0, 1)
    assert result.rejects.lines[2][1] == "The row identifies no person: there is no value in id."


def test_cio_ids_never_create_anybody() -> None:
    result = ImportEnv.of().import_text("cio_id,plan\nabc,pro\n")

    assert result.counts == (0, 0, 1, 0)
    assert result.rejects.lines[2] == ("skipped", "No person has this cio_id.")


@pytest.mark.parametrize(
    ("mode", "by", "words"),
    [
        (Mode.EMAIL_OR_ID, IdentifierKind.CIO_ID, "the column cio_id, which identifies people, is missing"),
        (Mode.ID_ONLY, IdentifierKind.EMAIL, "in mode IDOnly cannot be referenced by email; use id or cio_id"),
        (Mode.ID_ONLY, None, "the column id or cio_id, which identifies people, is missing"),
    ],
)
def test_files_that_name_nobody_are_refused(env: ImportEnv, by: IdentifierKind | None, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        env.import_text("email\na@x.com\n", by=by)
