"""``workspacectl credentials``: API keys of a workspace. In a cluster, the operator creates them."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from workspace_operator.application.operator.api_keys import ApiKeys, digests_of, generate_api_keys
from workspace_operator.cli.support.options import ClusterID, Database, WorkspaceName
from workspace_operator.cli.support.output import echo, info, json_text, time_text
from workspace_operator.cli.support.workspace_context import WorkspaceContext, open_workspace
from workspace_operator.errors import Conflict, InvalidInput, NotFound

app = typer.Typer(name="credentials", help="Create, rotate and revoke API credentials.", no_args_is_help=True)

ONE_DAY_SECONDS = 24 * 60 * 60
MAX_GRACE_SECONDS = 30 * ONE_DAY_SECONDS

EXAMPLES = """
Examples:

\b
  workspacectl credentials create -w default/crm
  eval "$(workspacectl credentials create -w default/crm -o env)"
"""


class Format(StrEnum):
    """Output format of keys."""

    TEXT = "text"
    JSON = "json"
    ENV = "env"


Output = Annotated[
    Format, typer.Option("--output", "-o", help="The output format; env prints lines for a shell or an env file.")
]
Grace = Annotated[
    int,
    typer.Option(
        "--grace-seconds",
        min=0,
        max=MAX_GRACE_SECONDS,
        metavar="N",
        help="How many seconds the previous credentials stay valid.",
    ),
]


@app.command(epilog=EXAMPLES)
def create(
    *, workspace: WorkspaceName, output: Output = Format.TEXT, cluster_id: ClusterID = None, database: Database
) -> None:
    """Create the first credentials of a workspace that has no operator.

    They are printed once. The database stores only their digests.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        now = context.store.clock()
        existing = context.store.credentials.valid_sets(context.workspace_id, now=now)
        if existing:
            raise Conflict(
                f"{context.name} already has credentials, created at {time_text(existing[0].created_at)}: "
                "to replace them, run workspacectl credentials rotate"
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
    """Create new credentials. The previous ones stay valid for the grace period.

    In a cluster, set the annotation workspace-operator.dev/rotate-credentials-at instead: the operator does not find
    these credentials in its Secret, and creates others.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        now, grace = context.store.clock(), timedelta(seconds=grace_seconds)
        previous = context.store.credentials.valid_sets(context.workspace_id, now=now)
        _print_credentials(_rotate_credentials(context, grace=grace, now=now), output)
        if previous:
            state = f"are valid until {time_text(now + grace)}" if grace else "are revoked"
            info(f"the previous credentials {state}")


@app.command()
def revoke(
    *,
    workspace: WorkspaceName,
    yes: Annotated[bool, typer.Option("--yes", help="Confirm the revocation.")] = False,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Revoke all credentials at once, also those in their grace period.

    In a cluster, the operator creates new ones at its next reconcile.
    """
    with open_workspace(database, workspace, cluster_id) as context:
        count = len(context.store.credentials.valid_sets(context.workspace_id, now=context.store.clock()))
        if not count:
            raise NotFound(f"{context.name} has no valid credentials")
        if not yes:
            raise InvalidInput(
                f"{_sets_text(count)} of {context.name} would be revoked, and all requests that use them refused: "
                "add --yes to confirm",
                field="--yes",
            )
        context.store.credentials.revoke(context.workspace_id)
        echo(f"{_sets_text(count)} of {context.name} revoked")


def _rotate_credentials(context: WorkspaceContext, *, grace: timedelta, now: datetime) -> ApiKeys:
    new_keys = generate_api_keys(secrets.token_bytes)
    context.store.credentials.rotate(context.workspace_id, digests_of(new_keys), grace=grace, request="", now=now)
    return new_keys


def _print_credentials(new_keys: ApiKeys, output_format: Format) -> None:
    if output_format is Format.JSON:
        print(json_text({"siteID": new_keys.site_id, "apiKey": new_keys.api_key, "appKey": new_keys.app_key}))
    elif output_format is Format.ENV:
        print(f"SITE_ID={new_keys.site_id}\nAPI_KEY={new_keys.api_key}\nAPP_KEY={new_keys.app_key}")
    else:
        print(f"Site ID  {new_keys.site_id}\nAPI key  {new_keys.api_key}\nApp key  {new_keys.app_key}")
    info("these keys are shown only once: store them in a safe place")


def _sets_text(count: int) -> str:
    return "one set of credentials" if count == 1 else f"{count} sets of credentials"
