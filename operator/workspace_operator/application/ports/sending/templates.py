"""Port of templates, the vendor's transactional messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from workspace_operator.sending.messages import MessageContent

DEFAULT_LANGUAGE = ""
"""The language of content that is used if a message names none, or one that the template lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateContent:
    """The content of a template in one language; ``cc`` and ``bcc`` are lists of addresses, not Liquid."""

    content: MessageContent
    cc: str = ""
    bcc: str = ""
    fake_bcc: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDraft:
    """A template as it is applied: what a file or a request says.

    Attributes:
        trigger_name: unique in its workspace, compared without case.
        contents: by language; the default language is always there.
    """

    trigger_name: str
    name: str
    description: str = ""
    send_to_unsubscribed: bool = True
    open_tracking: bool = True
    link_tracking: bool = True
    hide_body: bool = False
    queue_drafts: bool = False
    contents: Mapping[str, TemplateContent] = field(default_factory=dict)

    @property
    def trigger_key(self) -> str:
        """The form in which its trigger name is compared."""
        return trigger_key(self.trigger_name)


def trigger_key(trigger_name: str) -> str:
    """The form in which trigger names are compared: without case."""
    return trigger_name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A stored template with its newest content.

    Attributes:
        number: within the workspace, from 1.
        content_version: grows with every change of content; a version never changes.
    """

    number: int
    content_version: int
    created_at: datetime
    updated_at: datetime
    draft: TemplateDraft


class Templates(Protocol):
    """The templates of workspaces. Methods raise NotFound if there is no such workspace."""

    def list(self, workspace_id: int) -> Sequence[Template]:
        """List templates, by number."""
        ...

    def names(self, workspace_id: int, *, limit: int) -> Mapping[int, str]:
        """The names of the first templates, by number."""
        ...

    def find(self, workspace_id: int, reference: str | int) -> Template | None:
        """Find a template by number, or by trigger name without case; text of digits is a number."""
        ...

    def apply(
        self, workspace_id: int, drafts: Sequence[TemplateDraft], *, now: datetime
    ) -> Sequence[tuple[Template, bool]]:
        """Create or update templates by trigger name, all or none; each with whether it changed.

        Content that differs becomes a new version; other content stays.
        """
        ...
