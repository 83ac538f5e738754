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

from tests.fakes.database import WorkspaceState
from tests.reconciler.simulation import PLACE, ClusterSimulation
from workspace_operator.application.operator.parsing import parse_resource
from workspace_operator.reconcile.model.desired import DesiredState
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
        self.world = ClusterSimulation()

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
    def save_resources(self) -> None:
        self.world.snapshots.append(self.world.document())

    @rule(number=st.integers(0, 3))
    def restore(self, number: int) -> None:
        self.world.restore(number)

    @rule()
    def exchange_database(self) -> None:
        self.world.exchange_database()

    @rule()
    def save_database(self) -> None:
        self.world.backups.append(deepcopy(self.world.database))

    @rule(number=st.integers(0, 3))
    def restore_database(self, number: int) -> None:
        self.world.restore_database(number)

    @rule(operator=operators)
    def receive(self, operator: int) -> None:
        document = self.world.document()
        self.world.operators[operator].known_document = document or self.world.operators[operator].known_document

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
                other.known_document = self.world.document()
                self.world.reconcile(other)

        stopped = self.world.operators[operator]
        self.world.edit(**first)
        stopped.known_document = self.world.document()
        stopped.interruptions = [*[nothing] * moment, meanwhile]
        self.world.reconcile(stopped)
        stopped.interruptions = []

    @rule()
    def work(self) -> None:
        self.world.work()

    @rule(seconds=st.sampled_from([1, 60]))
    def wait(self, seconds: int) -> None:
        self.world.wait(seconds)

    @invariant()
    def one_workspace_at_most(self) -> None:
        places = [(state.workspace.owner.namespace, state.workspace.owner.name) for state in self.states()]
        assert len(places) == len(set(places)) <= 1

    def teardown(self) -> None:
        document = self.world.document()
        if document is None:
            return
        self.converge()
        if self.reason() == "WorkspaceMissing":
            self.bring_the_database_back()
        document = self.world.document()
        if document is None or "deletionTimestamp" in document["metadata"]:
            return
        resource = parse_resource(document)
        [ready] = [each for each in resource.previous.conditions if each.type == "Ready"]
        assert ready.observed_generation == resource.generation
        if ready.reason != "InForce":
            assert ready.reason in ("Suspended", "GenerationWentBack", "WorkspaceMissing"), ready
            return
        [state] = self.states()
        assert isinstance(resource.desired, DesiredState)
        assert state.workspace.settings.color == resource.desired.settings.color
        assert resource.desired.mode in (None, state.workspace.mode)
        assert not state.is_migrating

    def reason(self) -> str | None:
        document = self.world.document()
        conditions = document["status"]["conditions"] if document and "status" in document else ()
        return next((str(each["reason"]) for each in conditions if each["type"] == "Ready"), None)

    def bring_the_database_back(self) -> None:
        """Whatever database has the workspace of the status, all goes on with it by itself."""
        simulation = self.world
        resource = parse_resource(simulation.document() or {})
        assert not simulation.database.holds(resource)
        for each in (simulation.another, *simulation.backups):
            if each.holds(resource):
                simulation.database = each
                self.converge()
                assert self.reason() != "WorkspaceMissing"
                return

    def converge(self) -> None:
        operator = self.world.operators[0]
        for _ in range(30):
            operator.known_document = self.world.document()
            self.world.wait(60)
            self.world.work()
            before = self.full_state()
            is_done = self.world.reconcile(operator) or self.reason() == "WorkspaceMissing"  # that is looked at again
            if is_done and self.full_state() == before:
                return
        raise AssertionError(f"{PLACE} does not come to rest")

    def full_state(self) -> Any:
        """What a visit may change: the resource, the workspaces and their identifier changes."""
        directory = self.world.memory.directory
        return self.world.document(), dict(directory.workspaces), dict(directory.migrations)

    def states(self) -> list[WorkspaceState]:
        return list(self.world.memory.states.values())


def nothing() -> None:
    """A moment in which nothing happens."""


def test_generation_that_is_accepted_late_puts_nothing_in_force() -> None:
    """etcd was restored; before that is accepted, the user repeats the edit and the other operator carries it out."""
    simulation = ClusterSimulation()
    first, other = simulation.operators
    for color in ("111111", "222222"):
        simulation.edit(color=color)
        simulation.snapshots.append(simulation.document())
        first.known_document = simulation.document()
        simulation.reconcile(first)

    def meanwhile() -> None:
        simulation.edit(color="222222")
        other.known_document = simulation.document()
        simulation.reconcile(other)

    simulation.restore(0)
    first.known_document = simulation.document()
    first.interruptions = [nothing, meanwhile]
    simulation.reconcile(first)

    [state] = simulation.memory.states.values()
    assert first.interruptions == []
    assert state.workspace.settings.color == "222222"


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


@pytest.mark.proof
def test_interleavings_at_length() -> None:
    machine = Interleavings.TestCase
    machine.settings = settings(max_examples=20_000, stateful_step_count=60, deadline=None)
    machine("runTest").runTest()
