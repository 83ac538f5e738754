"""Who may use the paths of cleanups: keys that may read change nothing, and no key reaches another workspace."""

from tests.api.cleanups.cleanup_client import DECISIONS, DRAFT, VIOLATIONS, CleanupClient
from tests.api.threaded_server import ThreadedServer
from workspace_operator.web.app import all_routes
from workspace_operator.workspaces.app_keys import AppKeyMay

RULES = f"{DRAFT}/rules"
CHANGES: list[tuple[str, str, object]] = [
    ("POST", "/v1/cleanups", {"migration": 1}),
    ("PUT", DECISIONS, {"decisions": [{"cio_id": "a", "action": "clear"}]}),
    ("DELETE", DECISIONS, {"cio_ids": ["a"]}),
    ("POST", f"{DRAFT}/apply", {"version": 2}),
    ("POST", f"{DRAFT}/stop", None),
    ("POST", f"{DRAFT}/undo", None),
    ("POST", RULES, {"action": "clearAll"}),
    ("POST", f"{RULES}/1/confirm", {"groups": 1, "people": 3}),
    ("DELETE", f"{RULES}/1", None),
    ("POST", f"{DRAFT}/discard", None),
    ("POST", "/v1/migrations/1/retry", None),
]
READS = ["/v1/migrations", "/v1/migrations/1", VIOLATIONS, "/v1/cleanups", DRAFT, DECISIONS, RULES]


def test_every_route_is_tried_here() -> None:
    routes = all_routes(ThreadedServer().services())
    changing = {(route.method, route.pattern) for route in routes if route.needs_clean}

    patterns = {
        (
            method,
            path.replace("/migrations/1", "/migrations/{migration_number}")
            .replace("/cleanups/1", "/cleanups/{cleanup_number}")
            .replace("/rules/1", "/rules/{rule_position}"),
        )
        for method, path, _ in CHANGES
    }
    assert patterns == {each for each in changing if "cleanups" in each[1] or "migrations" in each[1]}


def state_of(client: CleanupClient) -> list[object]:
    return [client.read(path) for path in (*READS, "/v1/audit")]


def test_key_that_may_read_changes_nothing(draft: CleanupClient) -> None:
    draft.decide(m_4="clear")
    before = state_of(draft)
    draft.may(AppKeyMay.READ)

    statuses = {draft.send(method, path, body).status_code for method, path, body in CHANGES}

    assert statuses == {403}
    assert state_of(draft) == before
    assert draft.env.work() is False
    assert draft.cleanup.worker().work_once() is False


def test_another_workspace_is_not_found(draft: CleanupClient) -> None:
    draft.decide(m_4="clear")
    before = state_of(draft)
    other = CleanupClient.of(draft.env.store)

    reads = [other.get(path).status_code for path in READS]
    changes = [other.send(method, path, body).status_code for method, path, body in CHANGES]

    assert reads == [200, 404, 404, 200, 404, 404, 404]
    assert changes == [409] + [404] * 10
    assert other.read("/v1/migrations") == {"migrations": []}
    assert other.read("/v1/cleanups") == {"cleanups": []}
    assert state_of(draft) == before


def test_people_of_another_workspace_do_not_block(draft: CleanupClient) -> None:
    other = CleanupClient.blocked(draft.env.store)

    rows = [{"cio_id": other.cio_ids["m-4"], "action": "clear"}]
    survivor = [{"cio_id": draft.cio_ids["m-2"], "action": "merge", "into": other.cio_ids["m-1"]}]
    strange = draft.put(DECISIONS, {"decisions": rows}).json()["results"][0]
    merged = draft.put(DECISIONS, {"decisions": survivor}).json()["results"][0]

    assert strange["error"] == "This person does not block the change."
    assert merged["error"] == "The person to merge into does not exist."


def test_wrong_key_is_refused(draft: CleanupClient) -> None:
    draft.workspace = CleanupClient.of(draft.env.store).workspace
    draft.env.store.credentials.revoke(draft.workspace.workspace_id)

    statuses = {draft.send(method, path, body).status_code for method, path, body in CHANGES}

    assert statuses | {draft.get(path).status_code for path in READS} == {401}
