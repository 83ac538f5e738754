import pytest

from tests.people.scenes import Place
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.rules import Kind, Mode


def test_id_names_people_first() -> None:
    place = Place.of()
    place.take("id,email\n1,a@x.com\n")

    place.take("email,id,plan\nb@x.com,1,pro\n")

    assert place.everybody() == [("1", "a@x.com", {"plan": "pro"})]


def test_email_names_where_the_id_is_empty() -> None:
    place = Place.of()

    taken = place.take("id,email,plan\n1,a@x.com,x\n,b@x.com,y\n ,c@x.com,z\n")

    assert taken.counts == (3, 0, 0, 0)
    assert taken.summary.in_part == 0
    assert [email for _, email, _ in place.everybody()] == ["a@x.com", "b@x.com", "c@x.com"]


def test_empty_id_leaves_the_persons_alone() -> None:
    place = Place.of()
    place.take("id,email\n1,a@x.com\n")

    taken = place.take("id,email,plan\n,A@x.com,pro\n")

    assert (taken.counts, taken.summary.in_part) == ((0, 1, 0, 0), 0)
    assert place.known(id="1").attributes == {"plan": "pro"}


def test_cio_id_names_last() -> None:
    place = Place.of()
    place.take("id\n1\n")
    cio_id = place.known(id="1").cio_id

    taken = place.take(f"id,cio_id,plan\n,{cio_id},pro\n,cio_{cio_id},max\n")

    assert taken.counts == (0, 2, 0, 0)
    assert place.known(id="1").attributes == {"plan": "max"}


def test_email_names_first_in_email_only() -> None:
    place = Place.of(Mode.EMAIL_ONLY)

    taken = place.take("id,email\n7,a@x.com\n")

    assert taken.counts == (1, 0, 0, 0)
    assert place.known(email="a@x.com").id != "7"


@pytest.mark.parametrize("kind", list(Kind))
def test_rows_are_named_as_asked(kind: Kind) -> None:
    place = Place.of()
    place.take("id,email\n1,a@x.com\n")
    cio_id = place.known(id="1").cio_id

    taken = place.take(f"id,email,cio_id,plan\n1,a@x.com,{cio_id},pro\n", by=kind)

    assert (taken.counts, taken.summary.in_part) == ((0, 1, 0, 0), 0)
    assert place.known(id="1").attributes == {"plan": "pro"}


def test_no_other_column_steps_in_when_asked() -> None:
    taken = Place.of().take("id,email\n,a@x.com\n", by=Kind.ID)

    assert taken.counts == (0, 0, 0, 1)
    assert taken.rejects.lines[2][1] == "The row names nobody: there is nothing in id."


def test_cio_ids_never_create_anybody() -> None:
    taken = Place.of().take("cio_id,plan\nabc,pro\n")

    assert taken.counts == (0, 0, 1, 0)
    assert taken.rejects.lines[2] == ("skipped", "Nobody has this cio_id.")


@pytest.mark.parametrize(
    ("mode", "by", "words"),
    [
        (Mode.EMAIL_OR_ID, Kind.CIO_ID, "there is no column cio_id to name people by"),
        (Mode.ID_ONLY, Kind.EMAIL, "in mode IDOnly cannot be named by email; use id or cio_id"),
        (Mode.ID_ONLY, None, "there is no column id or cio_id to name people by"),
    ],
)
def test_files_that_name_nobody_are_refused(mode: Mode, by: Kind | None, words: str) -> None:
    place = Place.of(mode)

    with pytest.raises(InvalidInput, match=words):
        place.take("email\na@x.com\n", by=by)
