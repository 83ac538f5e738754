"""Tracking: what recipients do with messages, as requests for pixels, links and pages tell (sending §5.4)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workspace_operator.application.ports import Deliveries
from workspace_operator.errors import NotFound
from workspace_operator.identity.model.attribute_timestamps import UNSUBSCRIBED
from workspace_operator.identity.model.commands import Identify
from workspace_operator.identity.values.references import reference_to_cio_id
from workspace_operator.sending.rules import SendMode
from workspace_operator.sending.tokens import Token

MAX_REPEATS: Final = 100
"""Accesses of one delivery in a batch that are counted singly; a flood of one link is not worth more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A message was opened, or a link of it was followed.

    Attributes:
        url: where the link leads; None for an opened message.
        by_machine: a program that fetches images for people opened it.
    """

    token: Token
    at: datetime
    url: str | None = None
    by_machine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAccesses:
    """Records opened messages and clicks in the background, so that nobody waits for the store."""

    deliveries: Deliveries

    def __call__(self, workspace_id: int, accesses: Sequence[Access], /, *, now: int) -> Sequence[None]:  # noqa: ARG002 - accesses have their own time
        """Record accesses of one workspace, each in a transaction; one of a deleted workspace is ignored."""
        counted: Counter[tuple[Token, str | None, bool]] = Counter()
        for access in accesses:
            key = (access.token, access.url, access.by_machine)
            counted[key] += 1
            if counted[key] <= MAX_REPEATS:
                self._record(workspace_id, access)
        return [None] * len(accesses)

    def _record(self, workspace_id: int, access: Access) -> None:
        token, deliveries = access.token, self.deliveries
        try:
            if access.url is None:
                deliveries.record_open(
                    workspace_id, token.delivery_id, by_machine=access.by_machine, is_test=token.is_test, now=access.at
                )
            else:
                deliveries.record_click(
                    workspace_id, token.delivery_id, url=access.url, is_test=token.is_test, now=access.at
                )
        except NotFound:
            return


def unsubscribe_command(cio_id: str) -> Identify:
    """The command that unsubscribes a person; it creates nobody."""
    return Identify(reference=reference_to_cio_id(cio_id), attributes={UNSUBSCRIBED: True}, update_only=True)


def record_unsubscribed(deliveries: Deliveries, token: Token, *, now: datetime) -> str | None:
    """Record on a delivery that its person unsubscribes; the cio_id for `unsubscribe_command`.

    None if nobody is unsubscribed: the message was sent in a test, or the delivery or its person is gone.
    """
    if token.is_test:
        return None
    try:
        gate = deliveries.get(token.workspace_id, token.delivery_id).delivery.gate
        if gate is not None and SendMode.TEST in (gate.mode, gate.accepted_mode):
            return None
        return deliveries.unsubscribe(token.workspace_id, token.delivery_id, now=now)
    except NotFound:
        return None
