"""What an undo of an import restores: the rows of imports §6."""

from dataclasses import replace

import pytest

from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.working_set import Suppression, WorkingSet
from workspace_operator.identity.values.rules import EMAIL, ID, IdentifierKind, Mode
from workspace_operator.imports.undo import ImportRecord, Undone, may_delete, undo_change

NOW = 2_000_000_000
ADA = Person(
    cio_id="c1",
    id="m-1",
    email="ada@club.example",
    email_key="ada@club.example",
    attributes={"plan": "gold", "city": "Kiel"},
    inserted_at=1_000_000_000,
    created_at=1_000_000_000,
    attribute_timestamps={"plan": 1_500_000_000.0},
)
IMPORTED = replace(
    ADA,
    id="m-2",
    email="new@club.example",
    email_key="new@club.example",
    attributes={"plan": "silver", "note": "x"},
    attribute_timestamps={"plan": 1_900_000_000.0, "note": 1_900_000_000.0, "city": 1_900_000_000.0},
)
RECORD = ImportRecord(position=1, before=ADA, after=IMPORTED)


def undone(
    now_is: Person | None,
    *others: Person,
    mode: Mode = Mode.EMAIL_OR_ID,
    suppressed: tuple[tuple[IdentifierKind, str], ...] = (),
    record: ImportRecord = RECORD,
) -> tuple[Undone, Person | None]:
    """Undo the import of a person who is like this by now; the result, and the person afterwards."""
    people = [*others, *([] if now_is is None else [now_is])]
    suppressions = [Suppression(kind=kind, key=key, suppression_id="s1") for kind, key in suppressed]
    working_set = WorkingSet(mode=mode, people=people, suppressions=suppressions)
    result = undo_change(working_set, record, now=NOW)
    return result, working_set.people.get("c1")


def other(**values: object) -> Person:
    return replace(ADA, **{"cio_id": "c2", "id": None, "email": None, "email_key": None, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", Mode)
def test_unchanged_person_is_exactly_as_before(mode: Mode) -> None:
    assert undone(IMPORTED, mode=mode) == (Undone.WHOLE, ADA)


def test_new_value_stays_and_the_rest_comes_back() -> None:
    changed = replace(IMPORTED, attributes={**IMPORTED.attributes, "plan": "bronze", "age": 4})

    result, person = undone(changed)

    assert result is Undone.IN_PART
    assert person is not None
    assert (person.id, person.email, person.attributes) == (
        "m-1",
        "ada@club.example",
        {"plan": "bronze", "age": 4, "city": "Kiel"},
    )
    assert person.attribute_timestamps == {"plan": 1_900_000_000.0}


def test_new_attribute_alone_keeps_nothing_from_coming_back() -> None:
    result, person = undone(replace(IMPORTED, attributes={**IMPORTED.attributes, "age": 4}))

    assert result is Undone.WHOLE
    assert person is not None
    assert person.attributes == {"plan": "gold", "age": 4, "city": "Kiel"}


def test_everything_changed_since_stays() -> None:
    changed = replace(
        IMPORTED, id="m-9", email=None, email_key=None, attributes={"plan": "a", "note": "b", "city": "c"}
    )

    assert undone(changed) == (Undone.NOT, changed)


def test_person_that_is_as_before_already_counts_as_undone() -> None:
    assert undone(ADA) == (Undone.WHOLE, ADA)


def test_person_who_is_gone_is_not_undone() -> None:
    assert undone(None) == (Undone.NOT, None)


def test_person_whom_the_import_made_is_no_change() -> None:
    assert undone(IMPORTED, record=replace(RECORD, before=None))[0] is Undone.NOT


@pytest.mark.parametrize(
    ("others", "suppressed", "expected"),
    [
        ((other(id="m-1"),), (), ("m-2", "ada@club.example")),
        ((other(email="Ada@Club.example", email_key="ada@club.example"),), (), ("m-1", "new@club.example")),
        ((), ((ID, "m-1"),), ("m-2", "ada@club.example")),
        ((), ((EMAIL, "ada@club.example"),), ("m-1", "new@club.example")),
    ],
)
def test_identifier_that_is_not_available_is_kept(
    others: tuple[Person, ...], suppressed: tuple[tuple[IdentifierKind, str], ...], expected: tuple[str, str]
) -> None:
    result, person = undone(IMPORTED, *others, suppressed=suppressed)

    assert result is Undone.IN_PART
    assert person is not None
    assert (person.id, person.email) == expected
    assert person.attributes == ADA.attributes


def test_address_of_somebody_else_comes_back_where_it_is_no_identifier() -> None:
    sharer = other(email="ada@club.example", email_key="ada@club.example")

    assert undone(IMPORTED, sharer, mode=Mode.ID_ONLY)[0] is Undone.WHOLE


def test_suppressed_address_does_not_come_back_in_any_mode() -> None:
    result, person = undone(IMPORTED, mode=Mode.ID_ONLY, suppressed=((EMAIL, "ada@club.example"),))

    assert result is Undone.IN_PART
    assert person is not None
    assert person.email == "new@club.example"


@pytest.mark.parametrize(("mode", "expected"), [(Mode.ID_ONLY, Undone.WHOLE), (Mode.EMAIL_OR_ID, Undone.IN_PART)])
def test_invalid_address_comes_back_where_it_is_no_identifier(mode: Mode, expected: Undone) -> None:
    record = replace(RECORD, before=replace(ADA, email="broken@", email_key=None))

    assert undone(IMPORTED, mode=mode, record=record)[0] is expected


def test_missing_address_comes_back() -> None:
    before = replace(ADA, email=None, email_key=None)

    assert undone(IMPORTED, record=replace(RECORD, before=before)) == (Undone.WHOLE, before)


def test_id_that_would_be_another_address_is_kept() -> None:
    """The import corrected both; the address was suppressed since, so that the id cannot come back alone."""
    before = replace(ADA, id="ada@club.example")

    result, person = undone(IMPORTED, record=replace(RECORD, before=before), suppressed=((EMAIL, "ada@club.example"),))

    assert result is Undone.IN_PART
    assert person is not None
    assert (person.id, person.email) == ("m-2", "new@club.example")


def test_time_of_creation_comes_back() -> None:
    before = replace(ADA, attributes={"created_at": 900_000_000}, created_at=900_000_000)
    after = replace(before, attributes={"created_at": 800_000_000}, created_at=800_000_000)
    record = ImportRecord(position=1, before=before, after=after)

    result, person = undone(
        replace(after, attributes={**after.attributes, "x": "y"}, created_at=800_000_000), record=record
    )

    assert result is Undone.WHOLE
    assert person is not None
    assert person.created_at == 900_000_000


@pytest.mark.parametrize(
    ("person", "has_more", "expected"),
    [
        (IMPORTED, False, True),
        (IMPORTED, True, False),
        (None, False, False),
        (replace(IMPORTED, attributes={**IMPORTED.attributes, "age": 4}), False, False),
        (replace(IMPORTED, email=None, email_key=None), False, False),
        (replace(IMPORTED, attribute_timestamps=None), False, True),
    ],
)
def test_person_whom_the_import_made(person: Person | None, has_more: bool, expected: bool) -> None:
    record = ImportRecord(position=1, before=None, after=IMPORTED)

    assert may_delete(person, record, has_more=has_more) is expected
