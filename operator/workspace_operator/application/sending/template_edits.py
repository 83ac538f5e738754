"""Changes of one content of a template, as ``PUT /v1/transactional/{id}/content/{content id}`` makes them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from workspace_operator.application.ports import Template, TemplateContent, TemplateParser, Templates
from workspace_operator.errors import InvalidInput
from workspace_operator.sending.messages import MessageContent
from workspace_operator.sending.requests.send_requests import (
    check_recipients,
    parse_addresses,
    parse_flag,
    parse_overrides,
)

_PARTS: Final[Mapping[str, str]] = {
    "subject": "subject",
    "from": "sender",
    "reply_to": "reply_to",
    "preheader_text": "preheader",
    "body": "body",
    "body_plain": "body_plain",
    "body_amp": "body_amp",
    "headers": "headers",
}
"""The parts of a content by their names on the wire."""


def edited_content(stored: TemplateContent, body: Mapping[str, Any]) -> TemplateContent:
    """A content with the parts that a body has; null or empty text removes a part. Raises InvalidInput."""
    overrides = parse_overrides({**body, "preheader": body.get("preheader_text")})
    parts = {part: getattr(overrides, part) for name, part in _PARTS.items() if name in body}
    content: MessageContent = replace(stored.content, **parts)
    if not content.subject or not (content.body or content.body_plain):
        raise InvalidInput("a template needs a subject and a body: send texts that are not empty", field="body")
    cc, bcc = (parse_addresses(body, name) or "" if name in body else getattr(stored, name) for name in ("cc", "bcc"))
    check_recipients("", cc, bcc)
    fake_bcc = parse_flag(body, "fake_bcc")
    return TemplateContent(content=content, cc=cc, bcc=bcc, fake_bcc=stored.fake_bcc if fake_bcc is None else fake_bcc)


def edit_content(
    templates: Templates,
    parser: TemplateParser,
    workspace_id: int,
    template: Template,
    language: str,
    body: Mapping[str, Any],
    *,
    now: datetime,
) -> Template:
    """Store a new version of a template with one content changed.

    Raises:
        InvalidInput: a part breaks its rule, or is not valid Liquid.
    """
    content = edited_content(template.draft.contents[language], body)
    parser.check(content.content)
    draft = replace(template.draft, contents={**template.draft.contents, language: content})
    [(stored, _)] = templates.apply(workspace_id, [draft], now=now)
    return stored
