"""JSON documents of messages, templates and blocked addresses (sending §5.2)."""

from typing import Any, Final

from workspace_operator.application.ports import DEFAULT_LANGUAGE, AddressBlock, DeliveryRecord, Template
from workspace_operator.identity.values.rules import Mode
from workspace_operator.sending.deliveries import ArchivedContent, Delivery
from workspace_operator.sending.keys import RootKey
from workspace_operator.sending.rules import strictest
from workspace_operator.web.app_api.delivery_ids import wire_id
from workspace_operator.web.app_api.documents import identifiers_document

PARENTS: Final = ("action_id", "broadcast_id", "campaign_id", "newsletter_id", "parent_action_id", "trigger_event_id")
"""What a message of the vendor can belong to; here always null."""

DEFAULT_CONTENT: Final = "default"
"""The id of the content in the default language; another content has its language as its id."""

ARCHIVED_TEXTS: Final = ("body", "body_plain", "body_amp", "from", "reply_to", "cc", "bcc", "preheader_text")


def message_document(record: DeliveryRecord, workspace_id: int, mode: Mode, key: RootKey) -> dict[str, Any]:
    """A message with the current identifiers of its person; null without one."""
    delivery = record.delivery
    return {
        "id": wire_id(workspace_id, delivery.delivery_id, key),
        "type": delivery.channel.value,
        "customer_id": record.id,
        "customer_identifiers": None if delivery.cio_id is None else identifiers_document(record, mode),
        "recipient": delivery.recipient,
        "subject": delivery.subject,
        "metrics": {metric.value: int(at.timestamp()) for metric, at in delivery.metrics.items()},
        "created": int(delivery.accepted_at.timestamp()),
        "failure_message": delivery.failure,
        "msg_template_id": delivery.template,
        "transactional_message_id": delivery.template,
        **dict.fromkeys(PARENTS),
        "send_behavior": send_behavior_of(delivery),
        "opens": delivery.opens,
        "clicks": delivery.clicks,
        "machine_opens": delivery.machine_opens,
    }


def send_behavior_of(delivery: Delivery) -> str | None:
    """The mode that counts: the stricter of accept and hand-over; null if one is unknown to this version."""
    accepted = delivery.accepted_mode
    mode = accepted if delivery.gate is None else strictest(accepted, delivery.gate.mode)
    return None if mode is None else mode.value


def archived_document(record: DeliveryRecord, content: ArchivedContent) -> dict[str, Any]:
    """A message as it was handed over; without its texts if they are forgotten."""
    fields = content.fields
    return {
        "recipient": fields.get("recipient", record.delivery.recipient),
        "subject": fields.get("subject", record.delivery.subject),
        **{name: fields.get(name) for name in ARCHIVED_TEXTS},
        "fake_bcc": bool(fields.get("fake_bcc")),
        "headers": fields.get("headers") or [],
        "forgotten": content.forgotten,
    }


def template_document(template: Template) -> dict[str, Any]:
    """A template without its contents."""
    draft = template.draft
    return {
        "id": template.number,
        "name": draft.name,
        "trigger_name": draft.trigger_name,
        "description": draft.description,
        "send_to_unsubscribed": draft.send_to_unsubscribed,
        "link_tracking": draft.link_tracking,
        "open_tracking": draft.open_tracking,
        "hide_message_body": draft.hide_body,
        "queue_drafts": draft.queue_drafts,
        "created_at": int(template.created_at.timestamp()),
        "updated_at": int(template.updated_at.timestamp()),
    }


def content_documents(template: Template) -> list[dict[str, Any]]:
    """The contents of a template, the default language first."""
    return [content_document(template, language) for language in sorted(template.draft.contents)]


def content_document(template: Template, language: str) -> dict[str, Any]:
    """The content of a template in one language; null for a part that it does not have."""
    stored = template.draft.contents[language]
    content = stored.content
    return {
        "id": content_id(language),
        "name": template.draft.name,
        "type": "email",
        "language": language,
        "subject": content.subject,
        "preheader_text": content.preheader,
        "from": content.sender,
        "reply_to": content.reply_to,
        "cc": stored.cc,
        "bcc": stored.bcc,
        "fake_bcc": stored.fake_bcc,
        "headers": [{"name": name, "value": value} for name, value in content.headers],
        "body": content.body,
        "body_plain": content.body_plain,
        "body_amp": content.body_amp,
        "version": template.content_version,
        "created": int(template.created_at.timestamp()),
        "updated": int(template.updated_at.timestamp()),
    }


def content_id(language: str) -> str:
    """The id of the content in a language."""
    return language if language != DEFAULT_LANGUAGE else DEFAULT_CONTENT


def block_document(block: AddressBlock) -> dict[str, Any]:
    """A blocked address."""
    return {"created": int(block.since.timestamp()), "email": block.email_key, "reason": block.reason, "status": ""}
