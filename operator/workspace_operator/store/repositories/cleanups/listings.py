"""Lists of people that block migrations, from the database."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from workspace_operator.application.ports import (
    GroupCursor,
    GroupPage,
    ListedGroup,
    ListQuery,
    PersonCursor,
    SentPeople,
)
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.migrations.model import Violation
from workspace_operator.store.cleanups.listed_people import listed_people
from workspace_operator.store.cleanups.listings import ListReader
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import force_custom_plan
from workspace_operator.store.schema.cleanup_tables import listed_call
from workspace_operator.store.schema.tables import KIND_ID, identifier

MAX_SENT: Final = 500
"""People that calls have named, among whom those who share an address are counted."""


@dataclass(frozen=True, slots=True)
class SQLListings:
    """Implements the port ``Listings``."""

    database: Database

    def groups(self, workspace_id: int, query: ListQuery, *, after: GroupCursor, limit: int) -> GroupPage:
        """List groups after a position."""
        with self.database.reading_one_snapshot(sets=True) as connection:
            return _reader(connection, workspace_id, query).page(after, limit)

    def group(
        self, workspace_id: int, query: ListQuery, key: str, *, after: PersonCursor | None = None
    ) -> ListedGroup | None:
        """One group by its key, with members after a position."""
        with self.database.reading_one_snapshot(sets=True) as connection:
            return _reader(connection, workspace_id, query).group(key, after)

    def find(self, workspace_id: int, query: ListQuery, text: str) -> ListedGroup | None:
        """The group of a person with this id, cio_id or address."""
        of_id = sa.select(identifier.c.cio_id).filter_by(workspace_id=workspace_id, kind=KIND_ID, value_key=text)
        with self.database.reading_one_snapshot(sets=True) as connection:
            reader = _reader(connection, workspace_id, query)
            owner = connection.execute(of_id).scalar_one_or_none()
            key = email_key(text)
            by_id = None if owner is None else reader.group_of_person(owner)
            return by_id or (reader.group(key, None) if key else None) or reader.group_of_person(text)

    def sent_sharers(self, workspace_id: int, export_number: int) -> SentPeople:
        """How many people who share an address a call has named, among the first ones that calls have named."""
        named = sa.select(listed_call.c.cio_id).filter_by(workspace_id=workspace_id)
        with self.database.reading_one_snapshot() as connection:
            cio_ids = connection.execute(named.order_by(listed_call.c.cio_id).limit(MAX_SENT)).scalars().all()
            listed = listed_people(connection, workspace_id, export_number, cio_ids) if cio_ids else {}
        people = sum(found.sharing > 1 for found in listed.values())
        return SentPeople(people=people, is_exact=len(cio_ids) < MAX_SENT)

    def violations(
        self, workspace_id: int, export_number: int, cio_ids: Collection[str]
    ) -> Mapping[str, frozenset[Violation]]:
        """Why people block the migration, by cio_id; those that the export does not list are left out."""
        with self.database.reading() as connection:
            found = listed_people(connection, workspace_id, export_number, cio_ids)
        return {cio_id: listed.violations for cio_id, listed in found.items()}


def _reader(connection: sa.Connection, workspace_id: int, query: ListQuery) -> ListReader:
    force_custom_plan(connection)  # a generic plan for any kind and any position is usually bad here
    return ListReader(connection=connection, workspace_id=workspace_id, query=query)
