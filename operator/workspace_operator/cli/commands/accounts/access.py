"""``workspacectl access``: which workspaces an address reaches, and why."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from workspace_operator.access.permissions import DESCRIPTIONS
from workspace_operator.application.accounts.access import AccessReader, ListedName, WorkspaceAccess
from workspace_operator.bootstrap import open_existing_store
from workspace_operator.cli.support.options import (
    ClusterID,
    Database,
    Format,
    Output,
    parse_namespaced_name,
    require_utf_8,
    text_option,
)
from workspace_operator.cli.support.output import info, json_text, print_table
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.email_keys import email_key

app = typer.Typer(name="access", help="Explain which workspaces an address reaches.", no_args_is_help=True)

COLUMNS = ("CLUSTER", "NAMESPACE", "NAME", "ACCOUNT", "ROLE", "LINE", "REASON")

EXAMPLES = """
Examples:

\b
  workspacectl access explain ana@example.com
  workspacectl access explain ana@example.com -w team/crm
"""


@app.callback()  # without it, a group of one command is that command
def _group() -> None: ...


@app.command(epilog=EXAMPLES)
def explain(
    email: Annotated[
        str, typer.Argument(metavar="EMAIL", callback=require_utf_8, help="The address, in any spelling.")
    ],
    *,
    workspace: Annotated[
        str | None,
        text_option(
            "--workspace",
            "-w",
            metavar="NAMESPACE/NAME",
            help_text="Explain the access to this workspace. Default: list the workspaces that the address reaches.",
        ),
    ] = None,
    output: Output = Format.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Print which workspaces an address reaches, and why.

    Admins and members are those of the Account resources, as the operator wrote them to the database. LINE is the line
    of docs/spec/accounts.md, section 4.1, that decided. Without -w, it is also said which workspaces the address is a
    member of that do not exist. What kubectl may do is decided by the RBAC of the cluster.
    """
    if email_key(email) is None:
        raise InvalidInput(f"EMAIL {email!r} is not a valid e-mail address: correct it", field="EMAIL")
    with open_existing_store(database) as store:
        if workspace is None:
            found = [each for each in store.workspaces.list() if cluster_id in (None, each.owner.cluster)]
        else:
            found = [store.workspaces.find(*parse_namespaced_name(workspace, "--workspace"), cluster=cluster_id)]
        reader = AccessReader(accounts=store.accounts)
        access = reader.access(email, found)
        in_vain = [] if workspace else reader.names_without_access(email, found, cluster=cluster_id)
    shown = access if workspace else [each for each in access if each.decision.is_granted]
    if output is Format.JSON:
        print(json_text([_document(each) for each in shown]))
    elif workspace:
        print_table(("FIELD", "VALUE"), _fields(access[0]))
    else:
        print_table(COLUMNS, [_row(each) for each in shown])
        info(f"{email} reaches {len(shown)} of {len(access)} workspaces")
        for name in in_vain:
            info(_in_vain_text(name))


def _role(access: WorkspaceAccess) -> str | None:
    return "admin" if access.decision.is_admin else access.decision.role


def _row(access: WorkspaceAccess) -> Sequence[object]:
    owner, decision = access.workspace.owner, access.decision
    names = (owner.cluster, owner.namespace, owner.name, access.workspace.account)
    return (*names, _role(access), decision.line, decision.reason)


def _fields(access: WorkspaceAccess) -> Sequence[Sequence[object]]:
    decision = access.decision
    allowed = [DESCRIPTIONS[permission] for permission in decision.permissions()]
    return [*zip(COLUMNS, _row(access), strict=True), *(("MAY", text) for text in allowed or [""])]


def _in_vain_text(listed: ListedName) -> str:
    what = "does not exist" if listed.other_account is None else f"is of the account {listed.other_account}"
    return f"member of {listed.account.namespace}/{listed.account.name}: the workspace {listed.name} {what}"


def _document(access: WorkspaceAccess) -> Mapping[str, Any]:
    owner, decision = access.workspace.owner, access.decision
    return {
        "cluster": owner.cluster,
        "namespace": owner.namespace,
        "name": owner.name,
        "account": access.workspace.account,
        "role": _role(access),
        "line": decision.line,
        "reason": decision.reason,
        "permissions": list(decision.permissions()),
    }
