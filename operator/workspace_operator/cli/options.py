"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from workspace_operator.application.ports import Workspaces
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.references import Reference, reference_by_kind, reference_by_shape
from workspace_operator.identity.rules import Kind, Mode
from workspace_operator.reconcile.observed import StoredWorkspace
from workspace_operator.settings import DATABASE_VARIABLE, default_database

Database = Annotated[
    str,
    typer.Option(
        "--database",
        envvar=DATABASE_VARIABLE,
        default_factory=default_database,
        show_default="a SQLite file below ~/.local/share",
        metavar="URL",
        help="sqlite:///FILE.db or postgresql://USER:PASSWORD@HOST:PORT/NAME",
    ),
]
ClusterID = Annotated[
    str | None,
    typer.Option("--cluster-id", metavar="ID", help="Needed only when several clusters have a workspace of that name."),
]
WorkspaceName = Annotated[
    str, typer.Option("--workspace", "-w", metavar="NAMESPACE/NAME", help="The Workspace resource it belongs to.")
]
OutputFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to write; standard output if left out.", dir_okay=False),
]


def workspace_named(workspaces: Workspaces, name: str, cluster: str | None) -> StoredWorkspace:
    """Find a workspace by NAMESPACE/NAME. Raises InvalidInput, NotFound or Ambiguous."""
    namespace, slash, plain = name.partition("/")
    if not (namespace and slash and plain) or "/" in plain:
        raise InvalidInput(f"--workspace {name!r} must be NAMESPACE/NAME, such as default/crm", field="--workspace")
    return workspaces.find(namespace, plain, cluster=cluster)


def reference_of(mode: Mode, value: str | None, *, suppressing: bool = False, **by_kind: str | None) -> Reference:
    """The person that a command names: by --id, --email or --cio-id, or by a bare value. Raises InvalidInput."""
    given = [(kind, text) for kind, text in by_kind.items() if text is not None]
    if len(given) + (value is not None) != 1:
        raise InvalidInput("name one person: VALUE, or one of --id, --email and --cio-id")
    if value is None:
        kind, text = given[0]
        return reference_by_kind(text, Kind(kind), mode, field=f"--{kind.replace('_', '-')}", suppressing=suppressing)
    if suppressing and "@" in value:
        return reference_by_kind(value, Kind.EMAIL, mode, field="VALUE", suppressing=True)
    return reference_by_shape(value, mode, field="VALUE")
