import pytest

from tests.identity.builders import LONG_AGO, NOW, person
from workspace_operator.identity.model.person import effective_created_at, same_person
from workspace_operator.identity.values.attributes import AttributeValue


@pytest.mark.parametrize(
    ("created_at", "seconds"),
    [
        (NOW, NOW),
        (str(NOW), NOW),
        (NOW * 1000, NOW),
        (1500000000.9, 1500000000),
        ("2020-01-01", 1577836800),
        (20200101, 1577836800),
        (0, LONG_AGO),
        ("000123", LONG_AGO),
        (2024, LONG_AGO),
        (45322, LONG_AGO),
        ("1969-12-31", LONG_AGO),
        (NOW + 1, LONG_AGO),
        (-1, LONG_AGO),
        ("-1", LONG_AGO),
        ("", LONG_AGO),
        ("1.5", LONG_AGO),
        (" 123", LONG_AGO),
        ("\N{ARABIC-INDIC DIGIT ONE}", LONG_AGO),
        ("\N{SUPERSCRIPT TWO}", LONG_AGO),
        ("9" * 5000, LONG_AGO),
        (True, LONG_AGO),
        (float("nan"), LONG_AGO),
        (float("inf"), LONG_AGO),
        ([123], LONG_AGO),
    ],
)
def test_valid_created_at_is_the_age(created_at: AttributeValue, seconds: int) -> None:
    assert effective_created_at({"created_at": created_at}, inserted_at=LONG_AGO, now=NOW) == seconds


def test_age_without_attribute_is_ours() -> None:
    assert effective_created_at({"plan": "pro"}, inserted_at=LONG_AGO, now=NOW) == LONG_AGO


@pytest.mark.parametrize(
    ("email", "invalid"), [(None, False), ("a@x.org", False), (" A@X.org", False), ("nobody", True), (" ", True)]
)
def test_email_without_key_is_invalid(email: str | None, invalid: bool) -> None:
    assert person("p", "1", email).email_is_invalid is invalid


@pytest.mark.parametrize(
    ("id_", "email", "another"),
    [
        (None, None, False),
        (None, "a@x.org", False),
        ("1", None, False),
        ("1", "a@x.org", False),
        ("@", "a@x.org", False),
        ("a@localhost", "b@x.org", False),
        ("a@x.org", "a@x.org", False),
        ("A@X.ORG", "a@x.org", False),
        ("a@straße.de", "a@xn--strae-oqa.de", False),
        ("a@x.org", None, True),
        ("a@x.org", "nobody", True),
        ("a@x.org", "b@x.org", True),
        ("a@straße.de", "a@strasse.de", True),
    ],
)
def test_id_can_be_another_email(id_: str | None, email: str | None, another: bool) -> None:
    assert person("p", id_, email).id_is_another_email is another


def test_oldest_person_sorts_first() -> None:
    by_attribute = person("c", created_at="1970-01-01T00:01:40")
    stored_first = person("b", inserted_at=150, created_at="1970-01-01T00:03:20")
    stored_together = person("d", inserted_at=150, created_at="1970-01-01T00:03:20")
    youngest = person("a", inserted_at=LONG_AGO)

    ordered = sorted([youngest, stored_together, stored_first, by_attribute], key=lambda one: one.age_key)

    assert [one.cio_id for one in ordered] == ["c", "b", "d", "a"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("pro", "pro", True),
        ("pro", "free", False),
        (1, True, False),
        (1, 1.0, False),
        ([1], [True], False),
        ([1, "a"], [1, "a"], True),
    ],
)
def test_values_of_other_types_differ(one: AttributeValue, other: AttributeValue, same: bool) -> None:
    assert same_person(person("p", plan=one), person("p", plan=other)) is same
