"""The people of workspaces in the database: units of work, and queries."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

import sqlalchemy as sa

from workspace_operator.application.ports import FIRST_EMAIL, EmailPosition, UnitOfWork, UnitsOfWork
from workspace_operator.errors import NotFound
from workspace_operator.identity.model.lock_set import LockSet
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.references import IdentifierKey, Reference
from workspace_operator.identity.values.rules import CIO_ID, ID_ONLY, IdentityRules
from workspace_operator.store.engine.databases import RetryTransaction
from workspace_operator.store.engine.row_batches import stream_rows
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouchRepository
from workspace_operator.store.pending_merges.view import has_pending_merges, merged_view, raise_if_keys_pending
from workspace_operator.store.queries.counts import count_people
from workspace_operator.store.queries.duplicates import iter_duplicates
from workspace_operator.store.queries.suppressions import suppressed_identifiers
from workspace_operator.store.repositories.dry_runs import open_dry_run
from workspace_operator.store.repositories.people_search import emails_with_prefix, ids_with_prefix, read_found
from workspace_operator.store.schema.tables import person
from workspace_operator.store.unit_of_work.fast_path import NotEligible, run_fast_unit_of_work
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.loader import PERSON_COLUMNS, load_snapshot, person_of
from workspace_operator.store.unit_of_work.sql_unit_of_work import WorkspaceCache, open_unit_of_work
from workspace_operator.store.unit_of_work.workspace_lock import read_settings
from workspace_operator.workspaces.model import PeopleCounts

PEOPLE_BATCH_SIZE = 2000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SQLPeople(MergeOnTouchRepository):
    """Implements the port ``People``.

    Attributes:
        new_cio_id: generates cio_ids.
        always_in_transaction: whether the fast path runs in a transaction, too, so that a test can add statements.
    """

    new_cio_id: CioIDGenerator = field(default_factory=CioIDGenerator)
    always_in_transaction: bool = False
    _cache: WorkspaceCache = field(default_factory=WorkspaceCache, init=False)

    def rules(self, workspace_id: int) -> IdentityRules:
        """The identity rules in force. Raises NotFound."""
        with self.database.reading() as connection:
            return read_settings(connection, workspace_id).rules

    def run_unit_of_work(self, workspace_id: int, work: Callable[[UnitOfWork], T], *, exclusive: bool = False) -> T:
        """Run ``work`` in a unit of work: a fast one if that is possible. Raises NotFound."""
        settings = None if exclusive or self.database.is_sqlite else self._cache.cached(workspace_id)
        if settings is not None:
            try:
                return run_fast_unit_of_work(
                    self.database, settings, work, self.new_cio_id, in_transaction=self.always_in_transaction
                )
            except NotEligible:
                pass
        return self.merge_on_touch.run(workspace_id, lambda: self._run(workspace_id, work, exclusive=exclusive))

    def _run(self, workspace_id: int, work: Callable[[UnitOfWork], T], *, exclusive: bool) -> T:
        attempts = count(1)

        def attempt(connection: sa.Connection) -> T:
            try:
                unit = open_unit_of_work(
                    connection,
                    workspace_id,
                    attempt=next(attempts),
                    exclusive=exclusive,
                    cache=self._cache,
                    new_cio_id=self.new_cio_id,
                )
                return work(unit)
            except (RetryTransaction, NotFound):
                self._cache.invalidate(workspace_id)
                raise

        return self.database.writing(attempt)

    def dry_run(self, workspace_id: int) -> AbstractContextManager[UnitsOfWork]:
        """Open units of work that write nothing, but see the effects of earlier ones. Raises NotFound."""
        self.rules(workspace_id)
        return open_dry_run(self.database, self.merge_on_touch, new_cio_id=self.new_cio_id)

    def find(self, workspace_id: int, reference: Reference) -> Person | None:
        """Find the person of a reference. Raises NotFound and InvalidInput."""
        return next(iter(self.find_many(workspace_id, [reference])), None)

    def find_many(self, workspace_id: int, references: Sequence[Reference]) -> Sequence[Person]:
        """Find known people in one snapshot, each once. Raises NotFound and InvalidInput."""

        def find() -> Sequence[Person | None]:
            with self.database.reading_one_snapshot() as connection:
                settings = read_settings(connection, workspace_id)
                resolved = [reference.in_mode(settings.rules.mode) for reference in references]
                people = load_snapshot(connection, settings, _lock_set_of(resolved))
            return [people.find(reference) for reference in resolved]

        found = self.merge_on_touch.run(workspace_id, find)
        return list({person.cio_id: person for person in found if person is not None}.values())

    def find_by_email(self, workspace_id: int, key: str, *, after: str = "", limit: int) -> Sequence[Person]:
        """Find people by e-mail key, by cio_id, after one; several only if email is not an identifier."""
        of_key = sa.and_(person.c.workspace_id == workspace_id, person.c.email_key == key, person.c.cio_id > after)
        query = sa.select(*PERSON_COLUMNS).where(of_key)

        def find() -> Sequence[Person]:
            with self.database.reading_one_snapshot() as connection:
                if read_settings(connection, workspace_id).row.merges_pending:
                    raise_if_keys_pending(connection, workspace_id, [key])
                return [person_of(row) for row in connection.execute(query.order_by(person.c.cio_id).limit(limit))]

        return self.merge_on_touch.run(workspace_id, find)

    def find_by_id_prefix(self, workspace_id: int, prefix: str, *, after: str = "", limit: int) -> Sequence[Person]:
        """Find people whose id begins with a text, in the order of the ids, after an id."""
        return self._find_in_order(workspace_id, ids_with_prefix(workspace_id, prefix, after=after, limit=limit))

    def find_by_email_prefix(
        self, workspace_id: int, prefix: str, *, after: EmailPosition = FIRST_EMAIL, limit: int
    ) -> Sequence[Person]:
        """Find people whose e-mail key begins with a text, by (key, cio_id), after a position."""
        return self._find_in_order(workspace_id, emails_with_prefix(workspace_id, prefix, after=after, limit=limit))

    def _find_in_order(self, workspace_id: int, query: sa.Select[str]) -> Sequence[Person]:
        def find() -> Sequence[Person]:
            with self.database.reading_one_snapshot() as connection:
                return read_found(connection, workspace_id, query)

        return self.merge_on_touch.run(workspace_id, find)

    def suppressed(self, workspace_id: int, identifiers: Collection[IdentifierKey]) -> frozenset[IdentifierKey]:
        """Those of the identifiers that are suppressed."""
        with self.database.reading() as connection:
            return suppressed_identifiers(connection, workspace_id, identifiers)

    def duplicates(self, workspace_id: int, *, newest_first: bool) -> Iterator[tuple[str, str]]:
        """Stream e-mail key and cio_id of duplicates, by (key, age), oldest or newest first."""
        with self.database.reading_one_snapshot() as connection:
            if read_settings(connection, workspace_id).rules.mode is ID_ONLY:
                yield from iter_duplicates(connection, workspace_id, newest_first=newest_first)

    def all(self, workspace_id: int) -> Iterator[Person]:
        """Stream all people of one snapshot, in order of creation."""
        query = sa.select(*PERSON_COLUMNS).where(person.c.workspace_id == workspace_id).order_by(person.c.cio_id)
        with self.database.reading_one_snapshot() as connection:
            merges_pending = has_pending_merges(connection, workspace_id)
            with stream_rows(connection, query, size=PEOPLE_BATCH_SIZE) as result:
                for rows in result.partitions():
                    people = list(map(person_of, rows))
                    yield from merged_view(connection, workspace_id, people) if merges_pending else people

    def count(self, workspace_id: int) -> PeopleCounts:
        """Count people, from the indexes."""
        with self.database.reading_one_snapshot() as connection:
            return count_people(connection, workspace_id)


def _lock_set_of(references: Sequence[Reference]) -> LockSet:
    return LockSet(
        identifiers=tuple(sorted({reference.identifier for reference in references if reference.kind is not CIO_ID})),
        cio_ids=tuple(sorted({reference.key for reference in references if reference.kind is CIO_ID})),
    )
