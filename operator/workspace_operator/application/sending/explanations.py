"""Explains what happened to a message and why, and what would happen to one that waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workspace_operator.application.ports import Deliveries, DeliveryRecord
from workspace_operator.application.sending.gate_questions import GateQuestions, recipient_of
from workspace_operator.errors import NotFound
from workspace_operator.sending.deliveries import Attempt, DeliveryState
from workspace_operator.sending.gate import GateDecision
from workspace_operator.sending.rules import SendingRules

GATE_LINES: Final[Mapping[int, str]] = {
    0: "the gate let it pass, but the message could not be rendered",
    1: "the sending rules could not be read, or changed while the message was rendered",
    3: "the send behavior is one that this version does not know",
    4: "the mode is Never, now or when the message was accepted",
    5: "it is a draft",
    6: "it is to be sent later",
    7: "it was due too long ago",
    8: "the person or the address is suppressed or blocked",
    9: "the person unsubscribed, and the message is not for people who did",
    10: "no sender offers the transport to this workspace, or the transport does not allow the From",
    11: "the rate of the transport or of the workspace is used up",
    12: "it may only go to a test address, and none is in force; or it is a copy, which a test does not send",
    13: "the mode is Test, now or when the message was accepted: only to the test address",
    14: "the mode is Normal: to its recipients",
}
"""When each line of the gate decides, sending §3.2; 0 stands for a message that passed and could not be rendered.

Line 2, a workspace that is gone, has no messages to explain.
"""


def gate_line(rule: int) -> str:
    """When a line of the gate decides; a newer version may have written one that this version does not know."""
    return GATE_LINES.get(rule, "a line that this version does not know")


_ASKED_ABOUT = {DeliveryState.WAITING, DeliveryState.DRAFTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a message is in its state.

    Attributes:
        rules: in force now; those of the past are in the delivery and its attempts.
        decision: of the gate, if it was asked now; None for a message that does not wait, or has lost its content.
    """

    record: DeliveryRecord
    attempts: Sequence[Attempt]
    rules: SendingRules
    decision: GateDecision | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explainer:
    """Explains messages of one workspace."""

    deliveries: Deliveries
    questions: GateQuestions

    def explain(self, delivery_id: str, *, now: datetime) -> Explanation:
        """Explain a message. Raises NotFound."""
        workspace_id = self.questions.workspace_id
        record = self.deliveries.get(workspace_id, delivery_id)
        rules = self.deliveries.rules(workspace_id)
        return Explanation(
            record=record,
            attempts=self.deliveries.attempts(workspace_id, delivery_id),
            rules=rules,
            decision=self._decision(record, rules, now),
        )

    def _decision(self, record: DeliveryRecord, rules: SendingRules, now: datetime) -> GateDecision | None:
        delivery = record.delivery
        if delivery.state not in _ASKED_ABOUT:
            return None
        try:
            message = self.deliveries.message(self.questions.workspace_id, delivery.delivery_id)
        except NotFound:  # its content was deleted
            return None
        recipient = recipient_of(self.questions.person(delivery.cio_id))
        return self.questions.decide(message, rules, recipient, now=now)
