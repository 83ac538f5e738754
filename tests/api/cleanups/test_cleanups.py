"""Cleanups over the App API: opened, applied, stopped, undone and discarded."""

from datetime import timedelta

import pytest

from tests.api.cleanups.cleanup_client import DRAFT, CleanupClient, error_of
from tests.store.backends import START, Store
from tests.store.cleanups.cleanup_env import UNDO_PERIOD
from workspace_operator.identity.values.rules import Mode

NOW = int(START.timestamp())
KEY = "app key 1"


def test_cleanup_is_opened_once(shop: CleanupClient) -> None:
    first = shop.post("/v1/cleanups", {"migration": 1})
    second = shop.post("/v1/cleanups", {"migration": 1})

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json() == shop.read(DRAFT)
    assert first.json()["cleanup"] == {
        "number": 1,
        "migration": 1,
        "state": "Draft",
        "version": 1,
        "decisions": {"keep": 0, "merge": 0, "correct": 0, "clear": 0, "delete": 0},
        "refused": 0,
        "delete_people": 0,
        "people_blocking": 5,
        "people_blocking_after": 5,
        "applied": 0,
        "skipped": 0,
        "undone": 0,
        "undone_in_part": 0,
        "not_undone": 0,
        "created_at": NOW,
        "created_by": KEY,
        "applied_at": None,
        "applied_by": None,
        "ended_at": None,
        "undo_until": None,
    }


def test_cleanups_are_listed_newest_first(draft: CleanupClient) -> None:
    draft.post(f"{DRAFT}/discard")
    draft.post("/v1/cleanups", {"migration": 1})

    listed = draft.read("/v1/cleanups")["cleanups"]

    assert [(each["number"], each["state"]) for each in listed] == [(2, "Draft"), (1, "Discarded")]


def test_only_the_blocked_change_is_cleaned_up(shop: CleanupClient) -> None:
    other = shop.post("/v1/cleanups", {"migration": 2})
    shop.env.cancel()
    ended = shop.post("/v1/cleanups", {"migration": 1})

    assert (other.status_code, ended.status_code) == (409, 409)
    assert "people block identifier change 1, not 2" in error_of(other)
    assert shop.read("/v1/cleanups") == {"cleanups": []}


@pytest.mark.parametrize("migration", [None, 0, -1, 10**18, 1.5, True, "1", [1], {}])
def test_wrong_migration_is_refused(shop: CleanupClient, migration: object) -> None:
    response = shop.post("/v1/cleanups", {"migration": migration})

    assert response.status_code == 400
    assert error_of(response).startswith("migration is ")


@pytest.mark.parametrize("number", ["2", "01", "0", "-1", "one", "9" * 30, "%20"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/decisions", None),
        ("PUT", "/decisions", {"decisions": [{"cio_id": "a", "action": "keep"}]}),
        ("DELETE", "/decisions", {"cio_ids": ["a"]}),
        ("POST", "/apply", {"version": 1}),
        ("POST", "/stop", None),
        ("POST", "/undo", None),
        ("POST", "/discard", None),
        ("GET", "/undo_preview", None),
        ("GET", "/rules", None),
        ("POST", "/rules", {"action": "clearAll"}),
        ("GET", "/rules/1", None),
        ("POST", "/rules/1/confirm", {"groups": 1, "people": 3}),
        ("DELETE", "/rules/1", None),
    ],
)
def test_unknown_cleanup_is_not_found(sql: Store, number: str, method: str, path: str, body: object) -> None:
    response = CleanupClient.of(sql).send(method, f"/v1/cleanups/{number}{path}", body)

    assert response.status_code == 404
    assert "GET /v1/cleanups lists" in error_of(response)


def decided(draft: CleanupClient) -> int:
    """Decide about everybody who blocks the change; return the version of the draft."""
    merge = {"action": "merge", "into": "m-1"}
    correct = {"action": "correct", "email": "m4@example.com"}
    draft.decide(m_1="keep", m_2=merge, m_3="delete", m_4=correct)
    rest = {"cio_id": draft.cio_ids["other@example.com"], "action": "delete"}
    response = draft.put(f"{DRAFT}/decisions", {"decisions": [rest]})
    assert response.json()["cleanup"]["people_blocking_after"] == 0
    version: int = response.json()["cleanup"]["version"]
    return version


def test_cleanup_from_draft_to_undone(draft: CleanupClient) -> None:
    version = decided(draft)

    applying = draft.post(f"{DRAFT}/apply", {"version": version, "delete_people": 2})
    draft.cleanup.work()
    applied = draft.read(DRAFT)["cleanup"]
    undoing = draft.post(f"{DRAFT}/undo")
    draft.cleanup.work()
    undone = draft.read(DRAFT)["cleanup"]

    assert (applying.status_code, applying.json()["cleanup"]["state"]) == (202, "Applying")
    assert (applying.json()["cleanup"]["people_blocking"], applying.json()["cleanup"]["delete_people"]) == (None, 2)
    assert (applied["state"], applied["applied"], applied["skipped"]) == ("Applied", 5, 0)
    assert (applied["applied_at"], applied["applied_by"]) == (NOW, KEY)
    assert applied["undo_until"] == applied["ended_at"] + UNDO_PERIOD.total_seconds()
    assert (undoing.status_code, undoing.json()["cleanup"]["state"]) == (202, "Undoing")
    assert undone["state"] == "Undone"
    assert (undone["undone"], undone["undone_in_part"], undone["not_undone"]) == (5, 0, 0)
    entries = draft.read("/v1/audit")["entries"]
    assert [(each["action"], each["subject"], each["actor"]) for each in entries] == [
        (action, "cleanup 1", KEY) for action in ("undone", "applied", "decided")
    ]


def test_preview_says_what_would_come_back(draft: CleanupClient) -> None:
    applied(draft)
    whole = draft.read(f"{DRAFT}/undo_preview")
    draft.env.delete(id="m-1")

    part = draft.read(f"{DRAFT}/undo_preview")["preview"]

    assert whole == {
        "preview": {"decisions": 5, "examined": 5, "whole": 5, "in_part": 0, "not_undone": 0, "reasons": {}}
    }
    assert (part["whole"], part["not_undone"], part["reasons"]) == (3, 2, {"survivorGone": 1, "erased": 1})


def test_preview_of_a_draft_is_a_conflict(draft: CleanupClient) -> None:
    response = draft.get(f"{DRAFT}/undo_preview")

    assert response.status_code == 409
    assert "only one that was applied can be undone" in error_of(response)


def test_change_goes_through_after_the_cleanup(draft: CleanupClient) -> None:
    applied(draft)

    draft.cleanup.check_again()

    assert draft.read("/v1/migrations/1")["migration"]["stage"] == "Completed"
    assert draft.post(f"{DRAFT}/undo").status_code == 202


def test_version_that_has_moved_is_a_conflict(draft: CleanupClient) -> None:
    version = decided(draft)
    draft.decide(m_4="clear")

    response = draft.post(f"{DRAFT}/apply", {"version": version, "delete_people": 2})

    assert response.status_code == 409
    assert f"the draft has version {version + 1} by now, not {version}" in error_of(response)
    assert draft.read(DRAFT)["cleanup"]["state"] == "Draft"


@pytest.mark.parametrize("body", [{"delete_people": 1}, {"delete_people": 3}, {}, {"delete_people": None}])
def test_other_number_of_people_to_delete(draft: CleanupClient, body: dict[str, int]) -> None:
    version = decided(draft)

    response = draft.post(f"{DRAFT}/apply", {"version": version, **body})

    assert response.status_code == 422
    assert "is not the number of people that would be deleted, which is 2" in error_of(response)
    assert draft.read(DRAFT)["cleanup"]["state"] == "Draft"


def test_nothing_to_apply(draft: CleanupClient) -> None:
    response = draft.post(f"{DRAFT}/apply", {"version": 1})

    assert (response.status_code, error_of(response)) == (422, "there are no decisions to apply")


@pytest.mark.parametrize("name", ["version", "delete_people"])
@pytest.mark.parametrize("value", [-1, 10**18, 1.0, True, "1", [], {}])
def test_wrong_number_is_refused(draft: CleanupClient, name: str, value: object) -> None:
    response = draft.post(f"{DRAFT}/apply", {"version": 1, name: value})

    assert response.status_code == 400
    assert error_of(response).startswith(f"{name} is ")


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'{"version": null}', b"{}"])
def test_version_must_be_given(draft: CleanupClient, body: bytes) -> None:
    assert draft.post(f"{DRAFT}/apply", body).status_code == 400


def test_states_that_do_not_allow_a_request(draft: CleanupClient) -> None:
    version = decided(draft)
    early = [draft.post(f"{DRAFT}/{action}") for action in ("stop", "undo")]
    draft.env.pause()
    suspended = draft.post(f"{DRAFT}/apply", {"version": version, "delete_people": 2})
    draft.env.resume()
    draft.post(f"{DRAFT}/discard")
    late = [
        draft.post(f"{DRAFT}/discard"),
        draft.post(f"{DRAFT}/apply", {"version": version, "delete_people": 2}),
        draft.decide(m_1="keep"),
        draft.delete(f"{DRAFT}/decisions", {"cio_ids": ["a"]}),
    ]

    assert {response.status_code for response in (*early, suspended, *late)} == {409}
    assert "there is nothing to stop" in error_of(early[0])
    assert "only one that was applied can be undone" in error_of(early[1])
    assert "spec.suspend" in error_of(suspended)
    assert all("is Discarded" in error_of(response) for response in late)


def test_stop_while_applying(draft: CleanupClient) -> None:
    version = decided(draft)
    draft.post(f"{DRAFT}/apply", {"version": version, "delete_people": 2})

    response = draft.post(f"{DRAFT}/stop", {})
    draft.cleanup.work()

    assert (response.status_code, response.json()["cleanup"]["state"]) == (202, "Applying")
    assert draft.read(DRAFT)["cleanup"]["state"] == "Applied"
    assert draft.read(DRAFT)["cleanup"]["applied"] < 5


def applied(draft: CleanupClient) -> None:
    draft.post(f"{DRAFT}/apply", {"version": decided(draft), "delete_people": 2})
    draft.cleanup.work()


def test_decisions_about_some_people_are_undone(draft: CleanupClient) -> None:
    applied(draft)

    response = draft.post(f"{DRAFT}/undo", {"cio_ids": [f"cio_{draft.cio_ids['m-3']}"]})
    draft.cleanup.work()

    assert response.status_code == 202
    assert draft.read(DRAFT)["cleanup"]["undone"] == 1
    outcomes = {each["cio_id"]: each["outcome"] for each in draft.read(f"{DRAFT}/decisions")["decisions"]}
    assert outcomes[draft.cio_ids["m-3"]] == "undone"
    assert outcomes[draft.cio_ids["m-4"]] == "applied"
    assert draft.cleanup.person("m-3") is not None


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"null", {"cio_ids": []}, {"cio_ids": "a"}, {"cio_ids": [1]}, {"cio_ids": ["a", "cio_a"]}],
)
def test_wrong_people_to_undo(draft: CleanupClient, body: object) -> None:
    applied(draft)

    assert draft.post(f"{DRAFT}/undo", body).status_code == 400
    assert draft.read(DRAFT)["cleanup"]["state"] == "Applied"


def test_undo_of_strangers_undoes_nothing(draft: CleanupClient) -> None:
    applied(draft)

    response = draft.post(f"{DRAFT}/undo", {"cio_ids": [draft.cio_ids["m-3"], "a"]})

    assert response.status_code == 400
    assert "cleanup 1 has no decision that can be undone about 'a'" in error_of(response)
    assert draft.read(DRAFT)["cleanup"]["state"] == "Applied"


def test_undo_ends(draft: CleanupClient) -> None:
    applied(draft)
    draft.env.store.clock.advance((UNDO_PERIOD + timedelta(seconds=2)).total_seconds())

    response = draft.post(f"{DRAFT}/undo", {"cio_ids": None})

    assert (response.status_code, error_of(response)) == (409, "cleanup 1 cannot be undone any more")


def test_draft_goes_on_with_the_next_change(draft: CleanupClient) -> None:
    draft.env.cancel()
    draft.cleanup.work()
    draft.env.migrate_to(Mode.EMAIL_OR_ID)
    draft.cleanup.work()

    former, following = (draft.post("/v1/cleanups", {"migration": number}) for number in (1, 2))

    assert (former.status_code, following.status_code) == (409, 200)
    assert (following.json()["cleanup"]["number"], following.json()["cleanup"]["migration"]) == (1, 2)
    assert "cleanup 1, about identifier change 2, is Draft" in error_of(former)
