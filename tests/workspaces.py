"""Creates workspaces in a store."""

from datetime import datetime
from typing import Any

from workspace_operator.application.ports import Workspaces
from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.model.actions import CreateWorkspace
from workspace_operator.reconcile.model.observed import WorkspaceQuery
from workspace_operator.workspaces.model import Owner, Settings, Workspace


def create_workspace(
    workspaces: Workspaces,
    owner: Owner | str,
    *,
    now: datetime,
    mode: Mode = Mode.EMAIL_OR_ID,
    account: str = "default",
    **settings: Any,
) -> Workspace:
    """Create a workspace and observe it; a name alone stands for the owner local/default/NAME."""
    if isinstance(owner, str):
        owner = Owner(cluster="local", namespace="default", name=owner, uid=owner)
    chosen = Settings(**{"display_name": owner.name, **settings})
    workspaces.apply(CreateWorkspace(owner=owner, account=account, mode=mode, settings=chosen), now=now)
    workspace = workspaces.observe(WorkspaceQuery(owner=owner, now=now)).workspace
    assert workspace is not None
    return workspace
