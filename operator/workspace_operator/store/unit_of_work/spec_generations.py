"""Protection against stale specs: a lower generation than the recorded one writes nothing.

Every write that a resource requests calls this module, in the same transaction and with the workspace's row locked, so
that of two operators the one with the older spec fails.
"""

import sqlalchemy as sa

from workspace_operator.errors import StaleRevision
from workspace_operator.reconcile.model.actions import AcceptLowerGeneration
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import workspace
from workspace_operator.workspaces.spec_versions import SpecVersion

NEVER_IN_SYNC = 0
"""A version that no row has."""

NOT_HELD = {"accepted_generation": None, "accepted_request": None}


def lock_and_record_generation(connection: sa.Connection, workspace_id: int, spec: SpecVersion | None) -> None:
    """Lock the workspace's row, and record the generation of the spec. Raises StaleRevision.

    Without ``spec``, an administrator requested the write, and the row is only locked.
    """
    query = sa.select(workspace).where(workspace.c.workspace_id == workspace_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise StaleRevision(f"workspace number {workspace_id} is gone")
    raise_if_stale(row, spec)
    if values := generation_values(row, spec):
        connection.execute(sa.update(workspace).where(workspace.c.workspace_id == workspace_id).values(values))


def raise_if_stale(row: Row, spec: SpecVersion | None) -> None:
    """Raise StaleRevision if the spec is older than the locked row, or of another resource."""
    if spec is not None:
        spec.raise_if_stale(row.workspace_id, owner_uid=row.owner_uid, applied=row.spec_generation)


def generation_values(row: Row, spec: SpecVersion | None) -> dict[str, object]:
    """The columns that record a generation, if it is new; it releases a held one."""
    if spec is None or row.spec_generation == spec.generation:
        return {}
    return {"spec_generation": spec.generation, **NOT_HELD}


def lower_generation_values(row: Row, action: AcceptLowerGeneration) -> dict[str, object]:
    """The columns that accept a lower generation and hold it. Raises StaleRevision.

    The workspace is not in sync afterwards, since its settings are those of another generation.
    """
    if row.spec_generation != action.recorded:
        raise StaleRevision(f"workspace number {row.workspace_id}: another generation was recorded meanwhile")
    return {
        "spec_generation": action.generation,
        "spec_row_version": NEVER_IN_SYNC,
        "accepted_generation": action.generation,
        "accepted_request": action.request,
    }
