"""Two operators, late documents, edits in the middle of a reconcile, a restored etcd, a lost database: in any order.

Every write is judged when it is made (`world`); in the end one operator hears the newest document, and all must be as
it says.
"""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.fakes.memory import Room
from tests.reconciling.world import PLACE, World
from workspace_operator.application.reading import resource_of
from workspace_operator.reconcile.wishes import Wish
from workspace_operator.resources.workspaces import CONFIRM_DELETE, RECONCILE_REQUESTED_AT

operators = st.integers(0, 1)
colors = st.sampled_from(["111111", "222222", "333333"])
modes = st.sampled_from([None, {"mode": "IDOnly"}, {"mode": "EmailOrID"}, {"mode": "EmailOrID", "onConflict": "Merge"}])
specs = st.fixed_dictionaries({"color": colors, "identifiers": modes})
policies = st.sampled_from([None, "Delete"])


Spec = dict[str, Any]


class Interleavings(RuleBasedStateMachine):
    """The rules are what users, the cluster, the worker and two operators may do."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @rule(color=colors, identifiers=modes, policy=policies, suspend=st.sampled_from([None, True]))
    def edit(self, color: str, identifiers: dict[str, str] | None, policy: str | None, suspend: bool | None) -> None:
        self.world.edit(color=color, identifiers=identifiers, deletionPolicy=policy, suspend=suspend)

    @rule(value=st.sampled_from(["monday", "tuesday"]))
    def request(self, value: str) -> None:
        self.world.annotate(RECONCILE_REQUESTED_AT, value)

    @rule()
    def confirm_and_delete(self) -> None:
        self.world.annotate(CONFIRM_DELETE, "Shop")
        self.world.delete()

    @rule()
    def back_up(self) -> None:
        self.world.snapshots.append(self.world.document())

    @rule(number=st.integers(0, 3))
    def restore(self, number: int) -> None:
        self.world.restore(number)

    @rule()
    def exchange_database(self) -> None:
        self.world.exchange_database()

    @rule()
    def back_up_database(self) -> None:
        self.world.backups.append(deepcopy(self.world.database))

    @rule(number=st.integers(0, 3))
    def restore_database(self, number: int) -> None:
        self.world.restore_database(number)

    @rule(operator=operators)
    def hear(self, operator: int) -> None:
        document = self.world.document()
        self.world.operators[operator].heard = document or self.world.operators[operator].heard

    @rule(operator=operators)
    def reconcile(self, operator: int) -> None:
        self.world.reconcile(self.world.operators[operator])

    @rule(operator=operators, first=specs, second=specs, other_acts=st.booleans(), moment=st.integers(0, 5))
    def reconcile_while_others_act(
        self, operator: int, first: Spec, second: Spec, other_acts: bool, moment: int
    ) -> None:
        """Stopped at some moment: an edit comes in, and perhaps the other operator carries it out."""

        def meanwhile() -> None:
            self.world.edit(**second)
            if other_acts:
                other = self.world.operators[1 - operator]
                other.heard = self.world.document()
                self.world.reconcile(other)

        stopped = self.world.operators[operator]
        self.world.edit(**first)
        stopped.heard = self.world.document()
        stopped.moments = [*[nothing] * moment, meanwhile]
        self.world.reconcile(stopped)
        stopped.moments = []

    @rule()
    def work(self) -> None:
        self.world.work()

    @rule(seconds=st.sampled_from([1, 60]))
    def wait(self, seconds: int) -> None:
        self.world.wait(seconds)

    @invariant()
    def one_workspace_at_most(self) -> None:
        places = [(room.workspace.owner.namespace, room.workspace.owner.name) for room in self.rooms()]
        assert len(places) == len(set(places)) <= 1

    def teardown(self) -> None:
        document = self.world.document()
        if document is None:
            return
        self.come_to_rest()
        if self.reason() == "WorkspaceMissing":
            self.bring_the_database_back()
        document = self.world.document()
        if document is None or "deletionTimestamp" in document["metadata"]:
            return
        resource = resource_of(document)
        [ready] = [each for each in resource.previous.conditions if each.type == "Ready"]
        assert ready.observed_generation == resource.generation
        if ready.reason != "InForce":
            assert ready.reason in ("Suspended", "GenerationWentBack", "WorkspaceMissing"), ready
            return
        [room] = self.rooms()
        assert isinstance(resource.wish, Wish)
        assert room.workspace.settings.color == resource.wish.settings.color
        assert resource.wish.mode in (None, room.workspace.mode)
        assert not room.is_changing

    def reason(self) -> str | None:
        document = self.world.document()
        conditions = document["status"]["conditions"] if document and "status" in document else ()
        return next((str(each["reason"]) for each in conditions if each["type"] == "Ready"), None)

    def bring_the_database_back(self) -> None:
        """Whatever database has the workspace of the status, all goes on with it by itself."""
        world = self.world
        resource = resource_of(world.document() or {})
        assert not world.database.holds(resource)
        for each in (world.another, *world.backups):
            if each.holds(resource):
                world.database = each
                self.come_to_rest()
                assert self.reason() != "WorkspaceMissing"
                return

    def come_to_rest(self) -> None:
        operator = self.world.operators[0]
        for _ in range(30):
            operator.heard = self.world.document()
            self.world.wait(60)
            self.world.work()
            before = self.everything()
            is_done = self.world.reconcile(operator) or self.reason() == "WorkspaceMissing"  # that is looked at again
            if is_done and self.everything() == before:
                return
        raise AssertionError(f"{PLACE} does not come to rest")

    def everything(self) -> Any:
        """What a visit may change: the resource, the workspaces and their identifier changes."""
        changes = [each.migration for room in self.rooms() for each in room.changes]
        return self.world.document(), [room.workspace for room in self.rooms()], changes

    def rooms(self) -> list[Room]:
        return list(self.world.memory.rooms.values())


def nothing() -> None:
    """A moment in which nothing happens."""


def test_generation_that_is_accepted_late_puts_nothing_in_force() -> None:
    """etcd was restored; before that is accepted, the user repeats the edit and the other operator carries it out."""
    world = World()
    first, other = world.operators
    for color in ("111111", "222222"):
        world.edit(color=color)
        world.snapshots.append(world.document())
        first.heard = world.document()
        world.reconcile(first)

    def meanwhile() -> None:
        world.edit(color="222222")
        other.heard = world.document()
        world.reconcile(other)

    world.restore(0)
    first.heard = world.document()
    first.moments = [nothing, meanwhile]
    world.reconcile(first)

    [room] = world.memory.rooms.values()
    assert first.moments == []
    assert room.workspace.settings.color == "222222"


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


@pytest.mark.proof
def test_interleavings_at_length() -> None:
    machine = Interleavings.TestCase
    machine.settings = settings(max_examples=20_000, stateful_step_count=60, deadline=None)
    machine("runTest").runTest()
