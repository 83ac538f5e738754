"""Specs that were taken back are never carried out, however late an operator is (design §4, Newest only)."""

import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.controlplane.launcher import ControlPlane
from tests.e2e.clusters import ACCOUNT, MakeOperator
from tests.e2e.fixtures import NamespaceEnv
from tests.e2e.operators import Operator
from workspace_operator.bootstrap import open_store_lazily

TWINS = [("1", "twin@example.com"), ("2", "twin@example.com")]
ID_ONLY: dict[str, object] = {"identifiers": {"mode": "IDOnly", "onConflict": "Block"}}
MERGING: dict[str, object] = {"identifiers": {"mode": "EmailOrID", "onConflict": "Merge"}}
EDITS = 60
ROUNDS = 200 if os.environ.get("WORKSPACE_OPERATOR_PROOF") else 8
OPERATOR = f"system:serviceaccount:{ACCOUNT[0]}:{ACCOUNT[1]}"


@pytest.fixture
def twins(env: NamespaceEnv) -> NamespaceEnv:
    """Two people who share an address, in a workspace that knows people by id only."""
    env.apply(identifiers=ID_ONLY["identifiers"])
    env.wait_until_ready()
    env.import_people(TWINS)
    return env


@contextmanager
def stopped(*operators: Operator) -> Iterator[None]:
    """Processes that stand still, as when a node is cut off or a machine paused."""
    for operator in operators:
        os.kill(operator.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for operator in operators:
            os.kill(operator.pid, signal.SIGCONT)


def nothing_was_begun(env: NamespaceEnv) -> None:
    """Nobody was merged, and no change of identifiers was ever begun: one that is taken back leaves its row, too."""
    with open_store_lazily(env.operator.database) as store:
        workspace = store.workspaces.find(env.namespace, "shop")
        assert store.people.count(workspace.workspace_id).total == len(TWINS)
    with closing(sqlite3.connect(env.operator.database.removeprefix("sqlite:///"))) as database:
        query = "SELECT count(*) FROM migration WHERE workspace_id = ?"
        assert database.execute(query, (workspace.workspace_id,)).fetchone() == (0,)


def colored(number: int) -> dict[str, object]:
    return {"color": f"{number:06d}"}


def test_backlog_is_one_visit(twins: NamespaceEnv, control_plane: ControlPlane) -> None:
    before, row = status_writes(twins, control_plane), twins.stored().row_version

    with stopped(twins.operator):
        twins.patch(MERGING)
        for number in range(EDITS - 2):
            twins.patch(colored(number))
        twins.patch(ID_ONLY | colored(123456))
    twins.wait_until_ready()
    time.sleep(3)  # whatever else is in the backlog has its turn

    assert twins.stored().settings.color == "123456"
    assert twins.stored().row_version == row + 1
    assert status_writes(twins, control_plane) == [*before, 200]
    nothing_was_begun(twins)


def status_writes(env: NamespaceEnv, control_plane: ControlPlane) -> list[int]:
    """The answers to the operator's writes of the status so far."""
    return [
        write.code
        for write in control_plane.writes(resource="workspaces")
        if (write.namespace, write.user, write.subresource) == (env.namespace, OPERATOR, "status")
    ]


def test_late_operator_puts_nothing_older_in_force(twins: NamespaceEnv, make_operator: MakeOperator) -> None:
    second = make_operator(database=twins.operator.database)
    second.start()
    second.wait_until_alive()
    chance = random.Random(12)

    for number in range(ROUNDS):
        late, early = chance.sample([twins.operator, second], 2)
        with stopped(late):
            with stopped(early):
                twins.patch(chance.choice([MERGING, MERGING | {"suspend": True}]))
                for _ in range(chance.randrange(4)):
                    twins.patch(colored(chance.randrange(1000)))
                twins.patch(ID_ONLY | {"suspend": False} | colored(1000 + number))
            twins.wait_until_ready()
            if chance.random() < 0.3:
                twins.patch(colored(2000 + number))
                twins.wait_until_ready()
        wanted = twins.wait_until_ready()["spec"]["color"]
        time.sleep(chance.random())
        assert twins.stored().settings.color == wanted

    nothing_was_begun(twins)
