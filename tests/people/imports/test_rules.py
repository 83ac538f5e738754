"""What identity-rules §3 and §4 say of imports, through a file."""

import pytest

from tests.people.fixtures import ImportEnv
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.rules import IdentifierKind, Mode


def test_rows_create_and_update_people(env: ImportEnv) -> None:
    env.import_text("id,plan,city\n1,pro,Bern\n")

    result = env.import_text("id,plan,city\n1,max,\n2,pro,Rome\n")

    assert result.counts == (1, 1, 0, 0)
    assert env.all_people() == [
        ("1", None, {"plan": "max", "city": "Bern"}),
        ("2", None, {"plan": "pro", "city": "Rome"}),
    ]


def test_update_creates_nobody(env: ImportEnv) -> None:
    env.import_text("id,plan\n1,pro\n")

    result = env.import_text("id,plan\n1,max\n2,pro\n", update_only=True)

    assert result.counts == (0, 1, 1, 0)
    assert result.rejects.lines == {3: ("skipped", refusal_reasons.UPDATE_ONLY)}
    assert env.all_people() == [("1", None, {"plan": "max"})]


def test_later_rows_see_earlier_ones(env: ImportEnv) -> None:
    result = env.import_text("id,plan\n1,a\n1,b\n1,c\n1,d\n")

    assert result.counts == (1, 3, 0, 0)
    assert env.all_people() == [("1", None, {"plan": "d"})]


def test_row_that_matches_two_people_is_rejected(env: ImportEnv) -> None:
    env.import_text("id,email\n1,\n,a@x.com\n")

    result = env.import_text("id,email,plan\n1,a@x.com,pro\n")

    assert result.counts == (0, 0, 0, 1)
    assert result.rejects.lines == {2: ("rejected", refusal_reasons.ROW_MATCHES_TWO_PEOPLE)}
    assert env.all_people() == [("1", None, {}), (None, "a@x.com", {})]


@pytest.mark.parametrize("by", [None, IdentifierKind.ID, IdentifierKind.EMAIL])
def test_new_id_with_the_address_of_another_person_rejects_the_row(env: ImportEnv, by: IdentifierKind | None) -> None:
    result = env.import_text(
        "id,email,first_name,birthday\nf-1,fam@example.com,Ana,1980-01-01\nf-2,Fam@Example.com,Ben,2010-05-05\n", by=by
    )

    assert result.counts == (1, 0, 0, 1)
    assert result.rejects.lines == {3: ("rejected", refusal_reasons.email_of_another_person("f-1"))}
    assert "its email belongs to the person with id 'f-1'" in result.rejects.lines[3][1]
    assert env.all_people() == [("f-1", "fam@example.com", {"first_name": "Ana", "birthday": "1980-01-01"})]


def test_new_id_with_the_address_of_a_person_without_one_is_theirs(env: ImportEnv) -> None:
    env.import_text("email\na@x.com\n")

    result = env.import_text("id,email,plan\n1,a@x.com,pro\n")

    assert (result.counts, result.summary.in_part) == ((0, 1, 0, 0), 0)
    assert env.all_people() == [("1", "a@x.com", {"plan": "pro"})]


def test_person_named_by_cio_id_keeps_the_id_and_gets_the_rest(env: ImportEnv) -> None:
    env.import_text("id,email\n1,a@x.com\n")
    cio_id = env.get(id="1").cio_id

    result = env.import_text(
        f"cio_id,id,email,plan\n{cio_id},9,a@x.com,pro\n", by=IdentifierKind.CIO_ID, update_only=True
    )

    assert (result.counts, result.summary.in_part) == ((0, 1, 0, 0), 1)
    assert env.all_people() == [("1", "a@x.com", {"plan": "pro"})]


def test_generated_ids_are_no_ids_of_files() -> None:
    env = ImportEnv.of(Mode.EMAIL_ONLY)

    env.import_text("id,email,plan\n7,a@x.com,pro\n")
    result = env.import_text("id,email,plan\n7,a@x.com,max\n")

    assert (result.counts, result.summary.in_part) == ((0, 1, 0, 0), 1)
    assert env.get(email="a@x.com").attributes == {"plan": "max"}


@pytest.mark.parametrize("row", ["1,new@x.com", "7,A@X.com"])
def test_suppressed_identifiers_stay_away(env: ImportEnv, row: str) -> None:
    env.suppress(id="1")
    env.suppress(email="a@x.com")

    by_id = env.import_text(f"id,email\n{row}\n", by=IdentifierKind.ID)
    by_email = env.import_text(f"id,email\n{row}\n", by=IdentifierKind.EMAIL)

    assert by_id.summary.rows == by_email.summary.rows == 1
    assert any("suppressed" in why for _, why in (by_id.rejects.lines | by_email.rejects.lines).values())
    assert env.find(email="a@x.com") is None
    assert env.find(id="1") is None


def test_row_named_by_suppressed_value_is_skipped(env: ImportEnv) -> None:
    env.suppress(email="a@x.com")

    result = env.import_text("email,plan\nA@x.com,pro\n")

    assert result.counts == (0, 0, 1, 0)
    assert result.rejects.lines == {2: ("skipped", refusal_reasons.SUPPRESSED)}


def test_row_taken_in_part_is_reported(env: ImportEnv) -> None:
    env.import_text("id,email\n1,a@x.com\n")

    result = env.import_text("id,email,plan\n1,b@x.com,pro\n2,nonsense,max\n")

    assert (result.counts, result.summary.in_part) == ((1, 1, 0, 0), 2)
    assert result.rejects.lines == {
        2: ("in part", f"email: {refusal_reasons.EMAIL_BY_IMPORT}"),
        3: ("in part", f"email: {refusal_reasons.INVALID_EMAIL}"),
    }
    assert env.all_people() == [("1", "a@x.com", {"plan": "pro"}), ("2", None, {"plan": "max"})]


def test_update_by_cio_id_changes_an_email(env: ImportEnv) -> None:
    env.import_text("id,email\n1,a@x.com\n")
    cio_id = env.get(id="1").cio_id

    result = env.import_text(f"cio_id,id,email\n{cio_id},9,b@x.com\n", by=IdentifierKind.CIO_ID, update_only=True)

    assert (result.counts, result.summary.in_part) == ((0, 1, 0, 0), 1)
    assert result.rejects.lines == {2: ("in part", f"id: {refusal_reasons.ID_BY_IMPORT}")}
    assert env.all_people() == [("1", "b@x.com", {})]


def test_email_is_an_attribute_in_id_only() -> None:
    env = ImportEnv.of(Mode.ID_ONLY)

    result = env.import_text("id,email\n1,same@x.com\n2,same@x.com\n3,not an address\n1,\n")

    assert result.counts == (3, 1, 0, 0)
    assert [email for _, email, _ in env.all_people()] == ["same@x.com", "same@x.com", "not an address"]


def test_rows_are_read_by_the_identifiers_in_force() -> None:
    env = ImportEnv.of(Mode.ID_ONLY)
    content = "id,email\n1,one@example.com\n,two@example.com\n3,\n,four@example.com\n"

    result = env.import_text(content, batch=2, progress=lambda: env.set_mode(Mode.EMAIL_OR_ID))

    assert result.counts == (3, 0, 0, 1)
    assert [email for _, email, _ in env.all_people()] == ["one@example.com", None, "four@example.com"]
