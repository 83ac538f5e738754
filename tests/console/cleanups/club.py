"""The club of console.md: a workspace of a database whose change people block, with the workers that act on it."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from httpx import Response

from tests.console.environment import Browser, ConsoleEnv, parsed
from tests.store.backends import Store, sql_store, upgraded
from tests.store.cleanups.cleanup_env import UNDO_PERIOD
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.cleanups.worker import CleanupWorker
from workspace_operator.application.ports import Actor, Via
from workspace_operator.cleanups.decisions import Decision
from workspace_operator.cleanups.model import Cleanup
from workspace_operator.console.views.cleanups.marks import mark_of
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict

ADA_SILVA = "ada.silva@club.example"
IDS = ["dan@club.example", "m-1001", "m-1002", "m-1003", "m-1004", "m-1005", "m-1007", "m-1017", "m-1040"]
"""The ids that are left when `Club.settle` was applied."""

LENA = Actor(name="lena@nordlicht.example", via=Via.CONSOLE)


def words_of(response: Response) -> str:
    """What a page says, with a space between elements."""
    return re.sub(" ([:.,])", r"\1", " ".join(" ".join(parsed(response).itertext()).split()))


@dataclass(kw_only=True)
class Club:
    """The club, the store it is in, and the cio_ids of its people by id."""

    console: ConsoleEnv
    workspace: WorkspaceEnv
    cio_ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def opened(cls, folder: Path) -> Iterator[Self]:
        """A club without people, in a new database."""
        with closing(upgraded(f"sqlite:///{folder}/console.db")) as database:
            console = ConsoleEnv(store=sql_store(database))
            made = console.workspace("club", display_name="Nordlicht Club", color="B23A48")
            console.account("club")
            env = WorkspaceEnv(store=console.store, owner=made.owner, workspace_id=made.workspace_id)
            yield cls(console=console, workspace=env)

    @property
    def store(self) -> Store:
        return self.console.store

    @property
    def path(self) -> str:
        return f"/w/{self.workspace.workspace_id}/cleanup"

    @property
    def cleanup(self) -> Cleanup:
        """The newest cleanup."""
        return self.store.sql_cleanups.cleanups(self.workspace.workspace_id)[0]

    def add(self, id_: str, email: str | None = None, **attributes: object) -> None:
        self.cio_ids[id_] = self.workspace.add(id_, email, **attributes)
        self.store.clock.advance(86_400)

    def fill(self) -> None:
        """People of every kind of violation, and people who block nothing."""
        self.add("m-1001", ADA_SILVA, first_name="Ada", name="Silva", plan="gold")
        self.add("m-1017", ADA_SILVA, first_name="Ada", name="Silva", plan="gold", chapter="Kiel")
        self.add("m-1040", ADA_SILVA, first_name="A.", name="Silva", plan="silver")
        self.add("m-1002", "bo@club.example", first_name="Bo")
        self.add("m-1003", "Bo@Club.example", first_name="Bo", name="Berg")
        self.add("m-1004", "cleo(at)club.example", first_name="Cleo")
        self.add("gone", "gone@club.example")
        self.workspace.suppress(id="gone")
        self.add("m-1005", "gone@club.example")
        self.add("dan@club.example", "daniel@club.example", first_name="Dan")
        self.add("m-1007", "eve@club.example", first_name="Eve", name="Sousa")

    def block(self, on_conflict: OnConflict = OnConflict.BLOCK) -> None:
        """Request the change, which people block."""
        self.workspace.migrate_to(Mode.EMAIL_OR_ID, on_conflict)

    def work(self) -> None:
        """Run both workers until nothing is due."""
        self.store.clock.advance(6)
        worker = CleanupWorker(
            cleanups=self.store.sql_cleanups,
            worker="w1",
            clock=self.store.clock,
            undo_period=UNDO_PERIOD,
            sleep=lambda _: None,
        )
        while worker.work_once() or self.workspace.work():
            pass

    def ids(self) -> list[str | None]:
        """The ids of all people, sorted."""
        people = self.store.people.all(self.workspace.workspace_id)
        return sorted((person.id for person in people), key=str)

    def decide(self, browser: Browser, key: str, do: str, **fields: str) -> Response:
        """Send the form of a group, by its key, which is an id for people without an address.

        It is as the page shows it now; if it shows only some ``people``, what is decided about them.
        """
        people = fields.get("people", "").split()
        shown = {"shown": " ".join(mark_of(self.decision(cio_id)) for cio_id in people)} if people else {}
        group = {"group": self.cio_ids.get(key, key), "do": do}
        form = {"form_token": browser.form_token(self.path), **group, **shown, **fields}
        return browser.post(f"{self.path}/decide", form)

    def decision(self, cio_id: str) -> Decision | None:
        """The decision of the newest cleanup about a person."""
        cleanups, of = self.store.sql_cleanups, self.workspace.workspace_id
        newest = cleanups.cleanups(of, limit=1)
        made = cleanups.decisions(of, newest[0].number, limit=1_000) if newest else []
        return next((each.decision for each in made if each.cio_id == cio_id), None)

    def correct(self, browser: Browser, id_: str, email: str, *, key: str = "") -> Response:
        """Correct the address of a person, by id."""
        return self.decide(browser, key or id_, f"correct {self.cio_ids[id_]}", email=email)

    def settle(self, browser: Browser) -> None:
        """Decide so that nobody blocks the change any more: 8 decisions, of which one deletes a person."""
        self.decide(browser, ADA_SILVA, "mergeIntoOldest")
        self.decide(browser, "bo@club.example", "deleteOthers")
        self.correct(browser, "m-1004", "cleo@club.example")
        self.decide(browser, "daniel@club.example", f"useid {self.cio_ids['dan@club.example']}")
        self.decide(browser, "gone@club.example", "save", people=self.cio_ids["m-1005"], d0="clear")

    def add_rule(self, browser: Browser, **fields: str) -> Response:
        """Send the form of a new rule."""
        form = {"form_token": browser.form_token(self.path), **fields}
        return browser.post(f"{self.path}/rules/add", form)

    def apply(self, browser: Browser, *, version: int | None = None, deletions: str = "") -> Response:
        """Send the form that applies the draft."""
        draft = self.cleanup
        form = {
            "form_token": browser.form_token(self.path),
            "number": str(draft.number),
            "version": str(draft.version if version is None else version),
            "deletions": deletions or str(draft.deletions),
        }
        return browser.post(f"{self.path}/apply", form)


def applied(club: Club) -> str:
    """Decide, apply and run the workers; returns the path of the cleanup."""
    browser = club.console.installation()
    club.settle(browser)
    answer = club.apply(browser)
    club.work()
    return answer.headers["location"]


def post(club: Club, path: str, **fields: str | list[str]) -> None:
    browser = club.console.installation()
    answer = browser.post(path, {"form_token": browser.form_token(club.path), **fields})
    assert answer.status_code == 303, words_of(answer)
