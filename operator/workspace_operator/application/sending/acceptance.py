"""Acceptance of messages: the use case behind ``POST /v1/send/email`` (sending §5.1).

The messages of concurrent requests are accepted in one transaction. A message whose person is unknown is accepted
in two steps: a bare identify makes the person, then the message is accepted again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeAlias

from workspace_operator.application.ports import (
    DEFAULT_LANGUAGE,
    Accepted,
    AcceptResult,
    Deliveries,
    KeyReused,
    NewDelivery,
    PersonMissing,
    Template,
    TemplateContent,
    TemplateDraft,
    Templates,
)
from workspace_operator.errors import CommitUnknown, InvalidInput
from workspace_operator.identity.model.commands import Command, Identify
from workspace_operator.identity.model.results import CommandResultOrError, Effect
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.rules import CIO_ID
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.sending.messages import MessageContent
from workspace_operator.sending.requests.overrides import StoredRequest
from workspace_operator.sending.requests.send_requests import SendRequest, check_complete, check_recipients

ANSWER_SECONDS: Final = 8.5
"""Time in which a request is answered: the vendor's Python client gives up after 10 s, and may send it again."""

AcceptanceResult: TypeAlias = AcceptResult | InvalidInput
"""What became of one message; an error if its template, recipients or sender break a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptMessages:
    """Accepts the messages of several requests in one transaction."""

    deliveries: Deliveries
    templates: Templates
    clock: Callable[[], datetime]

    def __call__(
        self,
        workspace_id: int,
        requests: Sequence[SendRequest],
        /,
        *,
        now: int,  # noqa: ARG002 - whole seconds are too coarse for the order of messages
    ) -> Sequence[AcceptanceResult]:
        """Accept messages; one result per request. Raises NotFound if there is no such workspace."""
        now_exactly = self.clock()
        composer = _Composer(self.deliveries, self.templates, workspace_id, now_exactly)
        composed = [composer.compose(request) for request in requests]
        valid = [message for message in composed if isinstance(message, NewDelivery)]
        accepted = iter(self.deliveries.accept(workspace_id, valid, now=now_exactly) if valid else ())
        return [message if isinstance(message, InvalidInput) else next(accepted) for message in composed]


class Submit(Protocol):
    """Submits requests to the batcher of `AcceptMessages`."""

    def __call__(self, workspace_id: int, requests: Sequence[SendRequest], /) -> Awaitable[Sequence[AcceptanceResult]]:
        """Accept messages; raises Unavailable if nothing was done, CommitUnknown if something may have been."""
        ...


class ExecuteCommands(Protocol):
    """Executes commands about people, given with their kinds."""

    def __call__(
        self, workspace_id: int, commands: Sequence[tuple[str, Command]], /
    ) -> Awaitable[Sequence[CommandResultOrError]]:
        """Execute commands; one result per command."""
        ...


async def accept_message(
    submit: Submit,
    execute: ExecuteCommands,
    workspace_id: int,
    request: SendRequest,
    *,
    seconds: float = ANSWER_SECONDS,
) -> Accepted | KeyReused:
    """Accept one message; creates its person if there is none.

    Raises:
        InvalidInput: the message or its person breaks a rule.
        CommitUnknown: the message may have been accepted.
        Unavailable: nothing was accepted.
    """
    try:
        async with asyncio.timeout(seconds):
            (result,) = await submit(workspace_id, [request])
            if isinstance(result, PersonMissing):
                await _create_person(execute, workspace_id, result.reference)
                (result,) = await submit(workspace_id, [request])
    except TimeoutError:
        raise CommitUnknown(f"no result within {seconds:g} seconds: it may have been accepted") from None
    if isinstance(result, InvalidInput):
        raise result
    if isinstance(result, PersonMissing):
        raise _unknown_person(result.reference)
    return result


async def _create_person(execute: ExecuteCommands, workspace_id: int, reference: Reference) -> None:
    """Create the person of a reference by a bare identify. Raises InvalidInput if that is refused."""
    if reference.kind is CIO_ID:
        raise _unknown_person(reference)
    (result,) = await execute(workspace_id, [("identify", Identify(reference=reference, attributes={}))])
    if isinstance(result, InvalidInput):
        raise result
    if result.effect is Effect.REJECTED:
        raise InvalidInput(result.message, field=result.field or reference.field)


def _unknown_person(reference: Reference) -> InvalidInput:
    message = f"no person has the {reference.kind} {quoted(reference.value)}: identify the person first"
    return InvalidInput(message, field=reference.field)


class _Composer:
    """Composes the messages of one batch from their requests and templates; each template is read once."""

    def __init__(self, deliveries: Deliveries, templates: Templates, workspace_id: int, now: datetime) -> None:
        self._deliveries, self._templates = deliveries, templates
        self._workspace_id, self._now = workspace_id, now
        self._found: dict[str | int, Template | None] = {}
        self._default_sender: str | None = None
        self._has_rules = False

    def compose(self, request: SendRequest) -> NewDelivery | InvalidInput:
        try:
            template = None if request.template is None else self._template(request, request.template)
            message = new_delivery(request, template, self._now)
            has_sender = request.overrides.sender or _sender_of(template, message.language) or self._workspace_sender()
        except InvalidInput as error:
            return error
        return message if has_sender else missing_sender()

    def _template(self, request: SendRequest, reference: str | int) -> Template:
        if reference not in self._found:
            self._found[reference] = self._templates.find(self._workspace_id, reference)
        template = self._found[reference]
        if template is None and request.auto_create and isinstance(reference, str) and not reference.isdigit():
            template = self._found[reference] = self._create_template(request, reference)
        if template is None:
            message = (
                f"transactional_message_id {quoted(reference)} is unknown: GET /v1/transactional lists the templates"
            )
            raise InvalidInput(message, field="transactional_message_id")
        return template

    def _create_template(self, request: SendRequest, trigger_name: str) -> Template:
        check_complete(request.overrides)
        content = TemplateContent(
            content=request.overrides.apply(None),
            cc=request.cc or "",
            bcc=request.bcc or "",
            fake_bcc=request.fake_bcc or False,
        )
        draft = TemplateDraft(trigger_name=trigger_name, name=trigger_name, contents={DEFAULT_LANGUAGE: content})
        [(template, _)] = self._templates.apply(self._workspace_id, [draft], now=self._now)
        return template

    def _workspace_sender(self) -> str | None:
        if not self._has_rules:
            self._default_sender, self._has_rules = self._deliveries.rules(self._workspace_id).sender, True
        return self._default_sender


_NO_TEMPLATE: Final = TemplateDraft(trigger_name="", name="")
_NO_CONTENT: Final = TemplateContent(content=MessageContent(subject=""))


def new_delivery(request: SendRequest, template: Template | None, now: datetime) -> NewDelivery:
    """The message of a request, under the rules of its template. Raises InvalidInput for too many recipients."""
    draft = _NO_TEMPLATE if template is None else template.draft
    language = request.language if request.language in draft.contents else DEFAULT_LANGUAGE
    content = draft.contents.get(language, _NO_CONTENT)
    cc, bcc = (content.cc if request.cc is None else request.cc), (content.bcc if request.bcc is None else request.bcc)
    if (cc, bcc) != (request.cc or "", request.bcc or ""):
        check_recipients(request.to, cc, bcc)
    overrides = request.overrides
    return NewDelivery(
        reference=request.reference,
        template=None if template is None else template.number,
        content_version=None if template is None else template.content_version,
        language=language,
        send_at=request.send_at or now,
        is_draft=draft.queue_drafts if request.is_draft is None else request.is_draft,
        to=request.to,
        cc=cc,
        bcc=bcc,
        fake_bcc=content.fake_bcc if request.fake_bcc is None else request.fake_bcc,
        subject=content.content.subject if overrides.subject is None else overrides.subject,
        tracked=request.tracked,
        open_tracking=draft.open_tracking,
        link_tracking=draft.link_tracking,
        send_to_unsubscribed=(
            draft.send_to_unsubscribed if request.send_to_unsubscribed is None else request.send_to_unsubscribed
        ),
        keep_content=request.keep_content and not draft.hide_body,
        request=StoredRequest(overrides=overrides, message_data=request.data).document(),
        request_digest=request.digest,
        idempotency_key=request.idempotency_key,
        repeats=request.repeats,
        attachments=[(file.name, file.media_type, file.content) for file in request.attachments],
    )


def _sender_of(template: Template | None, language: str) -> str | None:
    content = None if template is None else template.draft.contents.get(language)
    return None if content is None else content.content.sender


def missing_sender() -> InvalidInput:
    """The error of a message that nothing gives a From."""
    message = "from is missing, and neither the template nor the workspace has one: send it, or set sending.from"
    return InvalidInput(message, field="from")
