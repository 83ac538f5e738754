"""Which people block the identifier change of a workspace."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from workspace_operator.application.ports import Listings, Migrations
from workspace_operator.migrations.model import Violation
from workspace_operator.migrations.state_machine import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockingPeople:
    """Reads the newest list of people that block a change."""

    migrations: Migrations
    listings: Listings

    def violations(self, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, frozenset[Violation]]:
        """Why people block the change, by cio_id; those who do not block it are left out."""
        migration = self.migrations.newest(workspace_id)
        if not cio_ids or migration is None or migration.stage is not Stage.BLOCKED or migration.export is None:
            return {}
        return self.listings.violations(workspace_id, migration.export, cio_ids)
