"""``workspacectl messages preview``: what a request would send now, as text, JSON, or a file for a mail program."""

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from workspace_operator import bootstrap
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.sending.previews import Preview, Previewer
from workspace_operator.cli.commands.sending.explanations import (
    decision_document,
    decision_text,
    make_questions,
    rules_document,
    rules_text,
)
from workspace_operator.cli.support.options import ClusterID, Database, WorkspaceName
from workspace_operator.cli.support.output import echo, json_text
from workspace_operator.cli.support.workspace_context import WorkspaceContext, open_workspace
from workspace_operator.errors import Conflict, InvalidInput
from workspace_operator.identity.model.commands import Identify
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.values.references import Reference
from workspace_operator.resources.kubectl.yaml_documents import documents_in
from workspace_operator.resources.manifests import content_of, text_of
from workspace_operator.sending.gate import Pass
from workspace_operator.sending.messages import RenderedMessage, RenderFailure
from workspace_operator.sending.mime import compose, message_id_of

EXAMPLES = """
Examples:

\b
  workspacectl messages preview receipt.json -w default/crm
  workspacectl messages preview receipt.json -w default/crm -o eml > x.eml
"""

LABEL_WIDTH = 16
_NOT_SHOWN = ("Content-", "MIME-Version", "Date", "Message-ID")


class Format(StrEnum):
    """Output format of a preview."""

    TEXT = "text"
    JSON = "json"
    EML = "eml"


RequestFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="The body of POST /v1/send/email, as JSON or YAML.",
        show_default=False,
    ),
]


def preview(
    file: RequestFile,
    *,
    workspace: WorkspaceName,
    output: Annotated[
        Format, typer.Option("--output", "-o", help="The output format; eml is for a mail program.")
    ] = Format.TEXT,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Show a message and its envelope, without sending it.

    The message is rendered as it would be now, without tracking and without links for unsubscribing, and the gate is
    asked to whom it would be handed over. Nothing is sent or written.
    """
    body = _read_body(file)
    with open_workspace(database, workspace, cluster_id) as context, bootstrap.open_renderer(None) as renderer:
        previewer = Previewer(
            deliveries=context.store.deliveries,
            templates=context.store.templates,
            questions=make_questions(context),
            renderer=renderer,
            is_suppressed=partial(_is_suppressed, context),
        )
        found = previewer.preview(body, now=context.store.clock())
        if isinstance(found.rendered, RenderFailure):
            raise InvalidInput(f"{file}: the message cannot be rendered: {found.rendered.reason}", field="FILE")
        _print(found, found.rendered, output, context)


def _read_body(file: Path) -> Mapping[str, Any]:
    """Read the one object of a file. Raises InvalidInput."""
    try:
        documents = list(documents_in(text_of(content_of(file))))
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error}", field="FILE") from error
    if len(documents) != 1 or not isinstance(documents[0].value, Mapping):
        raise InvalidInput(f"{file}: must be one object, the body of POST /v1/send/email", field="FILE")
    return documents[0].value


def _is_suppressed(context: WorkspaceContext, reference: Reference) -> bool:
    """Whether a request that identifies the reference would be ignored."""
    now = int(context.store.clock().timestamp())
    with context.store.people.dry_run(context.workspace_id) as people:
        (result,) = execute_commands(
            people, context.workspace_id, [Identify(reference=reference, attributes={})], now=now
        )
    return isinstance(result, CommandResult) and result.effect is Effect.IGNORED


def _print(found: Preview, rendered: RenderedMessage, output: Format, context: WorkspaceContext) -> None:
    if output is Format.JSON:
        print(json_text(_document(found, rendered)))
    elif output is Format.EML:
        sys.stdout.buffer.write(_eml(found, rendered, context))
    else:
        for label, text in _lines(found, rendered):
            echo(f"{label + ':':{LABEL_WIDTH}} {text}")
        print()
        echo((rendered.plain or "").rstrip())


def _eml(found: Preview, rendered: RenderedMessage, context: WorkspaceContext) -> bytes:
    if found.passed is None:
        raise Conflict(f"there is no message to write: {decision_text(found.decision)}")
    return _composed(found.passed, rendered, context.store.clock())


def _composed(decision: Pass, rendered: RenderedMessage, now: datetime) -> bytes:
    sender = rendered.sender
    if sender is None:
        raise InvalidInput("the From of the message is empty when it is rendered", field="FILE")
    return compose(rendered, decision, sender=sender, message_id=message_id_of("preview", sender), date=now)


def _lines(found: Preview, rendered: RenderedMessage) -> Iterator[tuple[str, str]]:
    """The gate's answer and the head of the message, as labels and texts."""
    yield "Rules", rules_text(found.rules)
    yield "Gate", decision_text(found.decision)
    if found.creates_person:
        yield "Person", "the request would create the person"
    if found.decision_if_offered is not None:
        yield "With transport", decision_text(found.decision_if_offered)
    if found.passed is not None:
        yield "Envelope", ", ".join(mailbox.address for mailbox in found.passed.envelope)
    yield from _head(found, rendered).items()
    for attachment in found.message.attachments:
        yield "Attachment", f"{attachment.name} ({len(attachment.content)} bytes)"


def _head(found: Preview, rendered: RenderedMessage) -> Mapping[str, str]:
    """The head of the message that would leave; if the gate does not let it pass, what the request asks for."""
    if found.passed is not None:
        composed = message_from_bytes(_composed(found.passed, rendered, datetime.now(UTC)), policy=policy.default)
        return {name: str(value) for name, value in composed.items() if not name.startswith(_NOT_SHOWN)}
    message = found.message
    fields = {
        "From": () if rendered.sender is None else (rendered.sender,),
        "To": message.to,
        "Cc": message.cc,
        "Reply-To": rendered.reply_to,
    }
    texts = {label: ", ".join(map(str, mailboxes)) for label, mailboxes in fields.items() if mailboxes}
    return texts | {"Subject": rendered.subject} | dict(rendered.headers)


def _document(found: Preview, rendered: RenderedMessage) -> dict[str, Any]:
    return {
        "rules": rules_document(found.rules),
        "gate": decision_document(found.decision),
        "gate_with_transport": found.decision_if_offered and decision_document(found.decision_if_offered),
        "creates_person": found.creates_person,
        "headers": dict(_head(found, rendered)),
        "body": rendered.html,
        "body_plain": rendered.plain,
        "attachments": [
            {"name": attachment.name, "media_type": attachment.media_type, "bytes": len(attachment.content)}
            for attachment in found.message.attachments
        ],
    }
