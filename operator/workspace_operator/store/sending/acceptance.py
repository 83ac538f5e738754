"""Acceptance of messages: references, idempotency, and the rows of deliveries, in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from workspace_operator.application.ports import Accepted, AcceptResult, KeyReused, NewDelivery, PersonMissing
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.references import Reference
from workspace_operator.sending.addresses import parse_mailboxes
from workspace_operator.sending.deliveries import DeliveryState, Metric
from workspace_operator.sending.rules import SendMode
from workspace_operator.store.engine.sql import CompiledStatement, encode_json, insert_rows, workspace_any_of
from workspace_operator.store.schema.sending_tables import attachment, delivery, delivery_content
from workspace_operator.store.schema.types import from_microseconds, to_microseconds
from workspace_operator.store.sending.delivery_rows import METRIC_OF_STATE, metrics_text, new_delivery_row
from workspace_operator.store.sending.mailrooms import wake_room
from workspace_operator.store.sending.references import LockedReferences, await_acceptances, lock_references
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot

KEY_LIFETIME: Final = timedelta(hours=24)
"""How long an idempotency key stands for its first request; then it is free for another one."""

REPEAT_WINDOW: Final = timedelta(minutes=2)
"""How long a client's marked repeat of a request is recognized."""

SUPPRESSED: Final = "the person is suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Earlier:
    """A delivery that was accepted before."""

    delivery_id: str
    accepted_at: datetime
    digest: str | None


@dataclass(slots=True, kw_only=True)
class _Acceptance:
    """The rows of one transaction, and what it knows of earlier ones."""

    settings: SettingsSnapshot
    locked: LockedReferences
    now: datetime
    new_id: Callable[[], str]
    by_key: dict[str, _Earlier] = field(default_factory=dict)
    by_digest: dict[str, _Earlier] = field(default_factory=dict)
    expired_keys: list[str] = field(default_factory=list)
    deliveries: list[tuple[object, ...]] = field(default_factory=list)
    contents: list[tuple[object, ...]] = field(default_factory=list)
    attachments: list[tuple[object, ...]] = field(default_factory=list)
    next_due_at: datetime | None = None

    @property
    def workspace_id(self) -> int:
        workspace_id: int = self.settings.row.workspace_id
        return workspace_id

    def accept(self, message: NewDelivery, reference: Reference) -> AcceptResult:
        earlier = self._earlier(message)
        if earlier is not None:
            if message.idempotency_key is not None and earlier.digest != message.request_digest:
                return KeyReused(message.idempotency_key)
            return self._accepted(earlier, replayed=True)
        owner = self.locked.find(reference)
        is_suppressed = owner is None and self.locked.is_suppressed(reference)
        if owner is None and not is_suppressed:
            return PersonMissing(message.reference)
        stored = _Earlier(delivery_id=self.new_id(), accepted_at=self.now, digest=message.request_digest)
        self._store(message, owner, stored.delivery_id)
        if message.idempotency_key is not None:
            self.by_key[message.idempotency_key] = stored
        self.by_digest[message.request_digest] = stored
        return self._accepted(stored)

    def _earlier(self, message: NewDelivery) -> _Earlier | None:
        if message.idempotency_key is not None:
            return self.by_key.get(message.idempotency_key)
        return self.by_digest.get(message.request_digest) if message.repeats else None

    def _accepted(self, stored: _Earlier, *, replayed: bool = False) -> Accepted:
        mode = SendMode.known(self.settings.row.send_mode)
        return Accepted(delivery_id=stored.delivery_id, queued_at=stored.accepted_at, mode=mode, replayed=replayed)

    def _store(self, message: NewDelivery, owner: str | None, delivery_id: str) -> None:
        values = self._fate(message, owner)
        keys = {"idempotency_key": message.idempotency_key, "request_digest": message.request_digest}
        self._add(message, delivery_id, values | keys, is_copy=False)
        for copy in _copies(message):
            self._add(copy, self.new_id(), values, is_copy=True)

    def _fate(self, message: NewDelivery, owner: str | None) -> dict[str, Any]:
        """The columns that depend on the person, and on whether the message is a draft."""
        send_at = max(message.send_at, self.now)
        state = DeliveryState.DRAFTED if message.is_draft else DeliveryState.WAITING
        if owner is None:
            state = DeliveryState.DROPPED
        is_due = state is DeliveryState.WAITING
        if is_due and (self.next_due_at is None or send_at < self.next_due_at):
            self.next_due_at = send_at
        return {
            "cio_id": owner,
            "origin": owner,
            "state": state.value,
            "accepted_mode": self.settings.row.send_mode,
            "accepted_at": to_microseconds(self.now),
            "send_at": to_microseconds(send_at),
            "due_at": to_microseconds(send_at) if is_due else None,
            "failure": SUPPRESSED if owner is None else None,
            "metrics": metrics_text(Metric.CREATED, METRIC_OF_STATE.get(state), at=self.now),
        }

    def _add(self, message: NewDelivery, delivery_id: str, values: Mapping[str, Any], *, is_copy: bool) -> None:
        self.deliveries.append(new_delivery_row(self.workspace_id, delivery_id, message, is_copy=is_copy, **values))
        if values["cio_id"] is None:
            return  # it is never sent
        key = (self.workspace_id, delivery_id)
        self.contents.append((*key, encode_json(message.request), None))
        self.attachments += [(*key, position, *file) for position, file in enumerate(message.attachments)]


def accept(
    connection: sa.Connection,
    settings: SettingsSnapshot,
    messages: Sequence[NewDelivery],
    *,
    now: datetime,
    new_id: Callable[[], str],
) -> Sequence[AcceptResult]:
    """Store messages under the settings, which must still be in force. Raises as `lock_references`."""
    references = [_in_mode(message.reference, settings) for message in messages]
    named = [reference for reference in references if isinstance(reference, Reference)]
    if repeated := [each.reference for each in messages if each.repeats and each.idempotency_key is None]:
        # A repeat looks for its original, which may not be committed yet.
        in_mode = (_in_mode(reference, settings) for reference in repeated)
        await_acceptances(connection, settings, [each for each in in_mode if isinstance(each, Reference)])
    locked = lock_references(connection, settings, named)
    acceptance = _Acceptance(settings=settings, locked=locked, now=now, new_id=new_id)
    _find_earlier(connection, acceptance, messages)
    results: list[AcceptResult] = [
        acceptance.accept(message, reference) if isinstance(reference, Reference) else reference
        for message, reference in zip(messages, references, strict=True)
    ]
    _write(connection, acceptance)
    return results


def _in_mode(reference: Reference, settings: SettingsSnapshot) -> Reference | InvalidInput:
    try:
        return reference.in_mode(settings.rules.mode)
    except InvalidInput as error:
        return error


def _copies(message: NewDelivery) -> Iterator[NewDelivery]:
    """The copies for the addresses of Bcc; the subject of each names its address."""
    if not message.fake_bcc:
        return
    for mailbox in parse_mailboxes(message.bcc, field="bcc"):
        subject = copy_subject(message.subject, mailbox.address)
        yield replace(message, to=str(mailbox), cc="", bcc="", fake_bcc=False, subject=subject)


def copy_subject(subject: str, address: str) -> str:
    """The subject of a copy for an address of Bcc."""
    return f"{subject} (bcc: {address})"


def _find_earlier(connection: sa.Connection, acceptance: _Acceptance, messages: Iterable[NewDelivery]) -> None:
    """Read the earlier requests with the keys of these, and with the digests of those that are repeats."""
    keys = {message.idempotency_key for message in messages if message.idempotency_key is not None}
    digests = {message.request_digest for message in messages if message.repeats and message.idempotency_key is None}
    now, workspace_id = acceptance.now, acceptance.workspace_id
    if keys:
        for key, *rest in _BY_KEY.run(connection, {"of_workspace": workspace_id, "keys": encode_json(sorted(keys))}):
            earlier = _earlier_of(*rest)
            if earlier.accepted_at > now - KEY_LIFETIME:
                acceptance.by_key[key] = earlier
            else:
                acceptance.expired_keys.append(key)
    if digests:
        parameters = {
            "of_workspace": workspace_id,
            "digests": encode_json(sorted(digests)),
            "since": to_microseconds(now - REPEAT_WINDOW),
        }
        for row in _BY_DIGEST.run(connection, parameters):
            acceptance.by_digest[row[2]] = _earlier_of(*row)


def _earlier_of(delivery_id: str, accepted_at: int, digest: str | None) -> _Earlier:
    return _Earlier(delivery_id=delivery_id, accepted_at=from_microseconds(accepted_at), digest=digest)


def _write(connection: sa.Connection, acceptance: _Acceptance) -> None:
    workspace_id, locked, due_at = acceptance.workspace_id, acceptance.locked, acceptance.next_due_at
    if acceptance.expired_keys:
        keys = encode_json(sorted(acceptance.expired_keys))
        _FREE_KEYS.run(connection, {"of_workspace": workspace_id, "keys": keys})
    insert_rows(connection, delivery, acceptance.deliveries, may_conflict=True)  # of idempotency keys
    insert_rows(connection, delivery_content, acceptance.contents)
    insert_rows(connection, attachment, acceptance.attachments)
    if due_at is not None and (locked.next_due_at is None or due_at < locked.next_due_at):
        wake_room(connection, workspace_id, due_at)


_EARLIER = (delivery.c.delivery_id, delivery.c.accepted_at, delivery.c.request_digest)
_HAS_KEY = workspace_any_of(delivery.c.idempotency_key, "keys")
_BY_KEY = CompiledStatement(lambda _: sa.select(delivery.c.idempotency_key, *_EARLIER).where(_HAS_KEY))
_FREE_KEYS = CompiledStatement(lambda _: sa.update(delivery).where(_HAS_KEY).values(idempotency_key=sa.null()))
_BY_DIGEST = CompiledStatement(
    lambda _: (
        sa.select(*_EARLIER)
        .where(
            workspace_any_of(delivery.c.request_digest, "digests"),
            delivery.c.accepted_at > sa.bindparam("since", type_=sa.BigInteger),
        )
        .order_by(delivery.c.delivery_id.desc())
    )
)
