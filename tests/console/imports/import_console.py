"""A club whose people are imported in the console."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from httpx import Response

from tests.console.cleanups.club import Club, words_of
from tests.console.environment import SAME_ORIGIN, Browser
from tests.store.imports.import_env import ImportEnv
from workspace_operator.imports.model import ImportJob

FILE = (
    "E-Mail,id,first_name,Notes,_line\n"
    "ada@new.example,m-1,Ada,new,7\n"
    "bo@club.example,m-2,Bo,,\n"
    "eve@club.example,m-3,Eve,,\n"
    ",,Nobody,lost,\n"
)


@dataclass(kw_only=True)
class ImportConsole:
    """The console of a workspace with two people, and the worker of its imports."""

    club: Club
    imports: ImportEnv

    @classmethod
    def of(cls, club: Club) -> Self:
        club.add("m-1", "ada@old.example", first_name="Ada")
        club.add("m-2", "bo@club.example", first_name="Bo")
        return cls(club=club, imports=ImportEnv(club.workspace))

    @property
    def path(self) -> str:
        return f"/w/{self.club.workspace.workspace_id}/imports"

    @property
    def one(self) -> str:
        """The page of the newest import."""
        return f"{self.path}/{self.job.number}"

    @property
    def job(self) -> ImportJob:
        return self.imports.job

    def browser(self) -> Browser:
        return self.club.console.installation()

    def upload(
        self,
        browser: Browser,
        content: str | bytes = FILE,
        *,
        token: str | None = None,
        headers: Mapping[str, str] = SAME_ORIGIN,
    ) -> Response:
        """Send the form with a file."""
        data = {"form_token": browser.form_token() if token is None else token}
        files = {"file": ("people.csv", content if isinstance(content, bytes) else content.encode(), "text/csv")}
        return browser.send_form(self.path, data=data, files=files, headers=headers)

    def choose(self, browser: Browser, **fields: str) -> Response:
        """Send the form of the columns, as the page offers it, but for some fields."""
        columns = {"c0": "email", "c1": "id", "c2": "attribute", "c3": "attribute"}
        form = {"form_token": browser.form_token(), "by": "", "empty_cells": "ignore", **columns, **fields}
        return browser.post(f"{self.one}/columns", form)

    def act(self, browser: Browser, action: str) -> Response:
        form = {"form_token": browser.form_token()}
        mapping = self.job.mapping
        if action == "run" and mapping is not None:
            form["seen"] = mapping.version
        return browser.post(f"{self.one}/{action}", form)

    def words(self, browser: Browser | None = None) -> str:
        """What the page of the newest import says."""
        return words_of((browser or self.browser()).get(self.one))

    def tried(self, content: str = FILE) -> Browser:
        """Upload a file, choose its columns and try it."""
        browser = self.browser()
        assert self.upload(browser, content).status_code == 303
        assert self.choose(browser).status_code == 303
        self.imports.work()
        return browser

    def imported(self) -> Browser:
        browser = self.tried()
        assert self.act(browser, "run").status_code == 303
        self.imports.work()
        return browser
