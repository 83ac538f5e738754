"""Display names in the database: their holders and their uniqueness.

The unique constraint covers only identical names. Two forms of one name can exist from before names were compared
(`reconcile.model.name_conflicts`).
"""

import sqlalchemy as sa

from workspace_operator.errors import NameTaken
from workspace_operator.reconcile.model import name_conflicts
from workspace_operator.resources.display_names import comparison_key
from workspace_operator.store.schema.mappers import WORKSPACES_WITH_ACCOUNT, workspace_of
from workspace_operator.store.schema.tables import account, workspace
from workspace_operator.workspaces.model import Owner, Workspace

_HAVING_NAME = WORKSPACES_WITH_ACCOUNT.where(
    account.c.cluster == sa.bindparam("cluster"),
    account.c.namespace == sa.bindparam("namespace"),
    account.c.name == sa.bindparam("account"),
    workspace.c.name_key == sa.bindparam("name_key"),
)


def name_holder(
    connection: sa.Connection, name: str, own: Workspace | None, *, owner: Owner, account_name: str
) -> Workspace | None:
    """The workspace that holds a display name in the account of, or for, a workspace."""
    parameters = {
        "cluster": owner.cluster,
        "namespace": owner.namespace,
        "account": own.account if own else account_name,
        "name_key": comparison_key(name),
    }
    same_name = [workspace_of(row) for row in connection.execute(_HAVING_NAME, parameters)]
    return name_conflicts.name_holder(name, own, same_name)


def raise_if_name_taken(connection: sa.Connection, account_id: int, name: str, *, own: int | None) -> None:
    """Raise NameTaken if another workspace of the account has a name that is new to ``own``."""
    if own is not None and own in _workspaces_named(connection, account_id, name):
        exact = sa.select(workspace.c.workspace_id).filter_by(account_id=account_id, display_name=name)
        holders = {int(number) for number in connection.execute(exact).scalars()} - {own}
    else:
        # Lock the account to assign its names one at a time, since two forms of a name violate no constraint.
        connection.execute(sa.select(account.c.name).filter_by(account_id=account_id).with_for_update())
        holders = _workspaces_named(connection, account_id, name)
    if holders:
        raise NameTaken(
            f"workspace number {min(holders)} of the same account already has the name {name!r}: give one of them "
            "another spec.displayName first"
        )


def _workspaces_named(connection: sa.Connection, account_id: int, name: str) -> set[int]:
    """The workspaces of an account that have any form of a name."""
    query = sa.select(workspace.c.workspace_id).filter_by(account_id=account_id, name_key=comparison_key(name))
    return {int(number) for number in connection.execute(query).scalars()}
