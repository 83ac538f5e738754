"""What the test itself does in a run: it wishes for a change, takes it back, pauses it, mends who is in the way."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.kills.crowds import Kind, Someone, groups_of, plain
from tests.kills.plans import Deed, Scenario
from tests.kills.sayings import Saying, violation
from tests.kills.writing import Teller
from workspace_operator.errors import Moved
from workspace_operator.migrations.records import Migration
from workspace_operator.reconcile.plan import CancelMigration, PauseMigration, RequestMigration
from workspace_operator.store.engines import Database
from workspace_operator.store.migrating import SQLMigrations
from workspace_operator.store.workspaces import SQLWorkspaces

OWN = 9
"""The test's number among the writers."""

PAUSE = 0.3
"""Seconds."""

TOGETHER = 50


@dataclass(slots=True, kw_only=True)
class Deeds:
    """What the test does to one workspace."""

    scenario: Scenario
    workspace_id: int
    crowd: Sequence[Someone]
    database: Database
    teller: Teller
    said: int = 0

    @property
    def change(self) -> Migration:
        newest = SQLMigrations(self.database).newest(self.workspace_id)
        assert newest is not None
        return newest

    def do(self, deed: Deed) -> None:
        """Do it; a change that has switched already goes on."""
        match deed:
            case Deed.WISH:
                self._wish()
            case Deed.MEND:
                self._say(list(mends_of(self.scenario.crowd, self.crowd)))
            case Deed.INTRUDE:
                self._say(intrusions())
            case Deed.CANCEL:
                self._ask(CancelMigration(workspace_id=self.workspace_id, number=self.change.number))
            case Deed.PAUSE:
                self._ask(PauseMigration(workspace_id=self.workspace_id, number=self.change.number, paused=True))
            case Deed.NOTHING:
                pass

    def follow(self, deed: Deed) -> None:
        """What is to be done after a deed, and after the blow that came with it."""
        if deed is Deed.PAUSE:
            time.sleep(PAUSE)
            self._ask(PauseMigration(workspace_id=self.workspace_id, number=self.change.number, paused=False))

    def _wish(self) -> None:
        mode = SQLWorkspaces(self.database).get(self.workspace_id).mode
        self._ask(
            RequestMigration(
                workspace_id=self.workspace_id,
                from_mode=mode,
                to_mode=self.scenario.to,
                on_conflict=self.scenario.on_conflict,
            )
        )

    def _ask(self, action: RequestMigration | CancelMigration | PauseMigration) -> None:
        with suppress(Moved):
            SQLWorkspaces(self.database).carry_out(action, now=datetime.now(UTC))

    def _say(self, sayings: Sequence[Saying]) -> None:
        for start in range(0, len(sayings), TOGETHER):
            numbered = []
            for each in sayings[start : start + TOGETHER]:
                self.said += 1
                numbered.append({**each, "said": f"w{OWN}-{self.said}"})
            self.teller.say(numbered)


def intrusions() -> list[Saying]:
    """Four people who come to stand in the way, one for each reason; from among those whom writers leave alone."""
    taking, other, invalid, blocked, wearing = (plain(number) for number in range(5))
    return [
        violation(taking, f"{other}@example.com", mended=""),
        violation(invalid, "no address", mended=""),
        violation(f"{wearing}@elsewhere.example", "", mended=""),
        {"do": "block", "id": blocked, "address": f"{blocked}@example.com"},
    ]


def mends_of(kind: Kind, crowd: Sequence[Someone]) -> Iterator[Saying]:
    """What mends everybody who stands in the way, each in one of the ways there are."""
    if kind is Kind.CLEAN:
        yield from _mends_of_intrusions()
    if kind is Kind.VIOLATED:
        for group in groups_of(crowd):
            yield from (_parted(each) for each in group[1:])
    for number, each in enumerate(each for each in crowd if each.id is not None):
        yield from _mends_of_one(each, str(each.id), is_even=number % 2 == 0)


def _mends_of_intrusions() -> Iterator[Saying]:
    taking, _, invalid, blocked, wearing = (plain(number) for number in range(5))
    for name in (taking, invalid):
        yield {"do": "identify", "id": name, "body": {"email": f"new-{name}@example.com"}}
    wears = f"{wearing}@elsewhere.example"
    yield {"do": "identify", "id": wears, "body": {"email": wears}}
    yield {"do": "free", "id": blocked, "address": f"{blocked}@example.com"}


def _parted(each: Someone) -> Saying:
    """Not the eldest of a group any more, by cio_id, since some have no id."""
    named = {"id": each.cio_id, "cio_id": each.cio_id}
    if each.number % 2:
        return {"do": "delete", **named}
    return {"do": "identify", **named, "body": {"email": f"parted-{each.number}@example.com"}}


def _mends_of_one(each: Someone, id_: str, *, is_even: bool) -> Iterator[Saying]:
    if id_.startswith("invalid-"):
        yield {"do": "identify", "id": id_, "body": {"email": f"{id_}@example.com"}}
    if id_.startswith("blocked-"):
        if is_even:
            yield {"do": "free", "id": id_, "address": each.email}
        else:
            yield {"do": "identify", "id": id_, "body": {"email": f"new-{id_}@example.com"}}
    if id_.startswith("another-"):
        yield {"do": "delete", "id": id_} if is_even else {"do": "identify", "id": id_, "body": {"email": id_}}
