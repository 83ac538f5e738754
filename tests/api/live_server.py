"""A workspace behind a running server, read back by the App API: what official clients did is seen here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.api.servers import MadeWorkspace, RunningAPI, make_workspace, running_api


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveWorkspace:
    """One workspace."""

    api: RunningAPI
    workspace: MadeWorkspace

    def read(self, path: str, **query: str | int) -> Any:
        """The document at a path, which must be there."""
        response = self._answer(path, query)
        assert response.status_code == httpx.codes.OK, response.text
        return response.json()

    def knows(self, ref: str, id_type: str = "id") -> bool:
        """Whether there is such a person."""
        return self._answer(f"/v1/customers/{ref}/attributes", {"id_type": id_type}).status_code == httpx.codes.OK

    def customer(self, ref: str, id_type: str = "id") -> Any:
        """A person, who must be there."""
        return self.read(f"/v1/customers/{ref}/attributes", id_type=id_type)["customer"]

    def activities(self, kind: str, **query: str) -> list[dict[str, Any]]:
        """Activities of one type, newest first."""
        found: list[dict[str, Any]] = self.read("/v1/activities", type=kind, **query)["activities"]
        return found

    def _answer(self, path: str, query: dict[str, Any]) -> httpx.Response:
        with self.api.client(self.workspace.app) as app:
            return app.get(path, params=query)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveServer:
    """A server that shops are opened on."""

    api: RunningAPI
    database: str

    def server(self, name: str, **settings: Any) -> LiveWorkspace:
        """A workspace of one test's own."""
        return LiveWorkspace(api=self.api, workspace=make_workspace(self.database, name, **settings))


@contextmanager
def live_server(folder: Path, *, tls: bool) -> Iterator[LiveServer]:
    """The server as it is run, on a database of its own."""
    database = f"sqlite:///{folder}/people.db"
    with running_api(database, folder, tls=tls) as api:
        yield LiveServer(api=api, database=database)
