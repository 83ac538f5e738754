"""A client of the App API of a workspace in a database, and the worker of its imports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio
import httpx

from tests.api.app_api_client import BASE_URL, check_described
from tests.api.cleanups.cleanup_client import CleanupClient
from tests.store.imports.import_env import ImportEnv
from workspace_operator.web.app import make_app

FILE = "E-Mail,id,Notes,_line\nada@club.example,m-1,new,7\nbo@club.example,m-2,,\n,,lost,\n"


@dataclass(slots=True, kw_only=True)
class ImportClient(CleanupClient):
    """A client of one workspace. Each response is compared with the OpenAPI document."""

    @property
    def job(self) -> ImportEnv:
        """The imports of the workspace, with the worker that carries them out."""
        return ImportEnv(self.env)

    def upload(self, content: str | bytes = FILE, *, name: str = "people.csv", **form: Any) -> httpx.Response:
        """Send a file as a form; other fields come before it."""
        return self.send_form(files={"file": (name, content, "text/csv")}, **form)

    def send_form(self, *, headers: Mapping[str, str] | None = None, **request: Any) -> httpx.Response:
        """Send a request to begin an import."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=make_app(self.dependencies()))
            known = dict(self.workspace.app)
            made = httpx.Request("POST", f"{BASE_URL}/v1/imports", **request)
            known |= {"content-type": made.headers.get("content-type", ""), **(headers or {})}
            async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=known) as client:
                return await client.post("/v1/imports", content=made.read())

        response = anyio.run(send)
        check_described("POST", response)
        return response

    def checked(self, content: str | bytes = FILE) -> dict[str, Any]:
        """An import that was tried, with the columns that names suggest."""
        columns = [each["becomes"] for each in self.upload(content).json()["import"]["columns"]]
        assert self.post("/v1/imports/1/mapping", {"columns": columns}).status_code == 200
        assert self.post("/v1/imports/1/dry_run").status_code == 202
        self.job.work()
        document: dict[str, Any] = self.read("/v1/imports/1")["import"]
        return document
