"""A client of the App API of a workspace in a database, whose identifier change people block."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import anyio
import httpx

from tests.api.app_api_client import BASE_URL, check_described
from tests.api.servers import MadeWorkspace, with_new_keys
from tests.api.threaded_server import in_memory_dependencies
from tests.fakes.database import InMemoryDatabase
from tests.store.backends import Store
from tests.store.cleanups.cleanup_env import CleanupEnv
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.cleanups.decision_batches import DecideTogether
from workspace_operator.application.imports.preparation import ImportPreparation
from workspace_operator.application.people.command_batcher import Batcher
from workspace_operator.identity.values.rules import Mode
from workspace_operator.web.app import make_app
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.workspaces.app_keys import AppKeyMay

ADA, BOB = "ada@example.com", "bob@example.com"
PEOPLE = {
    "m-1": ADA,
    "m-2": ADA,
    "m-3": ADA,
    "m-4": "broken@",
    "other@example.com": "o@example.com",
    "m-6": "free@example.com",
}
"""Addresses by id; all but the last block the change."""

DRAFT = "/v1/cleanups/1"
DECISIONS = f"{DRAFT}/decisions"
VIOLATIONS = "/v1/migrations/1/violations"


@dataclass(slots=True, kw_only=True)
class CleanupClient:
    """A client of one workspace. Each response is compared with the OpenAPI document."""

    env: WorkspaceEnv
    cio_ids: dict[str, str]
    workspace: MadeWorkspace = field(init=False)

    @classmethod
    def blocked(cls, store: Store, people: Mapping[str, str | None] = PEOPLE) -> Self:
        """Create people by id, with their addresses, and request the change that some of them block."""
        client = cls.of(store)
        client.cio_ids |= {id_: client.env.add(id_, email) for id_, email in people.items()}
        client.env.migrate_to(Mode.EMAIL_OR_ID)
        return client

    @classmethod
    def of(cls, store: Store) -> Self:
        """The client of a new workspace, whose key may clean up."""
        client = cls(env=WorkspaceEnv.create(store, Mode.ID_ONLY), cio_ids={})
        client.may(AppKeyMay.CLEAN)
        client.workspace = with_new_keys(store.credentials, client.env.workspace_id, now=store.clock())
        return client

    def may(self, app_key_may: AppKeyMay) -> None:
        """Set what the App keys of the workspace may do."""
        self.env.update_settings(app_key_may=app_key_may)

    @property
    def cleanup(self) -> CleanupEnv:
        """The first cleanup, with the worker that carries it out."""
        return CleanupEnv(env=self.env, cio_ids=self.cio_ids, number=1)

    def get(self, path: str, **query: str | int) -> httpx.Response:
        return self.send("GET", path, params=query)

    def read(self, path: str, **query: str | int) -> Any:
        """The document at a path, which must exist."""
        response = self.get(path, **query)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: object = None) -> httpx.Response:
        return self.send("POST", path, body)

    def put(self, path: str, body: object) -> httpx.Response:
        return self.send("PUT", path, body)

    def delete(self, path: str, body: object) -> httpx.Response:
        return self.send("DELETE", path, body)

    def decide(self, **decisions: str | dict[str, str]) -> httpx.Response:
        """Decide about people: by id, with ``_`` for ``-``, an action or a whole decision; a survivor by its id."""
        rows = []
        for name, given in decisions.items():
            row = {"action": given} if isinstance(given, str) else dict(given)
            if "into" in row:
                row["into"] = self.cio_ids.get(row["into"], row["into"])
            rows.append({"cio_id": self.cio_ids[name.replace("_", "-")], **row})
        return self.put(DECISIONS, {"decisions": rows})

    def send(
        self, method: str, path: str, body: object = None, *, params: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """Send a request; bytes are sent as they are, anything else but None as JSON."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()

        async def send() -> httpx.Response:
            dependencies = self.dependencies()
            transport = httpx.ASGITransport(app=make_app(dependencies))
            async with (
                dependencies.decisions.run(),
                httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=self.workspace.app) as client,
            ):
                return await client.request(method, path, params=params or None, content=content)

        response = anyio.run(send)
        check_described(method, response)
        return response

    def dependencies(self) -> Dependencies:
        store = self.env.store
        assert store.listings is not None
        assert store.cleanup_rules is not None
        assert store.undo_previews is not None
        return replace(
            in_memory_dependencies(InMemoryDatabase(clock=store.clock), store.clock),
            people=store.people,
            exports=store.exports,
            migrations=store.migrations,
            cleanups=store.sql_cleanups,
            decisions=Batcher(
                execute=DecideTogether(cleanups=store.sql_cleanups, clock=store.clock),
                clock=lambda: store.clock().timestamp(),
            ),
            cleanup_rules=store.cleanup_rules,
            undo_previews=store.undo_previews,
            import_preparation=ImportPreparation(imports=store.sql_imports, people=store.people, clock=store.clock),
            listings=store.listings,
            listed_calls=store.sql_listed_calls,
            audit_log=store.audit_log,
            workspaces=store.workspaces,
            credentials=store.credentials,
        )


def error_of(response: httpx.Response) -> str:
    """The message of an error, which has both forms."""
    document = response.json()
    message: str = document["meta"]["error"]
    assert document["errors"] == [{"detail": message, "status": str(response.status_code)}]
    return message
