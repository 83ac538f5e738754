"""An administrator changes the send behavior of a workspace without a resource (sending §3.4)."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.fakes.database import InMemoryDatabase
from tests.fakes.workspaces.sending import FakeAttempt
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from tests.store.backends import START, Clock
from tests.workspaces import create_workspace
from workspace_operator.application.operator.send_behavior import SendBehaviorSwitch
from workspace_operator.errors import InvalidInput, NotFound, StaleRevision
from workspace_operator.reconcile.model.sending import ObservedSending
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.model import Workspace


class Desk:
    """A workspace with messages that are being handed over, and the switch; sleeping lets time pass."""

    def __init__(self) -> None:
        self.clock, self.naps = Clock(), 0
        self.memory = InMemoryDatabase(clock=self.clock)
        self.workspaces = FakeWorkspaces(self.memory)
        self.workspace = create_workspace(self.workspaces, "shop", now=START)
        self.while_asleep: Callable[[], object] = lambda: None
        self.switch = SendBehaviorSwitch(workspaces=self.workspaces, clock=self.clock, sleep=self.sleep)
        self.told: list[ObservedSending] = []

    def sleep(self, seconds: float) -> None:
        self.naps += 1
        self.clock.advance(seconds)
        self.while_asleep()

    def hand_over(self, seconds: float) -> None:
        attempt = FakeAttempt(
            workspace_id=self.workspace.workspace_id,
            send_version=self.workspace.send_version,
            deadline=self.clock.now + timedelta(seconds=seconds),
        )
        self.memory.sending.attempts.append(attempt)

    def set(self, mode: SendMode, test_address: str | None = None) -> Workspace:
        return self.switch.put_in_force(self.workspace.workspace_id, mode, test_address)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_waits_for_the_last_deadline(desk: Desk) -> None:
    desk.hand_over(1)
    desk.hand_over(3)

    desk.switch.wait(desk.set(SendMode.NEVER), desk.told.append)

    assert desk.clock.now - START == pytest.approx(timedelta(seconds=3), abs=timedelta(seconds=0.2))
    assert [sending.draining for sending in desk.told] == [2]


def test_waits_for_nothing_without_hand_overs(desk: Desk) -> None:
    desk.switch.wait(desk.set(SendMode.NEVER), desk.told.append)

    assert (desk.naps, desk.told) == (0, [])


def test_wait_ends_with_the_hand_over(desk: Desk) -> None:
    desk.hand_over(30)
    desk.while_asleep = desk.memory.sending.attempts.clear

    desk.switch.wait(desk.set(SendMode.NEVER), desk.told.append)

    assert desk.naps == 1


def test_same_behavior_is_written_once_and_awaited(desk: Desk) -> None:
    desk.hand_over(30)
    first = desk.set(SendMode.NEVER)

    assert desk.set(SendMode.NEVER) == first
    desk.switch.wait(first, desk.told.append)
    assert len(desk.told) == 1


def test_other_settings_stay(desk: Desk) -> None:
    after = desk.set(SendMode.TEST, "qa@example.com").settings

    assert (after.display_name, after.send_mode, after.test_address) == ("shop", SendMode.TEST, "qa@example.com")
    assert desk.set(SendMode.NORMAL).settings == desk.workspace.settings


@pytest.mark.parametrize(
    ("mode", "address", "words"),
    [
        (SendMode.TEST, None, "send behavior Test takes a test address"),
        (SendMode.NEVER, "qa@example.com", "send behavior Never takes no test address"),
        (SendMode.TEST, "nobody", "'nobody' must be one e-mail address"),
    ],
)
def test_wrong_addresses_change_nothing(desk: Desk, mode: SendMode, address: str | None, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        desk.set(mode, address)

    assert desk.workspaces.get(desk.workspace.workspace_id) == desk.workspace


def test_absent_workspace_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.switch.put_in_force(99, SendMode.NEVER)


def test_change_by_another_program_ends_the_wait(desk: Desk) -> None:
    desk.hand_over(30)
    stopped = desk.set(SendMode.NEVER)
    desk.while_asleep = lambda: desk.set(SendMode.NORMAL)

    with pytest.raises(StaleRevision, match="changed by another program"):
        desk.switch.wait(stopped, desk.told.append)
