"""A sender's work on the queue of a workspace, with a real store and a real SMTP server."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.e2e.waiting import wait_until
from tests.sender.post_office import QA, PlainRenderer, PostOffice, open_post_office, request
from workspace_operator.application.sending.handover import sender as sender_module
from workspace_operator.bootstrap.logs import TextFormatter
from workspace_operator.errors import StoreUnavailable
from workspace_operator.sending.deliveries import AttemptOutcome, DeliveryState
from workspace_operator.sending.keys import RootKey
from workspace_operator.sending.messages import RenderedMessage, RenderFailure, RenderJob
from workspace_operator.sending.rules import SendMode


@pytest.fixture
def office(database_url: str) -> Iterator[PostOffice]:
    with open_post_office(database_url) as opened:
        yield opened


def state_of(office: PostOffice, delivery_id: str) -> DeliveryState:
    return office.store.deliveries.get(office.workspace.workspace_id, delivery_id).delivery.state


def test_message_is_handed_over_and_noted(office: PostOffice) -> None:
    [delivery_id] = office.accept()

    while office.sender().work_once():
        pass

    [taken] = office.sink.messages
    [attempt] = office.store.deliveries.attempts(office.workspace.workspace_id, delivery_id)
    assert (taken.sender, taken.recipients) == ("hello@shop.example", ("ann@example.com",))
    assert state_of(office, delivery_id) is DeliveryState.SENT
    assert (attempt.outcome, attempt.number) == (AttemptOutcome.SENT, 1)


def test_room_without_work_is_not_leased(office: PostOffice) -> None:
    assert office.sender().work_once() is False


def test_many_messages_are_each_sent_once(office: PostOffice) -> None:
    ids = office.accept(300)

    while office.sender().work_once():
        pass

    assert office.sink.taken == 300
    assert {state_of(office, delivery_id) for delivery_id in ids} == {DeliveryState.SENT}
    assert len({taken.message_id for taken in office.sink.messages}) == 300


def test_test_mode_reaches_the_test_address_alone(office: PostOffice) -> None:
    office.set_mode(SendMode.TEST)
    office.accept(3, to="ann@example.com, bob@example.com", cc="cy@example.com", bcc="dan@example.com")

    while office.sender().work_once():
        pass

    assert {taken.recipients for taken in office.sink.messages} == {(QA,)}
    header = office.sink.messages[0].data.partition(b"\r\n\r\n")[0]
    assert b"X-Original-Bcc: dan@example.com" in header
    assert b"\r\nCc:" not in header


def test_never_ends_what_waits(office: PostOffice) -> None:
    office.set_mode(SendMode.NEVER)
    [delivery_id] = office.accept()
    office.sender().work_once()

    office.set_mode(SendMode.NORMAL)
    office.sender().work_once()

    assert state_of(office, delivery_id) is DeliveryState.UNDELIVERABLE
    assert office.sink.taken == 0


def test_nothing_accepted_in_test_goes_to_people(office: PostOffice) -> None:
    office.set_mode(SendMode.TEST)
    [delivery_id] = office.accept()
    office.set_mode(SendMode.NORMAL)

    office.sender().work_once()

    assert state_of(office, delivery_id) is DeliveryState.UNDELIVERABLE
    assert office.sink.taken == 0


def test_copy_of_a_database_sends_nothing(office: PostOffice) -> None:
    office.sender()  # leaves the fingerprint of its key
    [delivery_id] = office.accept()

    copy = office.sender("sender-2", root_key=RootKey(b"x" * 32))
    copy.work_once()

    assert office.sink.taken == 0
    assert state_of(office, delivery_id) is DeliveryState.WAITING


def test_adopted_database_sends_again(office: PostOffice) -> None:
    office.sender()
    office.accept()
    other = RootKey(b"x" * 32)

    cancelled = office.store.sending_queue.adopt_database(
        other.fingerprint(), discard_waiting=True, now=office.store.clock()
    )
    [later] = office.accept()
    sender = office.sender("sender-2", root_key=other)
    while sender.work_once():
        pass

    assert cancelled == 1
    assert office.sink.taken == 1
    assert state_of(office, later) is DeliveryState.SENT


def test_without_transport_messages_wait_without_writes(office: PostOffice) -> None:
    ids = office.accept(3)

    assert office.sender(transports=NoTransports()).work_once() is True
    assert office.sender(transports=NoTransports()).work_once() is False

    assert {state_of(office, delivery_id) for delivery_id in ids} == {DeliveryState.WAITING}


def test_new_rules_end_the_wait_for_a_transport(office: PostOffice) -> None:
    [delivery_id] = office.accept()
    office.sender(transports=NoTransports()).work_once()

    office.set_mode(SendMode.NEVER)
    office.sender(transports=NoTransports()).work_once()

    assert state_of(office, delivery_id) is DeliveryState.UNDELIVERABLE


def test_room_is_left_to_the_sender_that_has_its_transport(office: PostOffice) -> None:
    office.sender("other")  # writes what it offers
    [delivery_id] = office.accept()
    without = office.sender("without", transports=NoTransports())

    without.work_once()
    avoids = without.work_once() is False
    while office.sender("other").work_once():
        pass

    assert avoids
    assert state_of(office, delivery_id) is DeliveryState.SENT


class NoTransports:
    """A process that offers nothing."""

    offers = ()

    def offer(self, name: str, namespace: str) -> None:  # noqa: ARG002 - the port's signature
        return None

    def states(self) -> tuple[tuple[str, bool], ...]:
        return ()

    def monotonic(self) -> float:
        return time.monotonic()


def test_message_of_later_waits_for_its_time(office: PostOffice) -> None:
    office.accept(send_at=office.store.clock() + timedelta(hours=1))

    assert office.sender().work_once() is False


def test_outcome_survives_a_store_that_is_away(office: PostOffice) -> None:
    [delivery_id] = office.accept()
    queue, failures = office.store.sending_queue, [StoreUnavailable("away"), StoreUnavailable("away")]
    office.sink.before_250 = 0.3

    class Flaky:
        """Fails twice while the message is being handed over."""

        def __getattr__(self, name: str) -> object:
            return getattr(queue, name)

        def run(self, *arguments: object, **named: object) -> object:
            if office.sink.transactions and failures:
                raise failures.pop()
            return queue.run(*arguments, **named)  # type: ignore[arg-type]

    office.sender(queue=Flaky()).work_once()

    assert state_of(office, delivery_id) is DeliveryState.SENT
    assert office.sink.taken == 1


def test_nothing_is_begun_while_the_store_is_not_writable(office: PostOffice) -> None:
    office.is_writable = False
    office.accept(2)

    with office.running():
        time.sleep(1)
        assert office.sink.taken == 0
        office.is_writable = True
        wait_until(lambda: office.sink.taken == 2, within=20)


def test_busy_workspace_holds_up_no_other(office: PostOffice) -> None:
    other = office.another_workspace("other")
    office.sink.before_250 = 0.01
    office.accept(2000)
    with office.running():
        time.sleep(0.5)
        office.accept(workspace=other, to="other@example.com")
        wait_until(lambda: ("other@example.com",) in [taken.recipients for taken in office.sink.messages], within=60)

        assert office.sink.taken < 1000


def test_two_senders_send_each_message_once(office: PostOffice) -> None:
    office.accept(400)
    stop = threading.Event()

    def work(name: str) -> None:
        sender = office.sender(name)
        while not stop.is_set():
            if not sender.work_once():
                time.sleep(0.01)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while office.sink.taken < 400 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join()

    assert office.sink.taken == 400


def attempts_of(office: PostOffice, delivery_id: str) -> list[AttemptOutcome | None]:
    found = office.store.deliveries.attempts(office.workspace.workspace_id, delivery_id)
    return [attempt.outcome for attempt in found]


def test_lease_outlives_a_slow_server(office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "LEASE_DURATION", timedelta(seconds=0.6))
    office.sink.before_250 = 2.0
    [delivery_id] = office.accept()

    with office.running():
        deadline = time.monotonic() + 10
        while not office.sink.transactions and time.monotonic() < deadline:
            time.sleep(0.01)
        while not office.sink.taken and time.monotonic() < deadline:
            assert office.store.sending_queue.lease_room("other", timedelta(0), now=office.store.clock()) is None
            time.sleep(0.05)

    assert attempts_of(office, delivery_id) == [AttemptOutcome.SENT]


def test_outcome_is_noted_after_the_lease_was_lost(office: PostOffice) -> None:
    [delivery_id] = office.accept()
    office.sink.before_250 = 0.5
    worker = threading.Thread(target=office.sender().work_once)
    worker.start()
    while not office.sink.transactions:
        time.sleep(0.01)

    later = office.store.clock() + timedelta(seconds=30)
    other = office.store.sending_queue.lease_room("other", timedelta(minutes=1), now=later)
    worker.join()

    assert other is not None
    assert attempts_of(office, delivery_id) == [AttemptOutcome.SENT]
    assert state_of(office, delivery_id) is DeliveryState.SENT


def test_message_that_cannot_be_composed_harms_no_other(office: PostOffice) -> None:
    class Renderer(PlainRenderer):
        def render(self, jobs: list[RenderJob]) -> list[RenderedMessage | RenderFailure]:  # type: ignore[override]
            first, *rest = super().render(jobs)
            assert isinstance(first, RenderedMessage)
            return [replace(first, subject="\ud800"), *rest]

    ids = office.accept(3)

    office.sender(renderer=Renderer()).work_once()

    assert [state_of(office, each) for each in ids] == [DeliveryState.FAILED, DeliveryState.SENT, DeliveryState.SENT]
    assert attempts_of(office, ids[0]) == [AttemptOutcome.REFUSED]


def test_refused_messages_are_in_the_next_heartbeat(office: PostOffice) -> None:
    office.accept(3)
    office.sink.refusal = b"550 not from you\r\n"
    sender = office.sender()

    while sender.work_once():
        pass
    sender.register()

    [registered] = office.store.sending_queue.senders()
    assert sum(refused.count for refused in registered.refusals) == 3
    assert {(refused.transport, refused.code) for refused in registered.refusals} == {("default", 550)}


def test_lines_of_a_turn_name_the_resource(
    office: PostOffice, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caplog.handler, "formatter", TextFormatter("%(message)s"))
    office.accept()
    office.sink.refusal = b"550 not from you\r\n"

    with caplog.at_level("INFO"):
        office.sender().work_once()

    owner = office.workspace.owner
    assert f"1 hand-overs: refused, SMTP code 550 namespace={owner.namespace} name={owner.name}\n" in caplog.text


def test_log_names_no_address_of_a_message_that_cannot_be_made(
    office: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    class Renderer:
        def render(self, jobs: list[RenderJob]) -> list[RenderFailure]:
            return [RenderFailure(f"from {job.content.sender!r} is not an address") for job in jobs]

    [delivery_id] = office.accept(request=request("eve@example.com, x"))

    with caplog.at_level("INFO"):
        office.sender(renderer=Renderer()).work_once()

    assert state_of(office, delivery_id) is DeliveryState.FAILED
    assert "1 messages ended as failed" in caplog.text
    assert "eve@example.com" not in caplog.text


def test_log_names_no_address_of_a_turn_that_failed(office: PostOffice, caplog: pytest.LogCaptureFixture) -> None:
    class Renderer:
        def render(self, jobs: list[RenderJob]) -> list[RenderFailure]:  # noqa: ARG002 - the port's
            raise KeyError(address)

    address = "eve@example.com"
    office.accept()

    office.sender(renderer=Renderer()).work_once()

    assert "a turn failed with KeyError" in caplog.text
    assert "in render" in caplog.text
    assert address not in caplog.text
