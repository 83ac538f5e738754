"""``workspacectl templates``: apply templates from files, list and show them, and copy them between workspaces."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from workspace_operator import bootstrap
from workspace_operator.application.ports import DEFAULT_LANGUAGE, Template, TemplateContent
from workspace_operator.application.sending.template_files import read_templates
from workspace_operator.application.sending.templates import (
    AppliedTemplate,
    TemplateApply,
    drafts_to_copy,
    find_template,
)
from workspace_operator.cli.support.options import (
    ClusterID,
    Database,
    Format,
    Output,
    WorkspaceName,
    parse_namespaced_name,
    require_utf_8,
    text_option,
)
from workspace_operator.cli.support.output import info, json_text, print_table, time_text
from workspace_operator.cli.support.workspace_context import open_workspace

app = typer.Typer(name="templates", help="Apply, list, show and copy templates of messages.", no_args_is_help=True)

APPLY_EXAMPLES = """
Examples:

\b
  workspacectl templates apply -f templates/ -w default/crm
  workspacectl templates apply -f templates/receipt -w default/crm --dry-run
"""

COPY_EXAMPLES = """
Examples:

\b
  workspacectl templates copy receipt --from default/staging --to default/crm
"""

COLUMNS = ("NUMBER", "TRIGGER NAME", "NAME", "LANGUAGES", "VERSION", "UPDATED")
APPLIED_COLUMNS = ("TRIGGER NAME", "NUMBER", "VERSION", "RESULT")

Folders = Annotated[
    list[Path],
    typer.Option(
        "-f",
        "--filename",
        metavar="FOLDER",
        exists=True,
        file_okay=False,
        help="The folder of a template, or a folder of such folders. Can be given several times.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]
TemplateSelector = Annotated[
    str, typer.Argument(metavar="NAME", callback=require_utf_8, help="The trigger name or number of the template.")
]
TemplateSelectors = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME",
        help="Trigger names or numbers of the templates to copy. Default: all.",
        show_default=False,
    ),
]


@app.command(epilog=APPLY_EXAMPLES)
def apply(
    *,
    workspace: WorkspaceName,
    filename: Folders,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Create or change templates from files.

    A template is a folder with template.yaml, and body.html, body.txt or both. All files are checked first: all
    templates are applied, or none. One that has not changed gets no new version. Messages that were accepted before
    keep the version of that time. A template without files stays in the workspace.
    """
    with bootstrap.open_template_parser() as parser:
        drafts = read_templates(filename, parser)
    with open_workspace(database, workspace, cluster_id) as context:
        use_case = TemplateApply(templates=context.store.templates, workspace_id=context.workspace_id)
        applied = use_case.plan(drafts) if dry_run else use_case.run(drafts, now=context.store.clock())
        _print_applied(applied, output, dry_run=dry_run)
        if others := use_case.others(drafts):
            info(f"without files, and unchanged: {', '.join(others)}")


@app.command("list")
def list_templates(
    *, workspace: WorkspaceName, output: Output = Format.TABLE, cluster_id: ClusterID = None, database: Database
) -> None:
    """List the templates of a workspace."""
    with open_workspace(database, workspace, cluster_id) as context:
        templates = context.store.templates.list(context.workspace_id)
        if output is Format.JSON:
            print(json_text([_summary(template) for template in templates]))
        else:
            print_table(COLUMNS, [_row(template) for template in templates])


@app.command()
def show(
    template: TemplateSelector, *, workspace: WorkspaceName, cluster_id: ClusterID = None, database: Database
) -> None:
    """Print a template as JSON.

    It has the newest content, in every language.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        found = find_template(context.store.templates, context.workspace_id, template)
        print(json_text(_document(found)))


@app.command(epilog=COPY_EXAMPLES)
def copy(
    names: TemplateSelectors = None,
    *,
    source: Annotated[
        str, text_option("--from", metavar="NAMESPACE/NAME", help_text="The workspace that has the templates.")
    ],
    target: Annotated[str, text_option("--to", metavar="NAMESPACE/NAME", help_text="The workspace that gets them.")],
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Copy templates to another workspace.

    A template of the same trigger name gets the content as a new version, unless it has it. Numbers, people and
    messages are not copied.
    """
    if parse_namespaced_name(source, "--from") == parse_namespaced_name(target, "--to"):
        raise typer.BadParameter("--from and --to name the same workspace")
    with open_workspace(database, source, cluster_id) as context:
        drafts = drafts_to_copy(context.store.templates, context.workspace_id, names or ())
    with open_workspace(database, target, cluster_id) as context:
        use_case = TemplateApply(templates=context.store.templates, workspace_id=context.workspace_id)
        applied = use_case.plan(drafts) if dry_run else use_case.run(drafts, now=context.store.clock())
        _print_applied(applied, output, dry_run=dry_run)


def _print_applied(applied: Sequence[AppliedTemplate], output: Format, *, dry_run: bool) -> None:
    rows = [
        (
            result.trigger_name,
            result.template and result.template.number,
            result.template and result.template.content_version,
            result.change.value,
        )
        for result in applied
    ]
    if output is Format.JSON:
        names = ("trigger_name", "number", "content_version", "result")
        print(json_text([dict(zip(names, row, strict=True)) for row in rows]))
    else:
        print_table(APPLIED_COLUMNS, rows)
    if dry_run:
        info("nothing was written")


def _row(template: Template) -> tuple[object, ...]:
    return (
        template.number,
        template.draft.trigger_name,
        template.draft.name,
        ", ".join(_language_name(language) for language in template.draft.contents),
        template.content_version,
        time_text(template.updated_at),
    )


def _language_name(language: str) -> str:
    return "default" if language == DEFAULT_LANGUAGE else language


def _summary(template: Template) -> Mapping[str, Any]:
    draft = template.draft
    return {
        "number": template.number,
        "trigger_name": draft.trigger_name,
        "name": draft.name,
        "description": draft.description,
        "languages": [_language_name(language) for language in draft.contents],
        "content_version": template.content_version,
        "created_at": time_text(template.created_at),
        "updated_at": time_text(template.updated_at),
    }


def _document(template: Template) -> Mapping[str, Any]:
    draft = template.draft
    return {
        **_summary(template),
        "send_to_unsubscribed": draft.send_to_unsubscribed,
        "open_tracking": draft.open_tracking,
        "link_tracking": draft.link_tracking,
        "hide_body": draft.hide_body,
        "queue_drafts": draft.queue_drafts,
        "contents": {_language_name(name): _content_document(content) for name, content in draft.contents.items()},
    }


def _content_document(content: TemplateContent) -> Mapping[str, Any]:
    parts = content.content
    return {
        "subject": parts.subject,
        "preheader": parts.preheader,
        "from": parts.sender,
        "reply_to": parts.reply_to,
        "cc": content.cc,
        "bcc": content.bcc,
        "fake_bcc": content.fake_bcc,
        "headers": dict(parts.headers),
        "body": parts.body,
        "body_plain": parts.body_plain,
        "body_amp": parts.body_amp,
    }
