"""People are found over the App API, in every identifier mode; those who block the change are marked."""

import pytest

from tests.api.cleanups.cleanup_client import ADA, CleanupClient

PATH = "/v1/people"


def ids(document: dict[str, list[dict[str, object]]]) -> list[object]:
    return [person["id"] for person in document["people"]]


def test_person_is_found_by_id(shop: CleanupClient) -> None:
    document = shop.read(PATH, id="m-4")

    [person] = document["people"]
    assert isinstance(person.pop("created_at"), int)
    assert person == {
        "cio_id": shop.cio_ids["m-4"],
        "id": "m-4",
        "email": "broken@",
        "violations": ["invalidEmail"],
    }
    assert document["next"] == ""


def test_people_are_found_by_address_where_it_is_an_attribute(shop: CleanupClient) -> None:
    document = shop.read(PATH, email=ADA.upper())

    assert ids(document) == ["m-1", "m-2", "m-3"]
    assert {tuple(person["violations"]) for person in document["people"]} == {("duplicateEmail",)}


def test_people_are_found_by_the_beginning(shop: CleanupClient) -> None:
    assert ids(shop.read(PATH, prefix="oth")) == ["other@example.com"]
    assert ids(shop.read(PATH, prefix="ada@")) == ["m-1", "m-2", "m-3"]
    assert shop.read(PATH, prefix="free@")["people"][0]["violations"] == []


def test_nobody_is_an_empty_page(shop: CleanupClient) -> None:
    assert shop.read(PATH, id="nobody") == {"people": [], "next": ""}


def test_pages_follow_one_another(shop: CleanupClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace_operator.web.app_api.people.PAGE", 2)

    first = shop.read(PATH, prefix="ada@")
    second = shop.read(PATH, prefix="ada@", after=first["next"])

    assert (ids(first), ids(second), second["next"]) == (["m-1", "m-2"], ["m-3"], "")


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({}, "give one of id, email, prefix, not 0 of them"),
        ({"id": "1", "email": ADA}, "give one of id, email, prefix, not 2 of them"),
        ({"id": " "}, "id is empty"),
        ({"id": "x" * 1001}, "id"),
        ({"email": "broken@"}, "email 'broken@' is not a valid email address: correct it"),
        ({"prefix": "ad"}, "prefix 'ad' is too short: send at least 3 characters"),
        ({"prefix": "ada@", "after": "x"}, "after 'x' is no page: use the value of next of the page before"),
        ({"prefix": "ada@", "after": "WyJpZCIsMSwyXQ"}, "after 'WyJpZCIsMSwyXQ' is no page"),
        ({"prefix": "ada@", "after": "W10"}, "after 'W10' is no page"),
        ({"prefix": "ada@", "after": "x" * 2001}, "is no page"),
        ({"name": "Ada"}, "the query parameter 'name' is unknown"),
    ],
)
def test_wrong_query_is_refused(shop: CleanupClient, query: dict[str, str], detail: str) -> None:
    answer = shop.get(PATH, **query)

    assert answer.status_code == 400
    assert detail in answer.json()["meta"]["error"]


def test_position_of_another_search_is_the_end(shop: CleanupClient) -> None:
    after = "WyJjaW9faWQiLCIiLCIiXQ"  # ["cio_id","",""]

    assert shop.read(PATH, prefix="ada@", after=after) == {"people": [], "next": ""}
