"""The job of rendering a message, the same for a message that is sent and for its preview."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workspace_operator.sending.gate import tracking_of
from workspace_operator.sending.messages import Message, RenderJob
from workspace_operator.sending.rules import SendingRules, SendMode, strictest


def render_job(
    message: Message, rules: SendingRules, customer: Mapping[str, Any], *, workspace_id: int, public_url: str
) -> RenderJob:
    """The job of a message under the rules in force; ``customer`` is the person as Liquid sees them."""
    content = message.content
    return RenderJob(
        workspace_id=workspace_id,
        delivery_id=message.delivery_id,
        content=content if content.sender else replace(content, sender=rules.sender),
        data={"customer": customer, "trigger": message.data, "message_data": message.data},
        tracking=tracking_of(message, rules, strictest(message.accepted_mode, rules.mode) or SendMode.NEVER),
        public_url=public_url,
        with_unsubscribe=not message.send_to_unsubscribed,
        attachments=message.attachments,
    )
