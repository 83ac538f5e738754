import pytest

from tests.identity.builders import by
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.calls import ABSENT, DELETE, IdentifierWish, identify_call


def test_body_without_identifiers_wishes_none() -> None:
    call = identify_call(by("id", "1"), {"plan": "pro", "note": None})

    assert (call.id, call.email, call.cio_id, call.email_key) == (ABSENT, ABSENT, ABSENT, None)
    assert call.attributes == {"plan": "pro", "note": None}
    assert (call.update_only, call.by_import) == (False, False)


@pytest.mark.parametrize("name", ["id", "email", "cio_id"])
@pytest.mark.parametrize(
    ("raw", "wish"), [("x", "x"), (" x", " x"), (7, "7"), ("", DELETE), (" ", DELETE), (None, DELETE)]
)
def test_identifiers_leave_the_attributes(name: str, raw: object, wish: IdentifierWish) -> None:
    call = identify_call(by("id", "1"), {name: raw, "plan": "pro"})

    assert getattr(call, name) == wish
    assert call.attributes == {"plan": "pro"}


@pytest.mark.parametrize(("email", "key"), [("A@X.org", "a@x.org"), ("nobody", None), (None, None)])
def test_email_comes_with_its_key(email: object, key: str | None) -> None:
    assert identify_call(by("id", "1"), {"email": email}).email_key == key


def test_options_are_kept() -> None:
    call = identify_call(by("id", "1"), {}, update_only=True, by_import=True)

    assert (call.update_only, call.by_import) == (True, True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": "a" * 151}, "row.id"),
        ({"cio_id": "a" * 151}, "row.cio_id"),
        ({"email": "a" * 1001}, "row.email"),
        ({"email": True}, "row.email"),
        ({"id": ["1"]}, "row.id"),
        ({"id": "1", "plan": "x" * 1001}, "row.plan"),
    ],
)
def test_bad_bodies_are_refused(body: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        identify_call(by("id", "1"), body, field="row")

    assert caught.value.field == field
