"""Notices are mailed once, to the admins of an Account, with retries and an end (accounts §6)."""

import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest

from tests.mail.servers.smtp_server import running
from tests.mail.sink import Sink
from tests.mail.transports import transport
from tests.notices.notices import ADMINS, DAY, NOW, FakeNotices, account, notice
from workspace_operator.application.accounts.notices import MAX_BATCH, NoticeSender
from workspace_operator.application.ports import Handover, HandoverResult, Notice, NoticeState
from workspace_operator.bootstrap.logs import TextFormatter
from workspace_operator.errors import StoreUnavailable
from workspace_operator.mail.pools import SMTPTransportPool
from workspace_operator.reconcile.model.accounts import Notices
from workspace_operator.sending.deliveries import AttemptOutcome
from workspace_operator.sending.keys import RootKey
from workspace_operator.sending.messages import OutgoingMail
from workspace_operator.sending.transports import TransportOffer

ROOT_KEY = RootKey(b"k" * 32)
OFFER = TransportOffer(
    name="default", sender_domains=frozenset({"nordlicht.example"}), namespaces=frozenset({"marketing"})
)


@dataclass(slots=True, kw_only=True)
class Answers:
    """Implements the ports ``TransportPool`` and ``Handover``: each message gets the next answer; None is no answer."""

    answers: list[tuple[AttemptOutcome, int | None] | None] = field(default_factory=list)
    offered: TransportOffer = OFFER
    room: tuple[int, float] = (10, 0.0)
    mails: list[OutgoingMail] = field(default_factory=list)

    @property
    def offers(self) -> Sequence[TransportOffer]:
        return [self.offered]

    def states(self) -> Sequence[tuple[str, bool]]:
        return [(self.offered.name, True)]

    def offer(self, name: str, namespace: str) -> TransportOffer | None:
        return self.offered if name == self.offered.name and self.offered.is_offered_to(namespace) else None

    def envelope_sender(self, name: str, sender: str, delivery_id: str) -> str:
        return f"{name} {delivery_id} {sender}"

    def capacity(self, name: str, workspace_id: int) -> tuple[int, float]:  # noqa: ARG002 - the port's
        return self.room

    def monotonic(self) -> float:
        return 0.0

    def hand_over(self, name: str, workspace_id: int, mails: Sequence[OutgoingMail], *, deadline: float) -> Handover:
        assert (name, workspace_id, deadline) == ("default", 0, 30.0)
        self.mails += mails
        return self

    def wait(self, seconds: float) -> bool:
        return seconds > 30

    def take_ended(self) -> Sequence[HandoverResult]:
        answer = self.answers.pop(0)
        if answer is None:
            return []
        outcome, code = answer
        reply = "to ana@nordlicht.example"
        return [HandoverResult(delivery_id=self.mails[-1].delivery_id, outcome=outcome, code=code, reply=reply)]


SENT = (AttemptOutcome.SENT, 250)


@dataclass(slots=True, kw_only=True)
class Office:
    """A sender of notices with its outbox and a clock."""

    notices: FakeNotices = field(default_factory=FakeNotices)
    transports: Answers = field(default_factory=Answers)
    now: datetime = NOW

    def work(self, *, root_key: RootKey | None = ROOT_KEY, stopping: bool = False) -> bool:
        sender = NoticeSender(
            notices=self.notices,
            transports=self.transports,
            root_key=root_key,
            clock=lambda: self.now,
            console_url="https://console.example",
            stopping=lambda: stopping,
        )
        return sender.work_once()

    def states(self) -> list[tuple[NoticeState, str | None]]:
        return [(update.state, update.failure) for update in self.notices.updates]


def office(*answers: Any, **changes: Any) -> Office:
    made = Office(transports=Answers(answers=list(answers)))
    made.notices.put(notice(**changes))
    return made


def batch() -> list[Notice]:
    """As many notices as a sender reads at a time."""
    first = notice()
    return [replace(first, key=replace(first.key, subject=str(number))) for number in range(MAX_BATCH)]


class UnavailableNotices(FakeNotices):
    """A store that answers reads, and no writes."""

    def claim(self, notice: Notice, *, key_fingerprint: str, until: datetime) -> Notice | None:  # noqa: ARG002 - the port's
        raise StoreUnavailable("the database is away")


def test_notice_is_mailed_to_all_admins_once() -> None:
    made = office(SENT)

    assert made.work() is False
    made.now += timedelta(hours=1)
    assert made.work() is False

    [mail] = made.transports.mails
    assert mail.recipients == ADMINS
    assert mail.sender == f"default {mail.delivery_id} ops@nordlicht.example"
    assert made.states() == [(NoticeState.SENT, None)]
    assert made.notices.asked == [("default",), ("default",)]


def test_message_says_that_it_is_automatic() -> None:
    made = office(SENT)

    made.work()

    message: Any = message_from_bytes(made.transports.mails[0].data, policy=policy.default)
    assert message["From"] == "Workspaces <ops@nordlicht.example>"
    assert message["To"] == ", ".join(ADMINS)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Subject"].startswith('workspace "Nordlicht CRM" (marketing/crm): ')
    assert message["Message-ID"] == f"<{made.transports.mails[0].delivery_id}@nordlicht.example>"
    assert "17 of 28 people block it" in message.get_content()
    assert "https://console.example/w/7/cleanup" in message.get_content()


def test_refusal_for_now_is_tried_again_with_the_same_id() -> None:
    made = office((AttemptOutcome.DEFERRED, 451), SENT)
    made.work()
    assert made.states() == [(NoticeState.WAITING, "deferred, code 451")]
    made.work()
    assert len(made.transports.mails) == 1

    made.now += timedelta(minutes=1)
    made.work()

    assert made.states()[-1] == (NoticeState.SENT, None)
    assert len({mail.delivery_id for mail in made.transports.mails}) == 1


@pytest.mark.parametrize("outcome", [AttemptOutcome.REFUSED, AttemptOutcome.BOUNCED])
def test_refusal_for_good_is_the_end(outcome: AttemptOutcome) -> None:
    made = office((outcome, 550))

    made.work()

    # The server's reply can hold an address.
    assert made.states() == [(NoticeState.FAILED, f"{outcome}, code 550")]


def test_unknown_outcome_is_tried_again_once() -> None:
    made = office(None, None)
    for _ in range(3):
        made.work()
        made.now += timedelta(minutes=6)

    assert [state for state, _ in made.states()] == [NoticeState.WAITING, NoticeState.FAILED]
    assert len(made.transports.mails) == 2


def test_attempts_of_dead_senders_count_as_unknown() -> None:
    made = office(attempts=2, unknowns=2)

    made.work()

    assert made.states() == [(NoticeState.FAILED, "the outcome of 2 hand-overs is unknown, it may have been taken")]
    assert made.transports.mails == []


def test_notice_is_given_up_after_a_day() -> None:
    made = office(created_at=NOW - DAY - timedelta(seconds=1))

    made.work()

    assert made.states() == [(NoticeState.FAILED, "it was not sent within 24 h")]


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"account": None}, "the account mails no notices any more"),
        ({"account": account(notices=None)}, "the account mails no notices any more"),
        ({"account": account(admins=())}, "the account has no admins"),
        (
            {"account": account(notices=Notices(transport="default", sender="nobody"))},
            "spec.notices.from of the Account is not one address",
        ),
        (
            {"account": account(notices=Notices(transport="default", sender="ops@other.example"))},
            "the transport default does not allow the domain other.example of spec.notices.from",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_nobody_is_mailed(changes: dict[str, Any], failure: str) -> None:
    made = office(**changes)

    made.work()

    assert made.states() == [(NoticeState.FAILED, failure)]
    assert made.transports.mails == []


def test_transport_must_be_offered_to_the_namespace() -> None:
    made = office(SENT)
    made.transports.offered = replace(OFFER, namespaces=frozenset({"sales"}))
    made.work()
    assert made.states() == [(NoticeState.WAITING, "the transport default is not offered to the namespace marketing")]

    made.transports.offered, made.now = OFFER, made.now + timedelta(minutes=1)
    made.work()

    assert made.states()[-1] == (NoticeState.SENT, None)


def test_paused_transport_is_waited_for() -> None:
    made = office(SENT)
    made.transports.room = (0, 90.0)

    made.work()

    assert made.notices.updates[0].due_at == NOW + timedelta(seconds=90)
    assert made.transports.mails == []


def test_another_sender_is_faster() -> None:
    made = office()
    made.notices.claimable = False

    made.work()

    assert made.transports.mails == []
    assert made.notices.updates == []


@pytest.mark.parametrize("room", [(10, 0.0), (0, 90.0)], ids=["after a claim", "before a claim"])
def test_notice_that_another_sender_changed_stays_as_it_is(
    room: tuple[int, float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    made = office(SENT)
    made.transports.room = room
    made.notices.updatable = False

    assert made.work() is False

    assert made.notices.updates == []
    assert caplog.messages == []


def test_batch_that_cannot_be_claimed_is_not_repeated_at_once() -> None:
    made = office()
    made.notices.put(*batch())
    made.notices.claimable = False  # as with another root key: all stay due

    assert made.work() is False


@pytest.mark.parametrize(
    ("admin", "recipient"),
    [
        ('"ada"@nordlicht.example', "ada@nordlicht.example"),
        (r'"\a da"@nordlicht.example', '"a da"@nordlicht.example'),
        ("ada@büro.example", "ada@xn--bro-hoa.example"),
    ],
)
def test_odd_address_of_an_admin_is_mailed(admin: str, recipient: str) -> None:
    made = office(SENT, account=account(admins=(*ADMINS, admin)))

    made.work()

    assert made.transports.mails[0].recipients == (*ADMINS, recipient)
    message = message_from_bytes(made.transports.mails[0].data, policy=policy.default)
    assert message["To"].addresses[-1].addr_spec == recipient
    assert made.states() == [(NoticeState.SENT, None)]


def test_two_spellings_of_an_admin_get_one_copy() -> None:
    made = office(SENT, account=account(admins=(*ADMINS, '"ana"@nordlicht.example')))

    made.work()

    assert made.transports.mails[0].recipients == ADMINS


def test_address_that_no_header_can_have_is_left_out() -> None:
    odd = r'"\"ada\""@nordlicht.example'
    made, alone = office(SENT, account=account(admins=(odd, *ADMINS))), office(account=account(admins=(odd,)))

    made.work()
    alone.work()

    assert made.transports.mails[0].recipients == ADMINS
    assert alone.states() == [(NoticeState.FAILED, "no admin of the account has an address that can be mailed")]


def test_server_without_smtputf8_keeps_no_other_admin_from_the_notice(caplog: pytest.LogCaptureFixture) -> None:
    outbox = FakeNotices()
    outbox.put(notice(account=account(admins=("jürgen@nordlicht.example", *ADMINS))))
    with (
        running(enable_SMTPUTF8=False) as server,
        closing(SMTPTransportPool([transport(server.port)])) as pool,
    ):
        NoticeSender(notices=outbox, transports=pool, root_key=ROOT_KEY, clock=lambda: NOW).work_once()

    [envelope] = server.handler.envelopes
    assert envelope.rcpt_tos == list(ADMINS)
    assert isinstance(envelope.content, bytes)
    assert envelope.content.isascii()
    assert outbox.updates[0].state is NoticeState.SENT
    assert any("leaves 1 admin(s) out: the server does not offer SMTPUTF8" in message for message in caplog.messages)


def test_message_that_no_admin_can_get_is_refused() -> None:
    made = office((AttemptOutcome.REFUSED, None), account=account(admins=("jürgen@nordlicht.example",)))

    made.work()

    assert made.states() == [(NoticeState.FAILED, "refused")]


def test_fault_of_one_notice_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    faulty = notice()
    made = office(SENT, key=replace(faulty.key, subject="2"), created_at=NOW + timedelta(seconds=1))
    made.notices.waiting = {faulty.key: replace(faulty, details={}), **made.notices.waiting}

    made.work()

    assert made.states() == [(NoticeState.SENT, None)]
    assert caplog.messages[0].startswith("notice MigrationBlocked of workspace 7: an attempt failed with KeyError\n")


def test_lines_name_the_resource(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caplog.handler, "formatter", TextFormatter("%(message)s"))
    caplog.set_level(logging.INFO)
    owner = notice().workspace.owner

    office(SENT).work()

    assert f"was mailed to the admins namespace={owner.namespace} name={owner.name}\n" in caplog.text


def test_store_that_is_away_ends_the_look() -> None:
    made = Office(notices=UnavailableNotices())
    made.notices.put(notice())

    with pytest.raises(StoreUnavailable):
        made.work()


def test_without_a_root_key_nothing_is_mailed() -> None:
    made = office()

    assert made.work(root_key=None) is False
    assert made.notices.asked == []


def test_stopping_sender_begins_nothing() -> None:
    made = office()

    assert made.work(stopping=True) is False
    assert made.transports.mails == []


def test_full_batch_has_more() -> None:
    made = office(*[SENT] * MAX_BATCH)
    made.notices.put(*batch())

    assert made.work() is True
    assert len(made.transports.mails) == MAX_BATCH


def test_notice_arrives_at_a_server() -> None:
    outbox = FakeNotices()
    outbox.put(notice())
    with Sink() as sink, closing(SMTPTransportPool([transport(sink.port)])) as pool:
        NoticeSender(notices=outbox, transports=pool, root_key=ROOT_KEY, clock=lambda: NOW).work_once()

        [transaction] = sink.transactions
    assert transaction.recipients == ADMINS
    assert outbox.updates[0].state is NoticeState.SENT
