"""The calls that named people who block a migration, in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from workspace_operator.errors import NotFound
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import any_of, insert_statement
from workspace_operator.store.schema.cleanup_tables import listed_call
from workspace_operator.store.schema.tables import export, export_person, workspace
from workspace_operator.store.unit_of_work.workspace_lock import lock_workspace_row

BATCH: Final = 1_000
"""People of one transaction."""


@dataclass(frozen=True, slots=True)
class SQLListedCalls:
    """Implements the port ``ListedCalls``."""

    database: Database

    def record(self, workspace_id: int, calls: Mapping[str, datetime]) -> int:
        """Write when calls named people, by cio_id, in transactions of bounded size."""
        # The order of keys keeps API processes that write at the same time from waiting for each other in a circle.
        ordered = sorted(calls.items())
        batches = (dict(ordered[start : start + BATCH]) for start in range(0, len(ordered), BATCH))
        return sum(self._record(workspace_id, batch) for batch in batches)

    def recorded_since(self, workspace_id: int) -> datetime | None:
        """Since when calls are recorded. Raises NotFound."""
        with self.database.reading() as connection:
            row = connection.execute(_recorded_since(workspace_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no workspace number {workspace_id}")
        since: datetime | None = row.calls_recorded_since
        return since

    def _record(self, workspace_id: int, calls: Mapping[str, datetime]) -> int:
        def work(connection: sa.Connection) -> int:
            # The migration ends under the same lock: no row may be written after those of the migration are deleted.
            lock_workspace_row(connection, workspace_id)
            if connection.execute(_recorded_since(workspace_id)).scalar_one_or_none() is None:
                return 0
            listed = _listed(connection, workspace_id, list(calls))
            rows = [{"workspace_id": workspace_id, "cio_id": cio_id, "at": calls[cio_id]} for cio_id in listed]
            if rows:
                insert = insert_statement(connection, listed_call)
                newer = insert.on_conflict_do_update(
                    index_elements=listed_call.primary_key,
                    set_={"at": insert.excluded.at},
                    where=listed_call.c.at < insert.excluded.at,
                )
                connection.execute(newer, rows)
            return len(rows)

        return self.database.writing(work)


def _recorded_since(workspace_id: int) -> sa.Select[tuple[datetime | None]]:
    return sa.select(workspace.c.calls_recorded_since).where(workspace.c.workspace_id == workspace_id)


def _listed(connection: sa.Connection, workspace_id: int, cio_ids: Sequence[str]) -> Sequence[str]:
    """Those people that the newest export lists, in the order of their cio_ids."""
    numbers = sa.select(sa.func.max(export.c.number)).where(export.c.workspace_id == workspace_id)
    of_export = sa.and_(
        export_person.c.workspace_id == workspace_id, export_person.c.export_number == numbers.scalar_subquery()
    )
    query = sa.select(export_person.c.cio_id).where(of_export, any_of(export_person.c.cio_id, cio_ids)).distinct()
    return connection.execute(query.order_by(export_person.c.cio_id)).scalars().all()
