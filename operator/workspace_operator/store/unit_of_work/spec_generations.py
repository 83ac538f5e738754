"""The fence against late documents: a generation of a spec that is lower than the recorded one writes nothing.

Every write that a resource asks for goes through here, in the transaction of that write and with the workspace's row
locked, so that of two operators the one that is late loses.
"""

import sqlalchemy as sa

from workspace_operator.errors import StaleRevision
from workspace_operator.reconcile.model.actions import AcceptLowerGeneration
from workspace_operator.store.schema.directory_tables import workspace
from workspace_operator.store.schema.mappers import Row
from workspace_operator.workspaces.spec_versions import SpecVersion

NEVER_IN_SYNC = 0
"""No row has this version."""

NOT_HELD = {"accepted_generation": None, "accepted_request": None}


def lock_and_record_generation(connection: sa.Connection, workspace_id: int, spec: SpecVersion | None) -> None:
    """Lock the workspace's row, refuse a late document, and record its generation. Raises StaleRevision.

    Without ``spec`` an administrator asks, whom no resource contradicts: the row is only locked.
    """
    query = sa.select(workspace).where(workspace.c.workspace_id == workspace_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise StaleRevision(f"workspace number {workspace_id} is gone")
    raise_if_stale(row, spec)
    if values := generation_values(row, spec):
        connection.execute(sa.update(workspace).where(workspace.c.workspace_id == workspace_id).values(values))


def raise_if_stale(row: Row, spec: SpecVersion | None) -> None:
    """Compare a document with the workspace's locked row. Raises StaleRevision if it is late or of another resource."""
    if spec is None:
        return
    if row.owner_uid != spec.uid:
        raise StaleRevision(f"workspace number {row.workspace_id} belongs to another resource by now")
    if row.spec_generation > spec.generation:
        raise StaleRevision(
            f"workspace number {row.workspace_id}: generation {row.spec_generation} of its spec was carried out "
            f"already, and this is generation {spec.generation}"
        )


def generation_values(row: Row, spec: SpecVersion | None) -> dict[str, object]:
    """The columns that record a generation; none if it is recorded already. A held one is released by a later one."""
    if spec is None or row.spec_generation == spec.generation:
        return {}
    return {"spec_generation": spec.generation, **NOT_HELD}


def lower_generation_values(row: Row, action: AcceptLowerGeneration) -> dict[str, object]:
    """The columns that accept a lower generation and hold it.

    Raises StaleRevision if another one was recorded meanwhile.

    What was at rest is so no more: the settings are those of another generation.
    """
    if row.spec_generation != action.recorded:
        raise StaleRevision(f"workspace number {row.workspace_id}: another generation was recorded meanwhile")
    return {
        "spec_generation": action.generation,
        "spec_row_version": NEVER_IN_SYNC,
        "accepted_generation": action.generation,
        "accepted_request": action.request,
    }
