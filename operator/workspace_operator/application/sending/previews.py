"""Previews of messages: rendered, with the envelope that the gate would give. Nothing is sent or written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from workspace_operator.application.ports import Deliveries, NewDelivery, Renderer, Template, Templates
from workspace_operator.application.sending.acceptance import missing_sender, new_delivery
from workspace_operator.application.sending.gate_questions import SUPPRESSED, GateQuestions, recipient_of
from workspace_operator.application.sending.render_jobs import render_job
from workspace_operator.application.sending.templates import find_template
from workspace_operator.errors import NotFound
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.rules import CIO_ID
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.sending.addresses import parse_mailboxes
from workspace_operator.sending.deliveries import Channel
from workspace_operator.sending.gate import GateDecision, Pass, Recipient, Wait
from workspace_operator.sending.messages import Message, RenderedMessage, RenderFailure, customer_variables
from workspace_operator.sending.requests.send_requests import SendRequest, parse_send_request
from workspace_operator.sending.rules import SendingRules
from workspace_operator.sending.transports import ANY, TransportOffer

UNSENT_ID = "0" * 24
"""The id of a message that is only previewed."""

NO_TRANSPORT_LINE = 10
"""The line of the gate for a transport that no sender offers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a request would send now.

    Attributes:
        rules: in force now; the message would be accepted and handed over under them.
        decision: what the gate would decide.
        decision_if_offered: the same with the transport, if no running sender offers it; None if one does.
        creates_person: the request would also make the person.
    """

    message: Message
    rules: SendingRules
    rendered: RenderedMessage | RenderFailure
    decision: GateDecision
    decision_if_offered: GateDecision | None
    creates_person: bool

    @property
    def passed(self) -> Pass | None:
        """The envelope and the head that the gate would give, as soon as a sender offers the transport."""
        found = self.decision_if_offered or self.decision
        return found if isinstance(found, Pass) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewer:
    """Previews messages of one workspace.

    Attributes:
        is_suppressed: whether a reference that no person has is suppressed.
    """

    deliveries: Deliveries
    templates: Templates
    questions: GateQuestions
    renderer: Renderer
    is_suppressed: Callable[[Reference], bool]

    def preview(self, body: Mapping[str, Any], *, now: datetime) -> Preview:
        """Preview the body of ``POST /v1/send/email``.

        Raises:
            InvalidInput: the request breaks a rule, so that it would be refused.
            NotFound: there is no such template, or no person of its cio_id.
        """
        request = parse_send_request(body, now=now, digest="")
        rules = self.deliveries.rules(self.questions.workspace_id)
        person = self._person(request.reference)
        message = self._message(request, rules, now)
        rendered = self._rendered(message, rules, _customer(person, request.reference))
        sender = rendered.sender if isinstance(rendered, RenderedMessage) else None
        recipient = self._recipient(person, request.reference)
        decide = partial(self.questions.decide, message, rules, recipient, sender=sender, now=now)
        decision = decide()
        needs_offer = isinstance(decision, Wait) and decision.rule == NO_TRANSPORT_LINE
        return Preview(
            message=message,
            rules=rules,
            rendered=rendered,
            decision=decision,
            decision_if_offered=decide(offer=_any_offer(rules)) if needs_offer else None,
            creates_person=person is None and recipient is not SUPPRESSED,
        )

    def _person(self, reference: Reference) -> Person | None:
        person = self.questions.people.find(self.questions.workspace_id, reference)
        if person is None and reference.kind is CIO_ID:
            raise NotFound(f"no person has the cio_id {quoted(reference.value)}")
        return person

    def _recipient(self, person: Person | None, reference: Reference) -> Recipient:
        if person is None and not self.is_suppressed(reference):
            return Recipient(is_suppressed=False, is_unsubscribed=False)
        return recipient_of(person)

    def _message(self, request: SendRequest, rules: SendingRules, now: datetime) -> Message:
        workspace_id = self.questions.workspace_id
        template = None
        if request.template is not None:
            template = find_template(self.templates, workspace_id, str(request.template))
        message = _message(request, new_delivery(request, template, now), template, rules)
        if not (message.content.sender or rules.sender):
            raise missing_sender()
        return message

    def _rendered(
        self, message: Message, rules: SendingRules, customer: Mapping[str, Any]
    ) -> RenderedMessage | RenderFailure:
        job = render_job(message, rules, customer, workspace_id=self.questions.workspace_id, public_url="")
        (rendered,) = self.renderer.render([job])
        return rendered


def _message(request: SendRequest, delivery: NewDelivery, template: Template | None, rules: SendingRules) -> Message:
    """The message of a request, as the gate and the renderer see it."""
    of_template = None if template is None else template.draft.contents[delivery.language].content
    return Message(
        delivery_id=UNSENT_ID,
        channel=Channel.EMAIL,
        accepted_mode=rules.mode,
        is_draft=delivery.is_draft,
        due_at=delivery.send_at,
        to=parse_mailboxes(delivery.to, field="to"),
        cc=parse_mailboxes(delivery.cc, field="cc"),
        bcc=() if delivery.fake_bcc else parse_mailboxes(delivery.bcc, field="bcc"),
        tracked=delivery.tracked,
        open_tracking=delivery.open_tracking,
        link_tracking=delivery.link_tracking,
        send_to_unsubscribed=delivery.send_to_unsubscribed,
        content=request.overrides.apply(of_template),
        data=request.data,
        attachments=request.attachments,
    )


def _any_offer(rules: SendingRules) -> TransportOffer:
    everything = frozenset({ANY})
    return TransportOffer(name=rules.transport_name, sender_domains=everything, namespaces=everything)


def _customer(person: Person | None, reference: Reference) -> Mapping[str, Any]:
    """The person as Liquid sees them; one that the request would make has the reference only."""
    return {reference.kind.value: reference.value} if person is None else customer_variables(person)
