"""Rules over the App API: counted, confirmed with what was seen, and removed."""

import pytest

from tests.api.cleanups.cleanup_client import DRAFT, CleanupClient, error_of
from tests.store.backends import START

NOW = int(START.timestamp())
RULES = f"{DRAFT}/rules"
FIRST = f"{RULES}/1"
CONFIRM = f"{FIRST}/confirm"
SEEN = {"groups": 1, "people": 3}


def test_rule_from_counting_to_removal(draft: CleanupClient) -> None:
    added = draft.post(RULES, {"action": "mergeIntoOldest", "max_people": 5, "suffix": "@EXAMPLE.com"})
    draft.cleanup.work()
    counted = draft.read(FIRST)["rule"]
    confirmed = draft.post(CONFIRM, SEEN)
    draft.cleanup.work()
    decided, decisions = draft.read(RULES)["rules"], draft.read(f"{DRAFT}/decisions")["decisions"]
    removed = draft.delete(FIRST, None)
    draft.cleanup.work()

    assert (added.status_code, added.json()["rule"]["state"]) == (202, "Counting")
    assert counted == {
        "position": 1,
        "state": "Counted",
        "action": "mergeIntoOldest",
        "max_people": 5,
        "equal_attributes": [],
        "not_called_since": None,
        "suffix": "@example.com",
        "groups": 1,
        "people": 3,
        "groups_open": 0,
        "created_at": NOW,
        "created_by": "app key 1",
    }
    assert (confirmed.status_code, confirmed.json()["rule"]["state"]) == (202, "Deciding")
    assert [each["state"] for each in decided] == ["Decided"]
    assert sorted((each["action"], each["rule"]) for each in decisions) == [("keep", 1), ("merge", 1), ("merge", 1)]
    assert (removed.status_code, removed.json()["rule"]["state"]) == (202, "Removing")
    assert draft.read(RULES) == {"rules": []}
    assert draft.read(DRAFT)["cleanup"]["people_blocking_after"] == 5
    entries = draft.read("/v1/audit")["entries"]
    assert [(each["action"], each["detail"]["rule"]) for each in entries] == [("rule_removed", 1), ("rule_added", 1)]


def test_removal_can_be_sent_twice(draft: CleanupClient) -> None:
    draft.post(RULES, {"action": "clearAll"})

    statuses = [draft.delete(FIRST, None).status_code for _ in range(2)]

    assert statuses == [202, 202]
    assert len(draft.read("/v1/audit")["entries"]) == 1


@pytest.mark.parametrize("seen", [{"groups": 2, "people": 3}, {"groups": 1, "people": 2}])
def test_other_counts_are_a_conflict(draft: CleanupClient, seen: dict[str, int]) -> None:
    draft.post(RULES, {"action": "clearAll"})
    draft.cleanup.work()

    response = draft.post(CONFIRM, seen)

    assert response.status_code == 409
    assert "rule 1 decides about 1 groups with 3 people by now" in error_of(response)
    assert draft.read(FIRST)["rule"]["state"] == "Counted"


def test_rule_is_confirmed_as_it_was_seen(draft: CleanupClient) -> None:
    draft.post(RULES, {"action": "mergeIntoOldest", "suffix": "@example.com"})
    draft.cleanup.work()
    seen = draft.read(FIRST)["rule"]
    draft.delete(FIRST, None)
    draft.cleanup.work()
    draft.post(RULES, {"action": "deleteOthers", "suffix": "@example.com"})
    draft.cleanup.work()

    other, wrong = draft.post(CONFIRM, seen), draft.post(CONFIRM, {**SEEN, "action": "explode"})

    assert (other.status_code, wrong.status_code) == (409, 400)
    assert error_of(other).startswith("rule 1 is another one by now, since the former one was removed")
    assert draft.post(CONFIRM, draft.read(FIRST)["rule"]).status_code == 202


def test_rule_is_confirmed_only_after_it_was_counted(draft: CleanupClient) -> None:
    draft.post(RULES, {"action": "clearAll"})

    response = draft.post(CONFIRM, SEEN)

    assert (response.status_code, "rule 1 is Counting" in error_of(response)) == (409, True)


def test_decisions_of_a_cleanup_that_was_discarded_do_not_change(draft: CleanupClient) -> None:
    draft.post(f"{DRAFT}/discard")

    response = draft.post(RULES, {"action": "clearAll"})

    assert response.status_code == 409
    assert "its decisions cannot be changed any more" in error_of(response)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "action null is unknown: use one of mergeIntoOldest, "),
        ({"action": "deleteAll"}, "action 'deleteAll' is unknown"),
        ({"action": "clearAll", "max_person": 3}, "'max_person' is no part of a rule: use action, max_people, "),
        ({"action": "clearAll", "max_people": 1}, "max_people is 1: send a whole number from 2"),
        ({"action": "clearAll", "equal_attributes": "plan"}, "equal_attributes is 'plan': send a list"),
    ],
)
def test_wrong_part_is_named(draft: CleanupClient, body: object, message: str) -> None:
    response = draft.post(RULES, body)

    assert response.status_code == 400
    assert error_of(response).startswith(message)
    assert draft.read(RULES) == {"rules": []}


@pytest.mark.parametrize("body", [{}, {"groups": 1}, {"groups": 1, "people": True}, {"groups": -1, "people": 3}])
def test_counts_must_be_given(draft: CleanupClient, body: object) -> None:
    draft.post(RULES, {"action": "clearAll"})

    response = draft.post(CONFIRM, body)

    assert response.status_code == 400


@pytest.mark.parametrize("position", ["2", "0", "01", "one", "9" * 30])
@pytest.mark.parametrize(
    ("method", "path", "body"), [("GET", "", None), ("POST", "/confirm", SEEN), ("DELETE", "", None)]
)
def test_unknown_rule_is_not_found(draft: CleanupClient, position: str, method: str, path: str, body: object) -> None:
    response = draft.send(method, f"{RULES}/{position}{path}", body)

    assert response.status_code == 404
    assert f"GET {RULES} lists" in error_of(response)
