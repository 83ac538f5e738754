"""A batch on its way: each message ends once, at the latest with the deadline."""

import time
from threading import Thread, Timer

from tests.mail.transports import mail
from tests.threads import run_together
from workspace_operator.mail.deadlines import TIME_OVER, Deadline
from workspace_operator.mail.handovers import QueuedHandover
from workspace_operator.sending.deliveries import AttemptOutcome
from workspace_operator.sending.messages import OutgoingMail
from workspace_operator.sending.outcomes import HandoverResult


def handover(*mails: OutgoingMail, seconds: float = 10) -> QueuedHandover:
    return QueuedHandover(mails, Deadline.after(seconds))


def sent(message: OutgoingMail) -> HandoverResult:
    return HandoverResult(delivery_id=message.delivery_id, outcome=AttemptOutcome.SENT)


def test_messages_are_taken_in_order() -> None:
    first, second = mail(), mail()
    batch = handover(first, second)

    assert [batch.take_mail() for _ in range(3)] == [first, second, None]


def test_message_that_is_put_back_is_next() -> None:
    first, second = mail(), mail()
    batch = handover(first, second)

    batch.put_back(batch.take_mail() or second)

    assert batch.take_mail() == first


def test_no_message_is_taken_after_the_deadline() -> None:
    batch = handover(mail(), seconds=-1)

    assert batch.take_mail() is None
    assert [result.reply for result in batch.take_ended()] == [TIME_OVER]


def test_wait_ends_with_the_last_result() -> None:
    message = mail()
    batch = handover(message)
    taken = batch.take_mail()
    Timer(0.1, lambda: batch.end(sent(message))).start()
    began = time.monotonic()

    assert taken == message
    assert batch.wait(10)
    assert time.monotonic() - began < 5


def test_wait_ends_with_its_time() -> None:
    batch = handover(mail())

    assert not batch.wait(0.05)
    assert batch.take_ended() == []


def test_wait_ends_with_the_deadline_of_what_nobody_took() -> None:
    batch = handover(mail(), mail(), seconds=0.1)
    began = time.monotonic()

    assert batch.wait(10)
    assert time.monotonic() - began < 5
    assert {result.outcome for result in batch.take_ended()} == {AttemptOutcome.NOT_SENT}


def test_message_in_hand_is_waited_for_after_the_deadline() -> None:
    message = mail()
    batch = handover(message, mail(), seconds=0.05)
    batch.take_mail()

    assert not batch.wait(0.2)
    batch.end(sent(message))
    assert batch.wait(0)
    assert len(batch.take_ended()) == 2


def test_giving_up_ends_what_nobody_took() -> None:
    message = mail()
    batch = handover(message, mail(), mail())
    batch.take_mail()

    batch.give_up("stopped")

    assert [result.reply for result in batch.take_ended()] == ["stopped", "stopped"]
    assert not batch.wait(0)


def test_threads_end_each_message_once() -> None:
    mails = [mail() for _ in range(500)]
    batch, ended = handover(*mails), list[HandoverResult]()

    def work() -> None:
        while (message := batch.take_mail()) is not None:
            batch.end(sent(message))

    def read() -> None:
        for _ in range(100):
            ended.extend(batch.take_ended())

    reader = Thread(target=read)
    reader.start()
    run_together(*[work] * 4)
    reader.join()
    ended += batch.take_ended()

    assert batch.wait(0)
    assert sorted(result.delivery_id for result in ended) == sorted(message.delivery_id for message in mails)
