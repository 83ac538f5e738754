"""Inspection of a database: implements the port ``DatabaseInspection``."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from workspace_operator.application.ports import DatabaseDescription, Directory, Finding
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.maintenance import descriptions, directories, integrity


@dataclass(frozen=True, slots=True)
class SQLInspection:
    """Implements the port ``DatabaseInspection``; the database is opened read-only and not prepared."""

    database: Database

    def describe(self, *, counts_people: bool = False) -> DatabaseDescription:
        """Describe the database, whatever version made it."""
        return descriptions.describe(self.database, counts_people=counts_people)

    def check(self) -> Iterator[Finding]:
        """Check the file and the rows."""
        return integrity.check(self.database)

    def directory(self, *, overdue_since: datetime, now: datetime) -> Directory:
        """Read the directory of all workspaces."""
        return directories.read_directory(self.database, overdue_since=overdue_since, now=now)
