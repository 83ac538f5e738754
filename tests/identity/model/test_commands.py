import pytest

from tests.identity.builders import reference_by
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.commands import (
    ABSENT,
    DELETE,
    IdentifierValue,
    identify_from_fields,
    identify_from_request,
)


def test_body_without_identifiers_requests_none() -> None:
    command = identify_from_fields(reference_by("id", "1"), {"plan": "pro", "note": None})

    assert (command.id, command.email, command.cio_id, command.email_key) == (ABSENT, ABSENT, ABSENT, None)
    assert command.attributes == {"plan": "pro", "note": None}
    assert (command.update_only, command.by_import) == (False, False)


@pytest.mark.parametrize("name", ["id", "email", "cio_id"])
@pytest.mark.parametrize(
    ("raw", "update"),
    [("x", "x"), (7, "7"), (7.0, "7"), ("", DELETE), (" ", DELETE), ("\u200b", DELETE), (None, DELETE)],
)
def test_identifiers_leave_the_attributes(name: str, raw: object, update: IdentifierValue) -> None:
    command = identify_from_fields(reference_by("id", "1"), {name: raw, "plan": "pro"})

    assert getattr(command, name) == update
    assert command.attributes == {"plan": "pro"}


@pytest.mark.parametrize(("name", "update"), [("id", "\xa0x "), ("cio_id", "\xa0x "), ("email", "x")])
def test_white_space_around_an_email_is_nothing(name: str, update: str) -> None:
    command = identify_from_fields(reference_by("id", "1"), {name: "\xa0x "})

    assert getattr(command, name) == update


@pytest.mark.parametrize(
    ("email", "text"), [(True, "true"), (["a@x.org"], '["a@x.org"]'), ({"ä": 1}, '{"ä":1}'), ([], "[]")]
)
def test_odd_emails_are_their_json(email: object, text: str) -> None:
    command = identify_from_fields(reference_by("id", "1"), {"email": email})

    assert (command.email, command.non_text_email, command.email_key) == (text, email, None)


@pytest.mark.parametrize(("email", "key"), [("A@X.org", "a@x.org"), ("nobody", None), (None, None)])
def test_email_comes_with_its_key(email: object, key: str | None) -> None:
    assert identify_from_fields(reference_by("id", "1"), {"email": email}).email_key == key


def test_options_are_kept() -> None:
    command = identify_from_fields(
        reference_by("id", "1"), {}, update_only=True, by_import=True, timestamp=17, anonymous_id="x"
    )

    assert (command.update_only, command.by_import) == (True, True)
    assert (command.timestamp, command.anonymous_id) == (17, "x")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": "a" * 151}, "row.id"),
        ({"cio_id": "a" * 151}, "row.cio_id"),
        ({"email": "a" * 1001}, "row.email"),
        ({"email": ["a" * 1001]}, "row.email"),
        ({"id": ["1"]}, "row.id"),
        ({"id": "1", "plan": "x" * 1001}, "row.plan"),
    ],
)
def test_bad_bodies_are_refused(body: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        identify_from_fields(reference_by("id", "1"), body, field="row")

    assert caught.value.field == field


META = {"_timestamp": "1700000000", "_update": True, "anonymous_id": 7}


def test_meta_names_are_plain_in_files() -> None:
    command = identify_from_fields(reference_by("id", "1"), META)

    assert command.attributes == META
    assert (command.timestamp, command.update_only, command.anonymous_id) == (None, False, None)


def test_meta_names_speak_of_the_call() -> None:
    command = identify_from_request(reference_by("id", "1"), {**META, "id": "2", "plan": "pro"})

    assert (command.timestamp, command.update_only, command.anonymous_id) == (1_700_000_000, True, "7")
    assert (command.id, command.attributes) == ("2", {"anonymous_id": 7, "plan": "pro"})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"_timestamp": None},
        {"_timestamp": ""},
        {"_update": False},
        {"_update": None},
        {"anonymous_id": " "},
    ],
)
def test_meta_names_may_say_nothing(body: dict[str, object]) -> None:
    command = identify_from_request(reference_by("id", "1"), body)

    assert (command.timestamp, command.update_only, command.anonymous_id) == (None, False, None)
    assert set(command.attributes) <= {"anonymous_id"}


@pytest.mark.parametrize(
    ("said", "update_only"),
    [("true", True), ("TRUE", True), ("1", True), (1, True), ("false", False), ("0", False), (0, False), ("", False)],
)
def test_update_may_be_text(said: object, update_only: bool) -> None:
    assert identify_from_request(reference_by("id", "1"), {"_update": said}).update_only is update_only


@pytest.mark.parametrize("said", ["undefined", "NULL", "[object Object]", "NaN", "None"])
def test_unset_anonymous_id_is_left_out(said: str) -> None:
    command = identify_from_request(reference_by("id", "1"), {"anonymous_id": said, "plan": "pro"})

    assert (command.anonymous_id, command.attributes, command.ignored_parts) == (
        None,
        {"plan": "pro"},
        ("anonymous-id",),
    )


def test_update_may_be_requested_from_outside() -> None:
    assert identify_from_request(reference_by("id", "1"), {"_update": False}, update_only=True).update_only


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"_timestamp": "today"}, "attributes._timestamp", "is no time: send ISO 8601"),
        ({"_timestamp": -1}, "attributes._timestamp", "is no time"),
        ({"_update": "yes"}, "attributes._update", "is 'yes': send true or false"),
        ({"_update": 2}, "attributes._update", "is 2: send true or false"),
        ({"anonymous_id": ["x"]}, "attributes.anonymous_id", "send text or a number"),
        ({"anonymous_id": "x" * 151}, "attributes.anonymous_id", "151 bytes"),
    ],
)
def test_bad_meta_values_are_refused(body: dict[str, object], field: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        identify_from_request(reference_by("id", "1"), body)

    assert caught.value.field == field
