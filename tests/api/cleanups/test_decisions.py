"""Decisions over the App API: made, refused, replaced, listed and removed, and counted exactly."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.cleanups.cleanup_client import DECISIONS, DRAFT, CleanupClient, error_of
from tests.store.backends import START, Store
from workspace_operator.web.app_api.cleanups.bodies import BODY_LIMIT, MAX_DECISIONS

NOW = int(START.timestamp())


def test_results_are_in_the_order_of_the_request(draft: CleanupClient) -> None:
    response = draft.decide(m_3={"action": "merge", "into": "m-1"}, m_1="keep", m_4="clear")

    ids = draft.cio_ids
    assert response.status_code == 200
    assert response.json()["results"] == [
        {"cio_id": ids["m-3"], "group": "open", "reasons": ["shared"]},
        {"cio_id": ids["m-1"], "group": "open", "reasons": ["shared"]},
        {"cio_id": ids["m-4"], "group": "settled", "reasons": []},
    ]
    cleanup = response.json()["cleanup"]
    assert cleanup == draft.read(DRAFT)["cleanup"]
    assert (cleanup["version"], cleanup["people_blocking_after"]) == (2, 3)
    assert cleanup["decisions"] == {"keep": 1, "merge": 1, "correct": 0, "clear": 1, "delete": 0}


def test_refused_decisions_are_told_and_the_others_made(draft: CleanupClient) -> None:
    response = draft.decide(
        m_1={"action": "correct", "email": "ada@club"},
        m_4="keep",
        m_6="delete",
        m_2={"action": "merge", "into": "m-2"},
        m_3="clear",
    )

    assert response.status_code == 207
    errors = [result.get("error") for result in response.json()["results"]]
    assert errors == [
        "'ada@club' is not a valid address.",
        "Only a person who shares an address can keep it.",
        "This person does not block the change.",
        "A person cannot be merged into itself.",
        None,
    ]
    assert [each["cio_id"] for each in draft.read(DECISIONS)["decisions"]] == [draft.cio_ids["m-3"]]


def test_only_refused_decisions_change_nothing(draft: CleanupClient) -> None:
    before = draft.read(DRAFT)["cleanup"]

    response = draft.decide(m_6="clear")

    assert (response.status_code, response.json()["cleanup"]) == (207, before)
    assert draft.read("/v1/audit")["entries"] == []


def test_person_with_a_prefix(draft: CleanupClient) -> None:
    rows = [{"cio_id": f"cio_{draft.cio_ids['m-2']}", "action": "merge", "into": f"cio_{draft.cio_ids['m-1']}"}]

    response = draft.put(DECISIONS, {"decisions": rows})

    assert response.status_code == 200
    [stored] = draft.read(DECISIONS)["decisions"]
    assert stored == {
        "cio_id": draft.cio_ids["m-2"],
        "action": "merge",
        "email": None,
        "into": draft.cio_ids["m-1"],
        "error": None,
        "rule": None,
        "decided_at": NOW,
        "decided_by": "app key 1",
        "outcome": None,
        "reason": None,
    }


def test_later_decision_replaces_an_earlier_one(draft: CleanupClient) -> None:
    draft.decide(m_4="delete")

    cleanup = draft.decide(m_4={"action": "correct", "email": " M4@example.com "}).json()["cleanup"]

    assert (cleanup["delete_people"], cleanup["decisions"]["correct"]) == (0, 1)
    [stored] = draft.read(DECISIONS)["decisions"]
    assert (stored["action"], stored["email"]) == ("correct", " M4@example.com ")


def test_decisions_are_removed(draft: CleanupClient) -> None:
    draft.decide(m_4="delete", m_2="clear")

    response = draft.delete(DECISIONS, {"cio_ids": [draft.cio_ids["m-4"], draft.cio_ids["m-1"]]})

    assert (response.status_code, response.json()["removed"]) == (200, 1)
    assert response.json()["cleanup"]["delete_people"] == 0
    assert [each["action"] for each in draft.read(DECISIONS)["decisions"]] == ["clear"]


def test_decisions_are_listed_page_by_page(draft: CleanupClient) -> None:
    draft.decide(m_1="keep", m_2="clear", m_3="clear")
    expected = sorted(draft.cio_ids[id_] for id_ in ("m-1", "m-2", "m-3"))

    first = draft.read(DECISIONS, limit=2)
    second = draft.read(DECISIONS, limit=2, after=first["next"])

    assert [each["cio_id"] for each in (*first["decisions"], *second["decisions"])] == expected
    assert (first["next"], second["next"]) == (expected[1], "")
    assert draft.read(DECISIONS, limit=3)["next"] == ""


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "1001"}, {"limit": "x"}, {"after": "a\0"}, {"start": "1"}])
def test_wrong_query_is_refused(draft: CleanupClient, query: Mapping[str, str]) -> None:
    response = draft.get(DECISIONS, **query)

    assert response.status_code == 400
    assert next(iter(query)) in error_of(response)


def test_decisions_while_they_are_counted_again(draft: CleanupClient) -> None:
    draft.decide(m_4="clear")
    draft.post("/v1/migrations/1/retry")
    draft.env.work()
    worker = draft.cleanup.worker(batch=1, stopping=iter([False, True, True, True]).__next__)
    draft.env.store.clock.advance(1)
    worker.work_once()

    response = draft.decide(m_1="keep")

    assert response.json()["cleanup"]["state"] == "Counting"
    assert response.json()["results"][0] == {"cio_id": draft.cio_ids["m-1"], "group": "counting", "reasons": []}
    assert response.json()["cleanup"]["people_blocking_after"] is None


KEEP = {"cio_id": "a", "action": "keep"}
WRONG: list[tuple[str, object]] = [
    ("decisions", {}),
    ("decisions", {"decisions": None}),
    ("decisions", {"decisions": {}}),
    ("decisions", {"decisions": []}),
    ("decisions", {"decisions": [{"cio_id": f"{number}", "action": "keep"} for number in range(MAX_DECISIONS + 1)]}),
    ("decisions[1]", {"decisions": [KEEP, None]}),
    ("decisions[1]", {"decisions": [KEEP, ["b"]]}),
    ("decisions[0].cio_id", {"decisions": [{"action": "keep"}]}),
    ("decisions[0].cio_id", {"decisions": [{"cio_id": 5, "action": "keep"}]}),
    ("decisions[0].cio_id", {"decisions": [{"cio_id": " ", "action": "keep"}]}),
    ("decisions[0].cio_id", {"decisions": [{"cio_id": "cio_", "action": "keep"}]}),
    ("decisions[0].cio_id", {"decisions": [{"cio_id": "x" * 151, "action": "keep"}]}),
    ("decisions[0].cio_id", {"decisions": [{"cio_id": "a\0", "action": "keep"}]}),
    ("decisions[0].cio_id", {"decisions": [{"cio_id": "\ud800", "action": "keep"}]}),
    (
        "decisions[2].cio_id",
        {"decisions": [KEEP, {"cio_id": "b", "action": "keep"}, {"cio_id": "cio_a", "action": "clear"}]},
    ),
    ("decisions[1].action", {"decisions": [KEEP, {"cio_id": "b"}]}),
    ("decisions[0].action", {"decisions": [{"cio_id": "a", "action": "Keep"}]}),
    ("decisions[0].action", {"decisions": [{"cio_id": "a", "action": ["keep"]}]}),
    ("decisions[0].email", {"decisions": [{"cio_id": "a", "action": "correct"}]}),
    ("decisions[0].email", {"decisions": [{"cio_id": "a", "action": "correct", "email": None}]}),
    ("decisions[0].email", {"decisions": [{"cio_id": "a", "action": "correct", "email": 5}]}),
    ("decisions[0].email", {"decisions": [{"cio_id": "a", "action": "correct", "email": "x" * 1001}]}),
    ("decisions[0].email", {"decisions": [{"cio_id": "a", "action": "correct", "email": "a\0@example.com"}]}),
    ("decisions[0].email", {"decisions": [{"cio_id": "a", "action": "clear", "email": "b@example.com"}]}),
    ("decisions[0].into", {"decisions": [{"cio_id": "a", "action": "merge"}]}),
    ("decisions[0].into", {"decisions": [{"cio_id": "a", "action": "merge", "into": {"id": "b"}}]}),
    ("decisions[0].into", {"decisions": [{"cio_id": "a", "action": "merge", "into": ""}]}),
    ("decisions[0].into", {"decisions": [{"cio_id": "a", "action": "delete", "into": "b"}]}),
]


@pytest.mark.parametrize(("field", "body"), WRONG)
def test_wrong_shape_names_its_row_and_field(sql: Store, field: str, body: object) -> None:
    response = CleanupClient.of(sql).put(DECISIONS, body)

    assert response.status_code == 400
    assert error_of(response).split(" ")[0].rstrip(":") == field


def test_wrong_row_makes_no_decision(draft: CleanupClient) -> None:
    rows: list[dict[str, Any]] = [{"cio_id": draft.cio_ids["m-4"], "action": "clear"}, {"cio_id": "b", "action": "?"}]

    assert draft.put(DECISIONS, {"decisions": rows}).status_code == 400
    assert draft.read(DECISIONS)["decisions"] == []


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("cio_ids", {}),
        ("cio_ids", {"cio_ids": []}),
        ("cio_ids", {"cio_ids": [str(number) for number in range(MAX_DECISIONS + 1)]}),
        ("cio_ids[1]", {"cio_ids": ["a", None]}),
        ("cio_ids[1]", {"cio_ids": ["a", "cio_a"]}),
    ],
)
def test_wrong_people_whose_decisions_are_to_be_removed(sql: Store, field: str, body: object) -> None:
    response = CleanupClient.of(sql).delete(DECISIONS, body)

    assert response.status_code == 400
    assert error_of(response).split(" ")[0] == field


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"decisions": ' + b"[" * 60 + b"]" * 60 + b"}"])
def test_body_that_is_no_object(sql: Store, body: bytes) -> None:
    assert CleanupClient.of(sql).put(DECISIONS, body).status_code == 400


def test_largest_body(sql: Store) -> None:
    client = CleanupClient.of(sql)

    too_large = client.put(DECISIONS, b" " * (BODY_LIMIT + 1))
    largest = client.put(DECISIONS, b" " * BODY_LIMIT)

    assert (too_large.status_code, largest.status_code) == (413, 400)


def test_largest_request(sql: Store) -> None:
    people = {f"m-{number}": f"broken {number}" for number in range(MAX_DECISIONS)}
    client = CleanupClient.blocked(sql, people)
    client.post("/v1/cleanups", {"migration": 1})

    rows = [{"cio_id": cio_id, "action": "clear"} for cio_id in client.cio_ids.values()]
    response = client.put(DECISIONS, {"decisions": rows})

    assert response.status_code == 200
    assert response.json()["cleanup"]["people_blocking_after"] == 0
    assert len(client.read(DECISIONS, limit=1000)["decisions"]) == MAX_DECISIONS


def test_count_stays_exact_with_several_clients(sql: Store) -> None:
    pairs = 12
    people = {f"m-{number}": f"pair{number // 2}@example.com" for number in range(2 * pairs)}
    shop = CleanupClient.blocked(sql, people)
    shop.post("/v1/cleanups", {"migration": 1})

    def decide(client: int) -> list[int]:
        """Both clients clear one person of each pair, another one each, and one of them changes its mind."""
        statuses = []
        for pair in range(pairs):
            name = f"m_{2 * pair + client}"
            statuses.append(shop.decide(**{name: "clear"}).status_code)
            if client == pair % 2:
                removed = shop.delete(DECISIONS, {"cio_ids": [shop.cio_ids[name.replace("_", "-")]]})
                statuses.append(removed.status_code)
        return statuses

    with ThreadPoolExecutor(2) as threads:
        statuses = [status for answers in threads.map(decide, range(2)) for status in answers]

    cleanup = shop.read(DRAFT)["cleanup"]
    assert set(statuses) == {200}
    assert (cleanup["decisions"]["clear"], cleanup["people_blocking_after"]) == (pairs, 0)
    # Requests that share a transaction share its version.
    assert 1 + len(statuses) / 2 <= cleanup["version"] <= 1 + len(statuses)


def test_one_person_by_several_clients(draft: CleanupClient) -> None:
    def decide(number: int) -> int:
        return draft.decide(m_4="clear" if number % 2 else "delete").status_code

    with ThreadPoolExecutor(4) as threads:
        statuses = set(threads.map(decide, range(16)))

    cleanup = draft.read(DRAFT)["cleanup"]
    [stored] = draft.read(DECISIONS)["decisions"]
    assert statuses == {200}
    assert cleanup["decisions"] == {
        **dict.fromkeys(("keep", "merge", "correct", "clear", "delete"), 0),
        stored["action"]: 1,
    }
    assert (cleanup["people_blocking_after"], cleanup["version"]) == (4, 17)
