"""``workspacectl credentials``: the keys that callers of a workspace need. In a cluster, the operator makes them."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from workspace_operator.cli.options import ClusterID, Database, WorkspaceName
from workspace_operator.cli.output import json_text, note, tell
from workspace_operator.cli.stores import NamedWorkspace, opened_workspace
from workspace_operator.errors import Conflict, InvalidInput, NotFound

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.key_making import Keys

app = typer.Typer(help="Make and end the credentials of a workspace.", no_args_is_help=True)

ONE_DAY = 24 * 60 * 60
LONGEST_GRACE = 30 * ONE_DAY

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
        "--grace-seconds", min=0, max=LONGEST_GRACE, metavar="N", help="How long the earlier ones still work."
    ),
]


@app.command(epilog=EXAMPLES)
def create(
    *, workspace: WorkspaceName, output: Output = Format.TEXT, cluster_id: ClusterID = None, database: Database
) -> None:
    """Make the first credentials of a workspace, where no operator does.

    They are printed once and kept nowhere: the store has only their digests.
    """
    with opened_workspace(database, workspace, cluster_id) as found:
        now = found.clock()
        valid = found.credentials.sets(found.number, now=now)
        if valid:
            raise Conflict(
                f"{found.name} has credentials already, made at {_moment(valid[0].created_at)}: "
                "workspacectl credentials rotate makes others"
            )
        _print(_renewed(found, grace=timedelta(0), now=now), output)


@app.command()
def rotate(
    *,
    workspace: WorkspaceName,
    grace_seconds: Grace = ONE_DAY,
    output: Output = Format.TEXT,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Make other credentials. The earlier ones still work for the grace time.

    In a cluster, set the annotation workspace-operator.dev/rotate-credentials-at instead: the operator would not
    find these in its Secret, and make others again.
    """
    with opened_workspace(database, workspace, cluster_id) as found:
        now, grace = found.clock(), timedelta(seconds=grace_seconds)
        earlier = found.credentials.sets(found.number, now=now)
        _print(_renewed(found, grace=grace, now=now), output)
        if earlier:
            note(f"The earlier ones work until {_moment(now + grace)}." if grace else "The earlier ones ended.")


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
    with opened_workspace(database, workspace, cluster_id) as found:
        count = len(found.credentials.sets(found.number, now=found.clock()))
        if not count:
            raise NotFound(f"{found.name} has no credentials that work")
        if not yes:
            raise InvalidInput(
                f"{_sets(count)} of {found.name} would end, and every caller be refused from then on: "
                "add --yes to do so",
                field="--yes",
            )
        found.credentials.revoke(found.number)
        tell(f"{_sets(count)} of {found.name} ended")


def _renewed(found: NamedWorkspace, *, grace: timedelta, now: datetime) -> "Keys":
    from workspace_operator.application.key_making import digests_of, make_keys

    keys = make_keys(secrets.token_bytes)
    found.credentials.rotate(found.number, digests_of(keys), grace=grace, request="", now=now)
    return keys


def _print(keys: "Keys", form: Format) -> None:
    if form is Format.JSON:
        print(json_text({"siteID": keys.site_id, "apiKey": keys.api_key, "appKey": keys.app_key}))
    elif form is Format.ENV:
        print(f"SITE_ID={keys.site_id}\nAPI_KEY={keys.api_key}\nAPP_KEY={keys.app_key}")
    else:
        print(f"Site ID  {keys.site_id}\nAPI key  {keys.api_key}\nApp key  {keys.app_key}")
    note("They are shown only now: keep them where nobody else reads.")


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _sets(count: int) -> str:
    return "one set of credentials" if count == 1 else f"{count} sets of credentials"
