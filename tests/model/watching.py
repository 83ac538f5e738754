"""What a worker's calls of the port must come to, by the model's word, whenever they are made."""

from collections.abc import Callable
from dataclasses import asdict, astuple
from typing import Any

from tests.model.changed_stores import ChangedPeople
from tests.model.changing import ChangingPeople
from tests.model.machine import TwoOpinionsOfMerges
from workspace_operator.application.migrating import LEASE
from workspace_operator.errors import Moved
from workspace_operator.migrations.records import Migration
from workspace_operator.migrations.stages import Stage

READS = {"newest", "unfinished", "check", "is_obstructed", "claim"}


class WatchedChanges(TwoOpinionsOfMerges):
    """Hears what workers do.

    Attributes:
        holder: the worker that has the lease, which may have ended; empty if none has.
        lease_ends: when others may take it.
        checked: what the last check of each worker counted.
    """

    model: ChangingPeople
    driver: ChangedPeople
    holder: str
    lease_ends: int
    checked: dict[str, dict[str, int]]

    def ask(self, asked: Callable[[], object], *, allowed: bool) -> bool:
        """Each request that is granted ends the lease of whoever works."""
        self.driver.tell_time(self.now)
        try:
            asked()
        except Moved:
            assert not allowed
            return False
        assert allowed
        self.holder = ""
        return True

    def hear(self, name: str, method: str, call: Callable[[], Any]) -> Any:
        """Make a worker's call of the port: what comes of it is known before, except for a claim."""
        before = self.driver.change()
        try:
            result = call()
        except Moved:
            assert method not in READS
            assert self.holder != name, f"{name} is turned away with {method}, and holds the lease"
            assert self.driver.change() == before, "who was turned away has changed something all the same"
            raise
        if method not in READS:
            assert self.holder == name, f"{name} gets through with {method} without a lease"
            self.renew_lease(unless=method == "switch" and result == before)
        told = getattr(self, f"heard_{method}", None)
        if told is not None:
            told(name, result)
        return result

    def heard_claim(self, name: str, claimed: Migration | None) -> None:
        change = self.model.change
        if claimed is None or change is None:
            assert claimed is None
            return
        assert self.holder in {"", name} or self.now >= self.lease_ends, f"{name} has taken the lease of another one"
        assert not (change.is_open and change.is_paused), "what is paused is worked on"
        self.holder = name
        self.renew_lease()

    def renew_lease(self, *, unless: bool = False) -> None:
        self.lease_ends = self.lease_ends if unless else self.now + int(LEASE.total_seconds())

    def heard_check(self, name: str, result: tuple[Any, Any]) -> None:
        people, violations = map(asdict, result)
        del violations["people_concerned"]
        assert people == self.model.counts()
        assert violations == self.model.violations()
        self.checked[name] = people

    def heard_start_preparing(self, name: str, change: Migration) -> None:
        """With what this worker has counted, whatever was written since."""
        checked = self.checked[name]
        assert (change.people_total, change.people_without_id) == (checked["total"], checked["without_id"])
        if self.model.change is not None and self.model.change.validates:
            assert change.people_without_identifier == checked["without_identifier"]

    def heard_switch(self, _: str, change: Migration) -> None:
        in_the_way = self.model.in_the_way()
        assert (change.stage is Stage.SWITCHED) is not bool(in_the_way), (change.stage, in_the_way)
        if not in_the_way:
            self.model.switch(self.now)
            self.now += 1
            self.driver.tell_time(self.now)

    def heard_block(self, _: str, change: Migration) -> None:
        in_the_way = self.model.in_the_way()
        assert (change.stage is Stage.BLOCKED) is bool(in_the_way), (change.stage, in_the_way)
        if in_the_way:
            assert change.export is not None
            self.holder = ""
            self.model.report(change.export)
            assert astuple(change.violations) == (
                sum(each.sharing > 1 for each in in_the_way),
                sum(each.is_invalid for each in in_the_way),
                sum(each.is_suppressed for each in in_the_way),
                sum(each.id_is_another for each in in_the_way),
                len(in_the_way),
            )

    def heard_start_folding(self, _: str, change: Migration) -> None:
        known = self.model.change
        assert known is not None
        assert (change.people_merged, change.ids_given_up) == (known.merged, known.given_up)

    def heard_complete(self, _: str, change: Migration) -> None:
        known = self.model.change
        assert known is not None
        known.is_open = False
        assert (change.people_merged, change.people_folded) == (known.merged, known.merged)

    def heard_release(self, _: str, __: None) -> None:
        self.holder = ""
