"""``workspacectl credentials``: the keys that callers of a workspace need. In a cluster, the operator makes them."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from workspace_operator.cli.support.options import ClusterID, Database, WorkspaceName
from workspace_operator.cli.support.output import echo, info, json_text
from workspace_operator.cli.support.workspace_context import WorkspaceContext, open_workspace
from workspace_operator.errors import Conflict, InvalidInput, NotFound

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.operator.api_keys import ApiKeys

app = typer.Typer(help="Make and end the credentials of a workspace.", no_args_is_help=True)

ONE_DAY_SECONDS = 24 * 60 * 60
MAX_GRACE_SECONDS = 30 * ONE_DAY_SECONDS

EXAMPLES = """
Examples:

\b
  workspacectl credentials create -w default/crm
  eval "$(workspacectl credentials create -w default/crm -o env)"
"""


class Format(StrEnum):
    """How keys are printed."""

    TEXT = "text"
    JSON = "json"
    ENV = "env"


Output = Annotated[Format, typer.Option("--output", "-o", help="env are lines for a shell or an env file.")]
Grace = Annotated[
    int,
    typer.Option(
        "--grace-seconds", min=0, max=MAX_GRACE_SECONDS, metavar="N", help="How long the earlier ones still work."
    ),
]


@app.command(epilog=EXAMPLES)
def create(
    *, workspace: WorkspaceName, output: Output = Format.TEXT, cluster_id: ClusterID = None, database: Database
) -> None:
    """Make the first credentials of a workspace, where no operator does.

    They are printed once and kept nowhere: the store has only their digests.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        now = context.clock()
        existing = context.credentials.valid_sets(context.number, now=now)
        if existing:
            raise Conflict(
                f"{context.name} has credentials already, made at {_timestamp(existing[0].created_at)}: "
                "workspacectl credentials rotate makes others"
            )
        _print_credentials(_rotate_credentials(context, grace=timedelta(0), now=now), output)


@app.command()
def rotate(
    *,
    workspace: WorkspaceName,
    grace_seconds: Grace = ONE_DAY_SECONDS,
    output: Output = Format.TEXT,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Make other credentials. The earlier ones still work for the grace time.

    In a cluster, set the annotation workspace-operator.dev/rotate-credentials-at instead: the operator would not
    find these in its Secret, and make others again.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        now, grace = context.clock(), timedelta(seconds=grace_seconds)
        previous = context.credentials.valid_sets(context.number, now=now)
        _print_credentials(_rotate_credentials(context, grace=grace, now=now), output)
        if previous:
            info(f"The earlier ones work until {_timestamp(now + grace)}." if grace else "The earlier ones ended.")


@app.command()
def revoke(
    *,
    workspace: WorkspaceName,
    yes: Annotated[bool, typer.Option("--yes", help="Really do it.")] = False,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """End all credentials at once, also those in their grace time.

    In a cluster, the operator makes others at its next look.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        count = len(context.credentials.valid_sets(context.number, now=context.clock()))
        if not count:
            raise NotFound(f"{context.name} has no credentials that work")
        if not yes:
            raise InvalidInput(
                f"{_sets_text(count)} of {context.name} would end, and every caller be refused from then on: "
                "add --yes to do so",
                field="--yes",
            )
        context.credentials.revoke(context.number)
        echo(f"{_sets_text(count)} of {context.name} ended")


def _rotate_credentials(context: WorkspaceContext, *, grace: timedelta, now: datetime) -> "ApiKeys":
    from workspace_operator.application.operator.api_keys import digests_of, generate_api_keys

    new_keys = generate_api_keys(secrets.token_bytes)
    context.credentials.rotate(context.number, digests_of(new_keys), grace=grace, request="", now=now)
    return new_keys


def _print_credentials(new_keys: "ApiKeys", output_format: Format) -> None:
    if output_format is Format.JSON:
        print(json_text({"siteID": new_keys.site_id, "apiKey": new_keys.api_key, "appKey": new_keys.app_key}))
    elif output_format is Format.ENV:
        print(f"SITE_ID={new_keys.site_id}\nAPI_KEY={new_keys.api_key}\nAPP_KEY={new_keys.app_key}")
    else:
        print(f"Site ID  {new_keys.site_id}\nAPI key  {new_keys.api_key}\nApp key  {new_keys.app_key}")
    info("They are shown only now: keep them where nobody else reads.")


def _timestamp(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _sets_text(count: int) -> str:
    return "one set of credentials" if count == 1 else f"{count} sets of credentials"
