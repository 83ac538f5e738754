"""Mails notices to the admins of accounts (accounts §6): each once, with retries and an end.

A notice is mail of the installation, and not of a workspace: it passes no gate, is no delivery, and counts for no
workspace. It goes by the transport that ``spec.notices`` of the Account names, which must be offered to the namespace.
"""

import hashlib
import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final, assert_never

from workspace_operator.application.accounts.notice_texts import NoticeText, notice_text
from workspace_operator.application.ports import Notice, Notices, NoticeState, NoticeUpdate, TransportPool
from workspace_operator.errors import InvalidInput, StoreUnavailable
from workspace_operator.log_lines import log_context
from workspace_operator.reconcile.model.accounts import Account
from workspace_operator.reconcile.model.accounts import Notices as NoticeSettings
from workspace_operator.sending.addresses import Mailbox, parse_address, parse_mailbox
from workspace_operator.sending.deliveries import HANDOVER_SECONDS, AttemptOutcome, DeliveryState
from workspace_operator.sending.keys import RootKey
from workspace_operator.sending.messages import OutgoingMail
from workspace_operator.sending.mime import address_list, encoded_text, frame, readable_entity
from workspace_operator.sending.outcomes import HandoverResult, History, follow_up

logger = logging.getLogger(__name__)

MAX_AGE: Final = timedelta(hours=24)
"""A notice that was not sent by then is given up: an outage ends with few old mails."""

CLAIM: Final = timedelta(minutes=2)
"""Longer than a hand-over takes; after a sender died, the notice is due again."""

RETRY_OFFER: Final = timedelta(seconds=60)
MAX_UNKNOWNS: Final = 2
"""Attempts without a known outcome, after which a further copy would be worse than a loss."""

MAX_BATCH: Final = 20
INSTALLATION: Final = 0
"""The number under which transports count the rate of notices: it is that of no workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSender:
    """Mails the notices that are due by the transports of this process; without a root key none.

    ``console_url`` is the base of links to the web console; empty: notices have none.
    """

    notices: Notices
    transports: TransportPool
    root_key: RootKey | None
    clock: Callable[[], datetime]
    console_url: str = ""
    stopping: Callable[[], bool] = field(default=lambda: False)

    def work_once(self) -> bool:
        """Mail up to a batch of notices; whether there may be more that this sender can do something about."""
        if self.root_key is None:
            return False
        names, now = [offer.name for offer in self.transports.offers], self.clock()
        due = self.notices.due(names, too_old=now - MAX_AGE, limit=MAX_BATCH, now=now)
        done = 0
        for notice in due:
            if self.stopping():
                return False
            owner = notice.workspace.owner
            with log_context(namespace=owner.namespace, name=owner.name):
                done += self._process(notice, self.root_key)
        # Without progress the same notices are due at once: those of a database with another root key stay so.
        return done > 0 and len(due) == MAX_BATCH

    def _process(self, notice: Notice, root_key: RootKey) -> bool:
        """Do what is next for a notice; whether its row was changed. A fault of one holds up no other."""
        try:
            return self._work(notice, root_key)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - the other notices go on
            place = "".join(traceback.format_tb(error.__traceback__))  # without the message, which can hold an address
            logger.error(  # noqa: TRY400 - the same
                "notice %s of workspace %d: an attempt failed with %s\n%s",
                notice.key.kind,
                notice.key.workspace_id,
                type(error).__name__,
                place,
            )
            return False

    def _work(self, notice: Notice, root_key: RootKey) -> bool:
        current, update = notice, self._without_hand_over(notice)
        if update is None:
            until = self.clock() + CLAIM
            claimed = self.notices.claim(notice, key_fingerprint=root_key.fingerprint(), until=until)
            if claimed is None:
                return False
            current, update = claimed, self._hand_over(notice)
        if not self.notices.update(current, update, now=self.clock()):
            return False
        _log(notice, update)
        return True

    def _without_hand_over(self, notice: Notice) -> NoticeUpdate | None:
        """What follows without a hand-over: the first rule that holds. None: it may be handed over now."""
        rules = (
            _is_too_old,
            _has_no_reader,
            _has_unknown_outcome,
            _has_wrong_sender,
            _is_not_offered,
            _has_no_capacity,
        )
        case = Case(notice=notice, now=self.clock(), transports=self.transports)
        return next((update for rule in rules if (update := rule(case)) is not None), None)

    def _hand_over(self, notice: Notice) -> NoticeUpdate:
        """Hand a claimed notice over, and decide what follows as for a delivery (sending §6.2)."""
        readers = _readers(notice.account)
        result = self._transfer(notice, readers)
        in_ascii = [reader for reader in readers if reader.address.isascii()]
        if _cannot_be_written(result) and 0 < len(in_ascii) < len(readers):
            # Nothing went out: the server offers no SMTPUTF8, which some of the admins need.
            _log_left_out(notice, len(readers) - len(in_ascii))
            result = self._transfer(notice, in_ascii)
        history = History(
            attempts=notice.attempts, tries=notice.tries, unknowns=notice.unknowns, first_tried_at=notice.created_at
        )
        following = follow_up(result, history, now=self.clock(), jitter=0.5)
        return NoticeUpdate(
            state=_STATES.get(following.state, NoticeState.FAILED),
            due_at=following.due_at,
            failure=None if following.failure is None else _failure(result),
            tries=notice.tries + following.counts_as_try,
            unknowns=notice.unknowns + (result.outcome is AttemptOutcome.UNKNOWN),
        )

    def _transfer(self, notice: Notice, readers: Sequence[Mailbox]) -> HandoverResult:
        """Hand the message to these readers over, and wait for the answer."""
        deadline = self.transports.monotonic() + HANDOVER_SECONDS
        text = notice_text(notice, console_url=self.console_url)
        mail = _mail(notice, text, readers, self.transports, now=self.clock())
        handover = self.transports.hand_over(_settings(notice).transport, INSTALLATION, [mail], deadline=deadline)
        handover.wait(HANDOVER_SECONDS + 1)
        return next(iter(handover.take_ended()), _no_result(mail))


_STATES: Final = {DeliveryState.SENT: NoticeState.SENT, DeliveryState.WAITING: NoticeState.WAITING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the rules before a hand-over decide on."""

    notice: Notice
    now: datetime
    transports: TransportPool

    def fail(self, failure: str) -> NoticeUpdate:
        """Give the notice up."""
        notice = self.notice
        return NoticeUpdate(state=NoticeState.FAILED, failure=failure, tries=notice.tries, unknowns=notice.unknowns)

    def wait(self, delay: timedelta, failure: str) -> NoticeUpdate:
        """Look at the notice again later."""
        notice = self.notice
        return NoticeUpdate(
            state=NoticeState.WAITING,
            due_at=self.now + delay,
            failure=failure,
            tries=notice.tries,
            unknowns=notice.unknowns,
        )


def _is_too_old(case: Case) -> NoticeUpdate | None:
    if case.now - case.notice.created_at <= MAX_AGE:
        return None
    return case.fail(f"it was not sent within {MAX_AGE / timedelta(hours=1):g} h")


def _has_no_reader(case: Case) -> NoticeUpdate | None:
    """Without an Account, its notices or its admins nobody is mailed."""
    account = case.notice.account
    if account is None or account.settings.notices is None:
        return case.fail("the account mails no notices any more")
    if not account.settings.admins:
        return case.fail("the account has no admins")
    return None if _readers(account) else case.fail("no admin of the account has an address that can be mailed")


def _has_unknown_outcome(case: Case) -> NoticeUpdate | None:
    if case.notice.unknowns < MAX_UNKNOWNS:
        return None
    return case.fail(f"the outcome of {MAX_UNKNOWNS} hand-overs is unknown, it may have been taken")


def _is_not_offered(case: Case) -> NoticeUpdate | None:
    name, namespace = _settings(case.notice).transport, case.notice.workspace.owner.namespace
    if case.transports.offer(name, namespace) is not None:
        return None
    return case.wait(RETRY_OFFER, f"the transport {name} is not offered to the namespace {namespace}")


def _has_wrong_sender(case: Case) -> NoticeUpdate | None:
    settings = _settings(case.notice)
    sender = _sender(settings)
    if sender is None:
        return case.fail("spec.notices.from of the Account is not one address")
    offer = case.transports.offer(settings.transport, case.notice.workspace.owner.namespace)
    if offer is None or offer.accepts_sender(sender.domain):
        return None
    return case.fail(f"the transport {offer.name} does not allow the domain {sender.domain} of spec.notices.from")


def _has_no_capacity(case: Case) -> NoticeUpdate | None:
    number, seconds = case.transports.capacity(_settings(case.notice).transport, INSTALLATION)
    return None if number else case.wait(timedelta(seconds=seconds), "the transport is paused, or its rate is used up")


def _settings(notice: Notice) -> NoticeSettings:
    """The settings of notices, which `_has_no_reader` has found."""
    settings = notice.account.settings.notices if notice.account else None
    if settings is None:
        raise AssertionError("a notice without a reader is not handed over")
    return settings


def _sender(settings: NoticeSettings) -> Mailbox | None:
    try:
        return parse_mailbox(settings.sender, field="spec.notices.from")
    except InvalidInput:
        return None


def _readers(account: Account | None) -> Sequence[Mailbox]:
    """The admins as mailboxes, each once.

    The Account was accepted for their e-mail keys, which are less strict; the few that no header can have are left out.
    """
    readers: dict[str, Mailbox] = {}
    for admin in account.settings.admins if account else ():
        try:
            reader = parse_address(admin, field="spec.admins")
        except InvalidInput:
            continue
        readers.setdefault(reader.key, reader)
    return tuple(readers.values())


def _mail(
    notice: Notice, text: NoticeText, readers: Sequence[Mailbox], transports: TransportPool, *, now: datetime
) -> OutgoingMail:
    """The message, which has the same Message-ID at every try."""
    settings = _settings(notice)
    sender = parse_mailbox(settings.sender, field="spec.notices.from")
    mail_id = _mail_id(notice)
    headers = (
        ("From", address_list([sender])),
        ("To", address_list(readers)),
        ("Subject", encoded_text(text.subject)),
        ("Date", format_datetime(now.astimezone(UTC))),
        ("Message-ID", f"<{mail_id}@{sender.domain}>"),
        ("Auto-Submitted", "auto-generated"),
    )
    return OutgoingMail(
        delivery_id=mail_id,
        sender=transports.envelope_sender(settings.transport, sender.address, mail_id),
        recipients=tuple(reader.address for reader in readers),
        data=frame(headers, readable_entity(text.body)),
    )


def _mail_id(notice: Notice) -> str:
    """24 hexadecimal digits, as ids of deliveries have."""
    key, created = notice.key, notice.created_at.isoformat()
    text = f"{key.workspace_id} {key.kind} {key.subject} {created}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _no_result(mail: OutgoingMail) -> HandoverResult:
    return HandoverResult(delivery_id=mail.delivery_id, outcome=AttemptOutcome.UNKNOWN, reply="no answer in time")


def _cannot_be_written(result: HandoverResult) -> bool:
    """Whether the message was not handed over at all, since this server has no form for it."""
    return result.outcome is AttemptOutcome.REFUSED and result.code is None


def _failure(result: HandoverResult) -> str:
    """Why it was not sent; the server's reply can hold an address, and is left out."""
    return f"{result.outcome}" + (f", code {result.code}" if result.code else "")


def _log_left_out(notice: Notice, count: int) -> None:
    key = notice.key
    logger.warning(
        "notice %s of workspace %d leaves %d admin(s) out: the server does not offer SMTPUTF8, which the address needs",
        key.kind,
        key.workspace_id,
        count,
    )


def _log(notice: Notice, update: NoticeUpdate) -> None:
    key = notice.key
    match update.state:
        case NoticeState.SENT:
            logger.info("notice %s of workspace %d was mailed to the admins", key.kind, key.workspace_id)
        case NoticeState.FAILED:
            logger.warning("notice %s of workspace %d is given up: %s", key.kind, key.workspace_id, update.failure)
        case NoticeState.WAITING:
            logger.info("notice %s of workspace %d waits: %s", key.kind, key.workspace_id, update.failure)
        case _ as never:
            assert_never(never)
