"""Messages to render."""

from collections.abc import Mapping
from typing import Any

from workspace_operator.rendering.liquid_templates import LiquidTemplates
from workspace_operator.rendering.messages import render_message
from workspace_operator.sending.keys import RootKey
from workspace_operator.sending.messages import (
    Attachment,
    MessageContent,
    RenderedMessage,
    RenderFailure,
    RenderJob,
    Tracking,
)

KEY = RootKey(b"k" * 32)
PUBLIC_URL = "https://track.example"
DELIVERY = "0123456789abcdef01234567"


def content(subject: str = "Hello", **parts: Any) -> MessageContent:
    return MessageContent(subject=subject, **({"body": "<p>text</p>"} | parts))


def render_job(
    message: MessageContent | None = None,
    *,
    data: Mapping[str, Any] | None = None,
    tracked: bool = True,
    is_test: bool = False,
    public_url: str = PUBLIC_URL,
    with_unsubscribe: bool = False,
    attachments: tuple[Attachment, ...] = (),
) -> RenderJob:
    return RenderJob(
        workspace_id=7,
        delivery_id=DELIVERY,
        content=message or content(),
        data=data or {},
        tracking=Tracking(pixel=tracked, links=tracked, is_test=is_test),
        public_url=public_url,
        with_unsubscribe=with_unsubscribe,
        attachments=attachments,
    )


def rendered(job: RenderJob, key: RootKey | None = KEY) -> RenderedMessage:
    """A message that can be rendered."""
    answer = render_message(job, LiquidTemplates(), key)
    assert isinstance(answer, RenderedMessage), answer
    return answer


def failure(job: RenderJob) -> str:
    """The reason of a message that cannot be rendered."""
    answer = render_message(job, LiquidTemplates(), KEY)
    assert isinstance(answer, RenderFailure), answer
    return answer.reason
