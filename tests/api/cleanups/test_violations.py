"""The people that block a change, over the App API: every group once, with its decisions."""

import base64
import json
from typing import Any

import pytest

from tests.api.cleanups.cleanup_client import ADA, BOB, VIOLATIONS, CleanupClient, error_of
from tests.store.backends import START, Store
from workspace_operator.web.app_api.cleanups.violation_pages import MAX_MEMBERS

CROWD = {f"c-{number:02}": BOB for number in range(MAX_MEMBERS + 3)}


def pages(shop: CleanupClient, **query: str | int) -> list[dict[str, Any]]:
    """The groups of all pages."""
    page = shop.read(VIOLATIONS, **query)
    groups = list(page["groups"])
    while page["next"]:
        page = shop.read(VIOLATIONS, **{**query, "after": page["next"]})
        groups += page["groups"]
    return groups


def ids(groups: list[dict[str, Any]]) -> list[list[str]]:
    return [[member["id"] for member in group["members"]] for group in groups]


ALL = [["m-4"], ["m-1", "m-2", "m-3"], ["other@example.com"]]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_every_group_once(shop: CleanupClient, limit: int) -> None:
    assert ids(pages(shop, limit=limit)) == ALL


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("duplicateEmail", ALL[1:2]), ("invalidEmail", ALL[:1]), ("suppressedEmail", []), ("idIsAnotherEmail", ALL[2:])],
)
def test_groups_of_a_kind(shop: CleanupClient, kind: str, expected: list[list[str]]) -> None:
    assert ids(pages(shop, kind=kind, limit=1)) == expected


def test_group_without_a_draft(shop: CleanupClient) -> None:
    shop.env.identify_person(id="m-1", body={"first_name": "Ada", "visits": 3})

    page = shop.read(VIOLATIONS, **{"with": "first_name,visits,none"})

    assert (page["export"], page["cleanup"], page["next"]) == (1, None, "")
    group = page["groups"][1]
    members = group.pop("members")
    assert group == {"key": ADA, "email": ADA, "people": 3, "decisions": 0, "group": "open", "reasons": []}
    assert members[0] == {
        "cio_id": shop.cio_ids["m-1"],
        "id": "m-1",
        "email": ADA,
        "created_at": int(START.timestamp()),
        "violations": ["duplicateEmail"],
        "last_call": None,
        "decision": None,
        "attributes": {"first_name": "Ada", "visits": "3"},
    }
    assert members[1]["attributes"] == {}


def test_person_without_a_valid_address_is_a_group(shop: CleanupClient) -> None:
    group = shop.read(VIOLATIONS)["groups"][0]

    assert (group["key"], group["email"], group["people"]) == (shop.cio_ids["m-4"], None, 1)
    assert (group["members"][0]["email"], group["members"][0]["violations"]) == ("broken@", ["invalidEmail"])


def test_groups_with_the_decisions_of_the_draft(draft: CleanupClient) -> None:
    draft.decide(m_1="keep", m_2={"action": "merge", "into": "m-1"}, m_4="clear")

    page = draft.read(VIOLATIONS)

    alone, shared, undecided = page["groups"]
    assert page["cleanup"] == 1
    assert (alone["group"], alone["reasons"], alone["decisions"]) == ("settled", [], 1)
    assert (shared["group"], shared["reasons"], shared["decisions"]) == ("open", ["shared"], 2)
    assert [member["decision"] and member["decision"]["action"] for member in shared["members"]] == [
        "keep",
        "merge",
        None,
    ]
    assert shared["members"][1]["decision"]["into"] == draft.cio_ids["m-1"]
    assert (undecided["group"], undecided["reasons"]) == ("open", [])


def test_groups_while_decisions_are_counted_again(draft: CleanupClient) -> None:
    draft.decide(m_4="clear")
    draft.post("/v1/migrations/1/retry")
    draft.env.work()

    before = draft.read(VIOLATIONS)["groups"]
    draft.cleanup.work()
    after = draft.read(VIOLATIONS)["groups"]

    assert [group["group"] for group in before] == ["counting", "open", "open"]
    assert [group["group"] for group in after] == ["settled", "open", "open"]


def test_discarded_draft_is_not_shown(draft: CleanupClient) -> None:
    draft.decide(m_4="clear")
    draft.post("/v1/cleanups/1/discard")

    page = draft.read(VIOLATIONS)

    assert page["cleanup"] is None
    assert page["groups"][0]["members"][0]["decision"] is None


def test_first_people_of_a_large_group_and_then_all(sql: Store) -> None:
    shop = CleanupClient.blocked(sql, CROWD)

    [group] = shop.read(VIOLATIONS)["groups"]
    listed = pages(shop, group=BOB, limit=5)

    assert (group["people"], len(group["members"])) == (len(CROWD), MAX_MEMBERS)
    assert [len(page["members"]) for page in listed] == [5, 5, 3]
    assert [id_ for page in ids(listed) for id_ in page] == list(CROWD)
    assert {page["people"] for page in listed} == {len(CROWD)}


def test_page_that_is_just_full_is_the_last(sql: Store) -> None:
    shop = CleanupClient.blocked(sql, CROWD)

    assert shop.read(VIOLATIONS, group=BOB, limit=len(CROWD))["next"] == ""
    assert shop.read(VIOLATIONS, limit=1)["next"] == ""


def test_group_of_one_person(shop: CleanupClient) -> None:
    page = shop.read(VIOLATIONS, group=shop.cio_ids["m-4"], limit=1)

    assert (ids(page["groups"]), page["next"]) == ([["m-4"]], "")


def test_group_that_does_not_block_is_not_found(shop: CleanupClient) -> None:
    assert shop.get(VIOLATIONS, group="free@example.com").status_code == 404
    assert shop.get(VIOLATIONS, group="").status_code == 404


def test_change_that_nobody_blocks(shop: CleanupClient) -> None:
    for id_ in ("m-2", "m-3", "m-4", "other@example.com"):
        shop.env.delete(id=id_)
    shop.cleanup.check_again()

    nobody: dict[str, Any] = {"export": None, "cleanup": None, "calls_recorded_since": None, "groups": [], "next": ""}
    assert shop.read(VIOLATIONS) == nobody
    assert shop.get(VIOLATIONS, group=ADA).status_code == 404


def position(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


WRONG = [
    ("kind", "duplicate"),
    ("kind", ""),
    ("limit", "0"),
    ("limit", "101"),
    ("limit", "many"),
    ("with", "email"),
    ("with", ",".join(f"a{number}" for number in range(11))),
    ("with", "x" * 151),
    ("group", "x" * 1001),
    ("group", "a\0b"),
    ("after", "x"),
    ("after", "é"),
    ("after", "A" * 2001),
    ("after", position()),
    ("after", position(5)),
    ("after", position("a", "b")),
    ("after", position(True, "b")),
    ("after", position(2**63, "b")),
    ("after", position(1, "b" * 151)),
    ("after", position(1, "b\0")),
    ("after", position("b\0")),
    ("after", position("a" * 1001)),
    ("after", base64.urlsafe_b64encode(b"[" * 1400).decode()),
    ("after", base64.urlsafe_b64encode(b"null").decode()),
    ("after", base64.urlsafe_b64encode(b'{"a": 1}').decode()),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_wrong_parameter_is_refused(shop: CleanupClient, name: str, value: str) -> None:
    response = shop.get(VIOLATIONS, **{name: value})

    assert response.status_code == 400
    assert error_of(response).startswith(name)


@pytest.mark.parametrize("after", ["x", position("a@example.com"), position(True, "b"), position(1, 2)])
def test_wrong_position_in_a_group_is_refused(shop: CleanupClient, after: str) -> None:
    response = shop.get(VIOLATIONS, group=ADA, after=after)

    assert (response.status_code, error_of(response)[:5]) == (400, "after")


def test_kind_and_group_exclude_each_other(shop: CleanupClient) -> None:
    assert shop.get(VIOLATIONS, group=ADA, kind="duplicateEmail").status_code == 400
    assert shop.get(VIOLATIONS, find="m-1").status_code == 400
