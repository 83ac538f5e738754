"""``workspacectl messages``: list and show messages, explain what happened to them, and cancel or preview them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from workspace_operator.application.ports import DeliveryQuery, DeliveryRecord
from workspace_operator.application.sending.templates import find_template
from workspace_operator.cli.commands.sending import previews
from workspace_operator.cli.commands.sending.delivery_ids import DeliveryID, DeliveryIDs, delivery_id_of
from workspace_operator.cli.commands.sending.delivery_output import (
    DELIVERY_COLUMNS,
    TemplateNames,
    attempt_document,
    delivery_document,
    delivery_lines,
    delivery_row,
)
from workspace_operator.cli.commands.sending.explanations import explanation_document, make_explainer, print_explanation
from workspace_operator.cli.commands.sending.root_keys import RootKeyFile, find_root_key
from workspace_operator.cli.support.files import write_csv
from workspace_operator.cli.support.options import (
    ClusterID,
    Database,
    Format,
    Output,
    WorkspaceName,
    text_option,
)
from workspace_operator.cli.support.output import echo, info, json_text, print_table
from workspace_operator.cli.support.records import ListFormat, ListOutput
from workspace_operator.cli.support.workspace_context import PersonSelector, WorkspaceContext, open_workspace
from workspace_operator.errors import NotFound
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.identity.values.timestamps import TIME_ADVICE, time_of
from workspace_operator.sending.deliveries import DeliveryState
from workspace_operator.sending.keys import Purpose
from workspace_operator.sending.tokens import Token, sign

app = typer.Typer(name="messages", help="List, explain, cancel and preview messages.", no_args_is_help=True)
app.command("preview", epilog=previews.EXAMPLES)(previews.preview)

LIST_EXAMPLES = """
Examples:

\b
  workspacectl messages list -w default/crm --state undeliverable --since 24h
  workspacectl messages list -w default/crm --person ada@example.com
  workspacectl messages list -w default/crm --since 7d -o csv > messages.csv
"""

_STATES = {state.value.replace(" ", "-"): state for state in DeliveryState}
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_is_age = re.compile("([0-9]{1,6})([mhd])").fullmatch


State = Annotated[
    list[str] | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help=f"Only messages in this state: {', '.join(_STATES)}. Can be given several times.",
    ),
]
OfPerson = Annotated[
    str | None,
    text_option("--person", metavar="VALUE", help_text="Only messages to this person: an id, an email, or a cio_id."),
]
OfTemplate = Annotated[
    str | None,
    text_option("--template", metavar="NAME", help_text="Only messages of this template: a trigger name or a number."),
]
Since = Annotated[
    str | None,
    text_option(
        "--since", metavar="TIME", help_text="Only messages accepted since: 30m, 24h, 7d ago, or a time in ISO 8601."
    ),
]


@app.command("list", epilog=LIST_EXAMPLES)
def list_messages(
    *,
    workspace: WorkspaceName,
    state: State = None,
    person: OfPerson = None,
    template: OfTemplate = None,
    since: Since = None,
    before: Annotated[
        str | None, text_option("--before", metavar="ID", help_text="Only messages before this one.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, help="Maximum number of messages to print.")
    ] = 100,
    output: ListOutput = ListFormat.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """List the messages of a workspace, newest first.

    The ids are those of the database. The API has other, signed ids for the same messages; show prints both, and
    every command accepts both.
    """
    states = frozenset(map(_state, state or ()))
    with open_workspace(database, workspace, cluster_id) as context:
        query = DeliveryQuery(
            limit=limit,
            before=None if before is None else delivery_id_of(before, context),
            cio_id=None if person is None else _cio_id(person, context),
            template=None if template is None else _template_number(template, context),
            states=states,
            since=None if since is None else _time(since, context.store.clock()),
        )
        records = context.store.deliveries.list(context.workspace_id, query)
        _print_list(records, _template_names(context), output)
    if len(records) == limit:
        info(f"there may be earlier messages: add --before {records[-1].delivery.delivery_id}")


@app.command()
def show(
    message: DeliveryID,
    *,
    workspace: WorkspaceName,
    content: Annotated[
        bool, typer.Option("--content", help="Also print the message as it was handed over, if it is kept.")
    ] = False,
    root_key_file: RootKeyFile = None,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Print a message as JSON, with its attempts.

    wire_id is its id in the API and in its Message-ID. That needs the root key, and is null without one. The subject is
    that of the template, before it is rendered.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        delivery_id = delivery_id_of(message, context)
        record = context.store.deliveries.get(context.workspace_id, delivery_id)
        attempts = context.store.deliveries.attempts(context.workspace_id, delivery_id)
        key = find_root_key(context.store, root_key_file)
        token = Token(workspace_id=context.workspace_id, delivery_id=delivery_id)
        document = {
            "wire_id": key and sign(token, Purpose.DELIVERY, key),
            **delivery_document(record, _template_names(context)),
            "attempts": [attempt_document(attempt) for attempt in attempts],
        }
        if content:
            archived = context.store.deliveries.archived(context.workspace_id, delivery_id)
            document["content"] = None if archived.forgotten else dict(archived.fields)
        print(json_text(document))


@app.command()
def explain(
    message: DeliveryID,
    *,
    workspace: WorkspaceName,
    output: Output = Format.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Explain why a message was sent, held back, or waits.

    Prints the line of the gate that decided last, the rules in force then and now, and every attempt. For a message
    that waits, the gate is asked what it would decide now; nothing is sent. Rates are not taken into account.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        explanation = make_explainer(context).explain(delivery_id_of(message, context), now=context.store.clock())
        if output is Format.JSON:
            print(json_text(explanation_document(explanation, _template_names(context))))
        else:
            print_explanation(explanation)


@app.command()
def cancel(
    messages: DeliveryIDs, *, workspace: WorkspaceName, cluster_id: ClusterID = None, database: Database
) -> None:
    """Cancel messages that wait, or drafts. They are never sent.

    A message that is being handed over cannot be cancelled. The command stops at the first message that cannot be
    cancelled; those before it are.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        for delivery_id in [delivery_id_of(message, context) for message in messages]:
            context.store.deliveries.cancel(context.workspace_id, delivery_id, now=context.store.clock())
            echo(f"{delivery_id} cancelled")


@app.command("send-draft")
def send_draft(
    messages: DeliveryIDs, *, workspace: WorkspaceName, cluster_id: ClusterID = None, database: Database
) -> None:
    """Send drafts.

    They are accepted now, under the send behavior in force now. The command stops at the first message that is no
    draft; those before it are accepted.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        for delivery_id in [delivery_id_of(message, context) for message in messages]:
            context.store.deliveries.send_draft(context.workspace_id, delivery_id, now=context.store.clock())
            mode = context.store.deliveries.rules(context.workspace_id).mode
            echo(f"{delivery_id} accepted, under the send behavior {mode or 'unknown'}")


def _print_list(records: Sequence[DeliveryRecord], templates: TemplateNames, output: ListFormat) -> None:
    if output is ListFormat.CSV:
        write_csv(delivery_lines(records, templates), None, for_excel=False)
    elif output is ListFormat.JSON:
        print(json_text([delivery_document(record, templates) for record in records]))
    else:
        print_table(DELIVERY_COLUMNS, [delivery_row(record, templates) for record in records])


def _state(text: str) -> DeliveryState:
    state = _STATES.get(text)
    if state is None:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(_STATES)}", param_hint="--state")
    return state


def _cio_id(value: str, context: WorkspaceContext) -> str:
    person = context.store.people.find(context.workspace_id, PersonSelector(value=value).reference(context))
    if person is None:
        raise NotFound(f"no person in {context.name} has the identifier {quoted(value)}")
    return person.cio_id


def _template_number(reference: str, context: WorkspaceContext) -> int:
    return find_template(context.store.templates, context.workspace_id, reference).number


def _template_names(context: WorkspaceContext) -> TemplateNames:
    templates = context.store.templates.list(context.workspace_id)
    return {template.number: template.draft.trigger_name for template in templates}


def _time(text: str, now: datetime) -> datetime:
    """A time, or an age before now."""
    if age := _is_age(text):
        return now - int(age[1]) * _UNITS[age[2]]
    seconds = time_of(text)
    if seconds is None:
        message = f"{text!r} must be an age such as 30m, 24h or 7d, or a time: {TIME_ADVICE}"
        raise typer.BadParameter(message, param_hint="--since")
    return datetime.fromtimestamp(seconds, UTC)
