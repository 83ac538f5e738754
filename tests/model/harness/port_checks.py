"""What a worker's calls of the port must come to, by the model's word, whenever they are made."""

from collections.abc import Callable
from dataclasses import asdict, astuple
from typing import Any

from tests.model.harness.comparison import MergeComparison
from tests.model.harness.migrating_store import MigratingPeople
from tests.model.reference.migrations import MigratingModel
from workspace_operator.application.migrations.worker import LEASE_DURATION
from workspace_operator.application.ports import Migrations
from workspace_operator.errors import StaleRevision
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import Stage

READS = {"newest", "unfinished", "check", "has_violations", "claim"}


class CheckedMigrations(MergeComparison):
    """Hears what workers do.

    Attributes:
        holder: the worker that has the lease, which may have ended; empty if none has.
        lease_ends: when others may take it.
        checked: what the last check of each worker counted.
    """

    model: MigratingModel
    driver: MigratingPeople
    holder: str
    lease_ends: int
    checked: dict[str, dict[str, int]]

    def ask(self, asked: Callable[[], object], *, allowed: bool) -> bool:
        """Each request that is granted ends the lease of whoever works."""
        self.driver.set_time(self.now)
        try:
            asked()
        except StaleRevision:
            assert not allowed
            return False
        assert allowed
        self.holder = ""
        return True

    def on_call(self, name: str, method: str, call: Callable[[], Any]) -> Any:
        """Make a worker's call of the port: what comes of it is known before, except for a claim."""
        before = self.driver.change()
        try:
            result = call()
        except StaleRevision:
            assert method not in READS
            assert self.holder != name, f"{name} is turned away with {method}, and holds the lease"
            assert self.driver.change() == before, "who was turned away has changed something all the same"
            raise
        if method not in READS:
            assert self.holder == name, f"{name} gets through with {method} without a lease"
            self.renew_lease(unless=method == "cut_over" and result == before)
        told = getattr(self, f"checked_{method.lower()}", None)
        if told is not None:
            told(name, result)
        return result

    def checked_claim(self, name: str, claimed: Migration | None) -> None:
        migration = self.model.change
        if claimed is None or migration is None:
            assert claimed is None
            return
        assert self.holder in {"", name} or self.now >= self.lease_ends, f"{name} has taken the lease of another one"
        assert not (migration.is_open and migration.is_paused), "what is paused is worked on"
        self.holder = name
        self.renew_lease()

    def renew_lease(self, *, unless: bool = False) -> None:
        self.lease_ends = self.lease_ends if unless else self.now + int(LEASE_DURATION.total_seconds())

    def checked_check(self, name: str, result: tuple[Any, Any]) -> None:
        people, violations = map(asdict, result)
        del violations["people_concerned"]
        assert people == self.model.counts()
        assert violations == self.model.violations()
        self.checked[name] = people

    def checked_preparing(self, name: str, migration: Migration) -> None:
        """With what this worker has counted, whatever was written since."""
        checked = self.checked[name]
        assert (migration.people_total, migration.people_without_id) == (checked["total"], checked["without_id"])
        if self.model.change is not None and self.model.change.validates:
            assert migration.people_without_identifier == checked["without_identifier"]

    def checked_cut_over(self, _: str, migration: Migration) -> None:
        in_the_way = self.model.blocking()
        assert (migration.stage is Stage.SWITCHED) is not bool(in_the_way), (migration.stage, in_the_way)
        if not in_the_way:
            self.model.cut_over(self.now)
            self.now += 1
            self.driver.set_time(self.now)

    def checked_block(self, _: str, migration: Migration) -> None:
        in_the_way = self.model.blocking()
        assert (migration.stage is Stage.BLOCKED) is bool(in_the_way), (migration.stage, in_the_way)
        if in_the_way:
            assert migration.export is not None
            self.holder = ""
            self.model.report(migration.export)
            assert astuple(migration.violations) == (
                sum(each.sharing > 1 for each in in_the_way),
                sum(each.is_invalid for each in in_the_way),
                sum(each.is_suppressed for each in in_the_way),
                sum(each.id_is_another for each in in_the_way),
                len(in_the_way),
            )

    def checked_merging(self, _: str, migration: Migration) -> None:
        known = self.model.change
        assert known is not None
        assert (migration.people_to_merge, migration.ids_given_up) == (known.merged, known.released)

    def checked_completed(self, _: str, migration: Migration) -> None:
        known = self.model.change
        assert known is not None
        known.is_open = False
        assert (migration.people_to_merge, migration.people_merged) == (known.merged, known.merged)

    def checked_release_lease(self, _: str, __: None) -> None:
        self.holder = ""


_HOOKS = {name.removeprefix("checked_") for name in vars(CheckedMigrations) if name.startswith("checked_")}
assert {*vars(Migrations), *map(str.lower, Stage)} >= _HOOKS, "a check that no call of the port would run"
