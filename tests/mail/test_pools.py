"""The pool against a server that takes everything: results, connections, offers, rates."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.mail.sink import Sink
from tests.mail.transports import MESSAGE, WORKSPACE, mail, open_pool, results, transport
from workspace_operator.errors import NotFound
from workspace_operator.sending.deliveries import AttemptOutcome


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


def test_message_arrives_as_it_is(sink: Sink) -> None:
    sent = mail("ann@a.example", "bob@b.example")

    with open_pool(transport(sink.port)) as running:
        (result,) = results(running, sent)

    (message,) = sink.messages
    assert (message.sender, message.recipients) == (sent.sender, sent.recipients)
    assert message.data.replace(b"\r\n..", b"\r\n.") == MESSAGE
    assert (result.delivery_id, result.outcome, result.code) == (sent.delivery_id, AttemptOutcome.SENT, 250)


def test_connections_stay_open_between_batches(sink: Sink) -> None:
    with open_pool(transport(sink.port, connections=2)) as running:
        for _ in range(5):
            results(running, *(mail() for _ in range(20)))

    assert sink.taken == 100
    assert sink.connections <= 2
    assert len({message.recipients for message in sink.messages}) == 1


def test_each_result_is_taken_once(sink: Sink) -> None:
    mails = [mail() for _ in range(50)]

    with open_pool(transport(sink.port, connections=4)) as running:
        handover = running.hand_over("default", WORKSPACE, mails, deadline=running.monotonic() + 10)
        taken = list(handover.take_ended())
        while not handover.wait(0.001):
            taken += handover.take_ended()
        taken += handover.take_ended()

    assert sorted(result.delivery_id for result in taken) == sorted(sent.delivery_id for sent in mails)
    assert handover.take_ended() == []


def test_empty_batch_has_ended(sink: Sink) -> None:
    with open_pool(transport(sink.port)) as running:
        assert results(running) == []


def test_batches_take_turns(sink: Sink) -> None:
    sink.before_250 = 0.02

    with open_pool(transport(sink.port)) as running:
        long = running.hand_over("default", 1, [mail() for _ in range(40)], deadline=running.monotonic() + 10)
        short = running.hand_over("default", 2, [mail()], deadline=running.monotonic() + 10)

        assert short.wait(10)
        assert not long.wait(0)


def test_closed_pool_sends_nothing(sink: Sink) -> None:
    with open_pool(transport(sink.port)) as running:
        results(running, mail())
    (result,) = results(running, mail())

    assert (result.outcome, result.reply) == (AttemptOutcome.NOT_SENT, "the sender is stopping")
    assert sink.taken == 1


def test_transport_is_offered_to_its_namespaces(sink: Sink) -> None:
    offer = replace(transport(sink.port).offer, namespaces=frozenset({"shops"}))

    with open_pool(transport(sink.port, offer=offer)) as running:
        assert running.offers == [offer]
        assert running.offer("default", "shops") == offer
        assert running.offer("default", "banks") is None
        assert running.offer("other", "shops") is None


def test_unknown_transport_is_an_error(sink: Sink) -> None:
    with (
        open_pool(transport(sink.port)) as running,
        pytest.raises(NotFound, match="no transport 'other': it offers default"),
    ):
        running.hand_over("other", WORKSPACE, [mail()], deadline=running.monotonic() + 1)


def test_bounce_address_names_the_delivery(sink: Sink) -> None:
    with open_pool(transport(sink.port, bounce_address="bounce@mail.example")) as running:
        assert running.envelope_sender("default", "a@a.example", "17ab") == "bounce+17ab@mail.example"


def test_sender_is_the_envelope_sender_without_bounce_address(sink: Sink) -> None:
    with open_pool(transport(sink.port)) as running:
        assert running.envelope_sender("default", "a@a.example", "17ab") == "a@a.example"


def test_capacity_is_used_up_by_what_begins(sink: Sink) -> None:
    with open_pool(transport(sink.port, per_second=5.0, per_workspace_per_second=3.0)) as running:
        before = running.capacity("default", WORKSPACE)[0]
        results(running, mail(), mail(), mail())
        after = running.capacity("default", WORKSPACE)
        of_another = running.capacity("default", WORKSPACE + 1)[0]

    assert before == 3
    assert after[0] == 0
    assert 0 < after[1] <= 0.34
    assert of_another == 2
