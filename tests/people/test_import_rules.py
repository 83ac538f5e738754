"""What identity-rules §3 and §4 say of imports, through a file."""

import pytest

from tests.people.scenes import Place
from workspace_operator.identity import reasons
from workspace_operator.identity.rules import Kind, Mode


def test_rows_create_and_update_people() -> None:
    place = Place.of()
    place.take("id,plan,city\n1,pro,Bern\n")

    taken = place.take("id,plan,city\n1,max,\n2,pro,Rome\n")

    assert taken.counts == (1, 1, 0, 0)
    assert place.everybody() == [
        ("1", None, {"plan": "max", "city": "Bern"}),
        ("2", None, {"plan": "pro", "city": "Rome"}),
    ]


def test_update_creates_nobody() -> None:
    place = Place.of()
    place.take("id,plan\n1,pro\n")

    taken = place.take("id,plan\n1,max\n2,pro\n", update_only=True)

    assert taken.counts == (0, 1, 1, 0)
    assert taken.rejects.lines == {3: ("skipped", reasons.ONLY_UPDATES)}
    assert place.everybody() == [("1", None, {"plan": "max"})]


def test_later_rows_see_earlier_ones() -> None:
    place = Place.of()

    taken = place.take("id,plan\n1,a\n1,b\n1,c\n1,d\n")

    assert taken.counts == (1, 3, 0, 0)
    assert place.everybody() == [("1", None, {"plan": "d"})]


def test_row_that_matches_two_people_is_rejected() -> None:
    place = Place.of()
    place.take("id,email\n1,\n,a@x.com\n")

    taken = place.take("id,email,plan\n1,a@x.com,pro\n")

    assert taken.counts == (0, 0, 0, 1)
    assert taken.rejects.lines == {2: ("rejected", reasons.TWO_PEOPLE)}
    assert place.everybody() == [("1", None, {}), (None, "a@x.com", {})]


@pytest.mark.parametrize("by", [None, Kind.ID, Kind.EMAIL])
def test_new_id_with_the_address_of_another_person_rejects_the_row(by: Kind | None) -> None:
    place = Place.of()

    taken = place.take(
        "id,email,first_name,birthday\nf-1,fam@example.com,Ana,1980-01-01\nf-2,Fam@Example.com,Ben,2010-05-05\n", by=by
    )

    assert taken.counts == (1, 0, 0, 1)
    assert taken.rejects.lines == {3: ("rejected", reasons.address_of_another("f-1"))}
    assert "the address belongs to the person with id 'f-1'" in taken.rejects.lines[3][1]
    assert place.everybody() == [("f-1", "fam@example.com", {"first_name": "Ana", "birthday": "1980-01-01"})]


def test_new_id_with_the_address_of_a_person_without_one_is_theirs() -> None:
    place = Place.of()
    place.take("email\na@x.com\n")

    taken = place.take("id,email,plan\n1,a@x.com,pro\n")

    assert (taken.counts, taken.summary.in_part) == ((0, 1, 0, 0), 0)
    assert place.everybody() == [("1", "a@x.com", {"plan": "pro"})]


def test_person_named_by_cio_id_keeps_the_id_and_gets_the_rest() -> None:
    place = Place.of()
    place.take("id,email\n1,a@x.com\n")
    cio_id = place.known(id="1").cio_id

    taken = place.take(f"cio_id,id,email,plan\n{cio_id},9,a@x.com,pro\n", by=Kind.CIO_ID, update_only=True)

    assert (taken.counts, taken.summary.in_part) == ((0, 1, 0, 0), 1)
    assert place.everybody() == [("1", "a@x.com", {"plan": "pro"})]


def test_generated_ids_are_no_ids_of_files() -> None:
    place = Place.of(Mode.EMAIL_ONLY)

    place.take("id,email,plan\n7,a@x.com,pro\n")
    taken = place.take("id,email,plan\n7,a@x.com,max\n")

    assert (taken.counts, taken.summary.in_part) == ((0, 1, 0, 0), 1)
    assert place.known(email="a@x.com").attributes == {"plan": "max"}


@pytest.mark.parametrize("row", ["1,new@x.com", "7,A@X.com"])
def test_suppressed_identifiers_stay_away(row: str) -> None:
    place = Place.of()
    place.suppress(id="1")
    place.suppress(email="a@x.com")

    by_id = place.take(f"id,email\n{row}\n", by=Kind.ID)
    by_email = place.take(f"id,email\n{row}\n", by=Kind.EMAIL)

    assert by_id.summary.rows == by_email.summary.rows == 1
    assert any("suppressed" in why for _, why in (by_id.rejects.lines | by_email.rejects.lines).values())
    assert place.find(email="a@x.com") is None
    assert place.find(id="1") is None


def test_row_named_by_suppressed_value_is_skipped() -> None:
    place = Place.of()
    place.suppress(email="a@x.com")

    taken = place.take("email,plan\nA@x.com,pro\n")

    assert taken.counts == (0, 0, 1, 0)
    assert taken.rejects.lines == {2: ("skipped", reasons.SUPPRESSED)}


def test_row_taken_in_part_is_told() -> None:
    place = Place.of()
    place.take("id,email\n1,a@x.com\n")

    taken = place.take("id,email,plan\n1,b@x.com,pro\n2,nonsense,max\n")

    assert (taken.counts, taken.summary.in_part) == ((1, 1, 0, 0), 2)
    assert taken.rejects.lines == {
        2: ("in part", f"email: {reasons.EMAIL_BY_IMPORT}"),
        3: ("in part", f"email: {reasons.INVALID_EMAIL}"),
    }
    assert place.everybody() == [("1", "a@x.com", {"plan": "pro"}), ("2", None, {"plan": "max"})]


def test_update_by_cio_id_changes_an_email() -> None:
    place = Place.of()
    place.take("id,email\n1,a@x.com\n")
    cio_id = place.known(id="1").cio_id

    taken = place.take(f"cio_id,id,email\n{cio_id},9,b@x.com\n", by=Kind.CIO_ID, update_only=True)

    assert (taken.counts, taken.summary.in_part) == ((0, 1, 0, 0), 1)
    assert taken.rejects.lines == {2: ("in part", f"id: {reasons.ID_BY_IMPORT}")}
    assert place.everybody() == [("1", "b@x.com", {})]


def test_email_is_an_attribute_in_id_only() -> None:
    place = Place.of(Mode.ID_ONLY)

    taken = place.take("id,email\n1,same@x.com\n2,same@x.com\n3,not an address\n1,\n")

    assert taken.counts == (3, 1, 0, 0)
    assert [email for _, email, _ in place.everybody()] == ["same@x.com", "same@x.com", "not an address"]


def test_rows_are_read_by_the_identifiers_in_force() -> None:
    place = Place.of(Mode.ID_ONLY)
    content = "id,email\n1,one@example.com\n,two@example.com\n3,\n,four@example.com\n"

    taken = place.take(content, batch=2, progress=lambda: place.switch_to(Mode.EMAIL_OR_ID))

    assert taken.counts == (3, 0, 0, 1)
    assert [email for _, email, _ in place.everybody()] == ["one@example.com", None, "four@example.com"]
