"""People in the database: load a working set, handle a batch of commands, flush.

Concurrent transactions on the same identifiers are serialized: each locks everything that its commands can touch before
it decides (`loader`). Suppression and unsuppression affect every command, and lock the workspace exclusively, like
changes of the settings.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import TypeAlias

import sqlalchemy as sa

from workspace_operator.application.ports import CommandResultOrError, Performer, UnresolvedReference
from workspace_operator.errors import CommitUnknown, InvalidInput, LockTimeout, NotFound, StoreUnavailable
from workspace_operator.identity.command_handlers.dispatch import handle
from workspace_operator.identity.model.commands import (
    Command,
    Identify,
    Suppress,
    TrackAnonymousEvent,
    UnresolvedCommand,
    Unsuppress,
)
from workspace_operator.identity.model.lock_set import LockSet, lock_set_of
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult
from workspace_operator.identity.model.working_set import ChangeSet, Suppression, WorkingSet
from workspace_operator.identity.values.email_keys import email_key_prefix
from workspace_operator.identity.values.references import IdentifierKey, Reference
from workspace_operator.identity.values.rules import CIO_ID, EMAIL_ONLY, ID, ID_ONLY, IdentityRules, Mode
from workspace_operator.store.engine.databases import RetryTransaction
from workspace_operator.store.engine.row_batches import stream_rows
from workspace_operator.store.engine.sql import any_of
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouchRepository
from workspace_operator.store.pending_merges.view import has_pending_merges, merged_view, raise_if_keys_pending
from workspace_operator.store.queries.counts import count_people
from workspace_operator.store.queries.duplicates import iter_duplicates
from workspace_operator.store.repositories.dry_runs import dry_run
from workspace_operator.store.repositories.people_search import find_by_prefix
from workspace_operator.store.schema.tables import device, person, suppression
from workspace_operator.store.unit_of_work import fast_path
from workspace_operator.store.unit_of_work.change_log import append_changes
from workspace_operator.store.unit_of_work.event_writer import activity_row, write_events
from workspace_operator.store.unit_of_work.flush import activities_only, write_people, write_updates
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.loader import (
    KINDS,
    PERSON_COLUMNS,
    Loaded,
    discover,
    load,
    load_snapshot,
    load_with_reservations,
    lock_anonymous_ids,
    person_of,
    reserve_identifiers,
)
from workspace_operator.store.unit_of_work.violation_rows import wake_blocked_migration
from workspace_operator.store.unit_of_work.workspace_lock import (
    SettingsSnapshot,
    lock_exclusive,
    lock_shared,
    read_settings,
)
from workspace_operator.workspaces.model import PeopleCounts

PEOPLE_BATCH_SIZE = 2000
MAX_CACHED_SETTINGS = 10_000

MAX_SHARED_ATTEMPTS = 4
"""Attempts with a shared lock after which a transaction locks the workspace exclusively, so that it cannot starve."""

OnBeforeCommit: TypeAlias = Callable[
    [sa.Connection, SettingsSnapshot, Sequence[Command], Sequence[CommandResult], int], None
]
"""Test hook, called before each commit with the settings, the commands, their results, and their time.

All locks are held then, so the order of the calls is a valid serial order of the commands. An order column in every
table instead would slow down each write.
"""


@dataclass(frozen=True, slots=True)
class SQLPeople(MergeOnTouchRepository):
    """Implements the port ``People``."""

    new_cio_id: Callable[[], str] = field(default_factory=CioIDGenerator)
    on_before_commit: OnBeforeCommit | None = None
    _settings_cache: dict[int, SettingsSnapshot] = field(default_factory=dict, init=False)
    _steady_workspaces: set[int] = field(default_factory=set, init=False)

    def rules(self, workspace_id: int) -> IdentityRules:
        """The effective identity rules. Raises NotFound."""
        with self.database.reading() as connection:
            return read_settings(connection, workspace_id).rules

    def perform(
        self, workspace_id: int, commands: Sequence[UnresolvedCommand], *, now: int
    ) -> Sequence[CommandResultOrError]:
        """Handle commands under the effective settings; return a result for each. Raises NotFound."""
        if len(commands) == 1 and not self.database.is_sqlite:
            result = self._perform_fast(workspace_id, commands[0], now)
            if result is not None:
                return [result]

        def handle() -> Sequence[CommandResultOrError]:
            transaction = _Transaction(people=self, workspace_id=workspace_id, commands=commands, now=now)
            return self.database.writing(transaction.run)

        return self.merge_on_touch.run(workspace_id, handle)

    @contextmanager
    def dry_run(self, workspace_id: int) -> Iterator[Performer]:
        """Open a performer that writes nothing, but shows earlier effects. Raises NotFound."""
        self.rules(workspace_id)
        with dry_run(self.database, self.merge_on_touch, new_cio_id=self.new_cio_id, command_of=_resolve) as performer:
            yield performer

    def _perform_fast(self, workspace_id: int, command: UnresolvedCommand, now: int) -> CommandResult | None:
        """Try the fast path; None if the command must take the regular path."""
        settings = self._settings_cache.get(workspace_id)
        if settings is None or not fast_path.workspace_allows(settings):
            return None
        resolved = _resolve(command, settings.rules.mode)
        if not isinstance(resolved, Identify) or not fast_path.is_eligible(resolved):
            return None
        update: fast_path.FastUpdate | None = None
        try:
            with self.database.autocommit(in_transaction=self.on_before_commit is not None) as connection:
                update = fast_path.decide(connection, settings, resolved, now=now, new_cio_id=self.new_cio_id)
                if update is None or not fast_path.write(connection, settings, update, new_id=self.new_cio_id):
                    return None
                if self.on_before_commit is not None:
                    self.on_before_commit(connection, settings, [resolved], [update.result], now)
        except StoreUnavailable as error:
            if isinstance(error, LockTimeout) or (update is not None and isinstance(error, CommitUnknown)):
                raise
            return None  # nothing was written; the regular path has other connections and its own limits
        return update.result

    def find(self, workspace_id: int, reference: Reference) -> Person | None:
        """Find the person of a reference under the effective rules."""
        return next(iter(self.find_many(workspace_id, [reference])), None)

    def find_many(self, workspace_id: int, references: Sequence[UnresolvedReference]) -> Sequence[Person]:
        """Find known people in one snapshot, each once. Raises NotFound and InvalidInput."""

        def find() -> Sequence[Person | None]:
            with self.database.reading_one_snapshot() as connection:
                settings = read_settings(connection, workspace_id)
                mode = settings.rules.mode
                resolved = [reference(mode) if callable(reference) else reference for reference in references]
                people = load_snapshot(connection, settings, _lock_set_of(resolved))
            return [people.find(reference) for reference in resolved]

        found = self.merge_on_touch.run(workspace_id, find)
        return list({person.cio_id: person for person in found if person is not None}.values())

    def find_by_email(self, workspace_id: int, key: str, *, limit: int) -> Sequence[Person]:
        """Find people by e-mail key, by cio_id; several only if email is not an identifier."""
        query = sa.select(*PERSON_COLUMNS).where(person.c.workspace_id == workspace_id, person.c.email_key == key)

        def find() -> Sequence[Person]:
            with self.database.reading_one_snapshot() as connection:
                if read_settings(connection, workspace_id).row.merges_pending:
                    raise_if_keys_pending(connection, workspace_id, [key])
                return [person_of(row) for row in connection.execute(query.order_by(person.c.cio_id).limit(limit))]

        return self.merge_on_touch.run(workspace_id, find)

    def find_by_prefix(self, workspace_id: int, text: str, *, limit: int) -> Sequence[Person]:
        """Find people whose id or email begins with a text; matches by id come first."""

        def find() -> Sequence[Person]:
            with self.database.reading_one_snapshot() as connection:
                return find_by_prefix(connection, workspace_id, text, email_key_prefix(text), limit=limit)

        return self.merge_on_touch.run(workspace_id, find)

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

    def cached_settings(self, connection: sa.Connection, workspace_id: int) -> SettingsSnapshot:
        """The settings of a workspace from the cache, or from the database if they are not cached."""
        settings = self._settings_cache.get(workspace_id)
        if settings is None:
            settings = read_settings(connection, workspace_id)
            if len(self._settings_cache) >= MAX_CACHED_SETTINGS:
                self._settings_cache.clear()
            self._settings_cache[workspace_id] = settings
        return settings

    def expects_inserts(self, workspace_id: int) -> bool:
        """Whether the last batch of the workspace named unknown people or changed identifiers."""
        return workspace_id not in self._steady_workspaces

    def record_inserts(self, workspace_id: int, *, had_inserts: bool) -> None:
        """Remember whether this batch created people, to choose the loading strategy of the next."""
        (self._steady_workspaces.discard if had_inserts else self._steady_workspaces.add)(workspace_id)

    def invalidate(self, workspace_id: int) -> None:
        """Remove the settings of a workspace from the cache."""
        self._settings_cache.pop(workspace_id, None)


@dataclass(slots=True, kw_only=True)
class _Transaction:
    """One batch of commands; ``run`` is repeated after conflicts with other transactions."""

    people: SQLPeople
    workspace_id: int
    commands: Sequence[UnresolvedCommand]
    now: int
    discover_first: bool = False
    """Whether to `discover` everything that the commands can touch before locking."""
    attempts: int = 0

    def run(self, connection: sa.Connection) -> list[CommandResultOrError]:
        """Lock, load, handle and write."""
        try:
            settings = self.people.cached_settings(connection, self.workspace_id)
            commands = self._resolve_all(settings)
            self.attempts += 1
            if _needs_exclusive_lock(commands) or (
                self.attempts > MAX_SHARED_ATTEMPTS and not self.people.database.is_sqlite
            ):
                lock_exclusive(connection, self.workspace_id)
                settings = read_settings(connection, self.workspace_id)
                return self._perform(connection, settings, self._resolve_all(settings), exclusive=True)
            exclusive = self.people.database.is_sqlite
            self.discover_first |= len(commands) > 1 and self.people.expects_inserts(self.workspace_id)
            if not exclusive and (self.discover_first or _anonymous_ids(commands)):
                # Lock before reserving: an exclusive locker would wait for the reservation, and this for its lock.
                lock_shared(connection, settings)
            return self._perform(connection, settings, commands, exclusive=exclusive)
        except (RetryTransaction, NotFound):
            self.people.invalidate(self.workspace_id)
            self.discover_first = True
            raise

    def _resolve_all(self, settings: SettingsSnapshot) -> list[Command | InvalidInput]:
        return [_resolve(command, settings.rules.mode) for command in self.commands]

    def _perform(
        self,
        connection: sa.Connection,
        settings: SettingsSnapshot,
        commands: Sequence[Command | InvalidInput],
        *,
        exclusive: bool,
    ) -> list[CommandResultOrError]:
        valid = [command for command in commands if not isinstance(command, InvalidInput)]
        anonymous_ids = frozenset() if exclusive else _anonymous_ids(valid)
        with lock_anonymous_ids(connection, self.workspace_id, anonymous_ids):
            results = iter(self._execute(connection, settings, valid, exclusive=exclusive))
        return [command if isinstance(command, InvalidInput) else next(results) for command in commands]

    def _execute(
        self, connection: sa.Connection, settings: SettingsSnapshot, commands: Sequence[Command], *, exclusive: bool
    ) -> Sequence[CommandResult]:
        loaded, new_cio_ids = self._load(connection, settings, commands, exclusive=exclusive)
        results = [
            handle(settings.rules, loaded.working_set, command, now=self.now, new_cio_id=self._id_factory(cio_id))
            for command, cio_id in zip(commands, new_cio_ids, strict=True)
        ]
        changes = loaded.working_set.changes()
        touched = list(_changed_identifiers(changes))
        if not exclusive and not loaded.locks(touched):
            raise RetryTransaction
        self.people.record_inserts(self.workspace_id, had_inserts=bool(touched or loaded.reserved))
        self._write(connection, settings, changes, loaded.reserved)
        if self.people.on_before_commit is not None:
            self.people.on_before_commit(connection, settings, commands, results, self.now)
        return results

    def _load(
        self, connection: sa.Connection, settings: SettingsSnapshot, commands: Sequence[Command], *, exclusive: bool
    ) -> tuple[Loaded, Sequence[str | None]]:
        """Load what the commands may touch; also return each command's reserved cio_id."""
        keys = lock_set_of(settings.rules, commands)
        if not exclusive and self.discover_first:
            keys, absent = discover(connection, settings, keys)
            reservations, new_cio_ids = self._reservations(settings, commands, absent)
            loaded = load_with_reservations(connection, settings, keys, reservations)
        else:
            loaded = load(connection, settings, keys)
            absent = frozenset() if exclusive else frozenset(keys.identifiers) - loaded.found
            if absent and (loaded.found or loaded.working_set.people):
                raise RetryTransaction  # absent identifiers must be locked before existing ones
            loaded.reserved, new_cio_ids = self._reservations(settings, commands, absent)
            reserve_identifiers(connection, self.workspace_id, loaded.reserved)
        _load_extras(connection, self.workspace_id, loaded.working_set, keys)
        return loaded, new_cio_ids

    def _reservations(
        self, settings: SettingsSnapshot, commands: Sequence[Command], absent: frozenset[IdentifierKey]
    ) -> tuple[dict[IdentifierKey, str], Sequence[str | None]]:
        """Reserve absent identifiers for the person that the first command with them would create."""
        reservations: dict[IdentifierKey, str] = {}
        if not absent:
            return reservations, [None] * len(commands)
        new_cio_ids: list[str | None] = []
        for command in commands:
            needed = [key for key in lock_set_of(settings.rules, [command]).identifiers if key in absent]
            cio_id = self.people.new_cio_id() if needed else None
            new_cio_ids.append(cio_id)
            if cio_id is not None and settings.rules.mode is EMAIL_ONLY:
                needed.append((ID, cio_id))  # the generated id
            for key in needed:
                reservations.setdefault(key, str(cio_id))
        return reservations, new_cio_ids

    def _id_factory(self, first: str | None) -> Callable[[], str]:
        """A factory of cio_ids for one command, which first returns the reserved one."""
        new_cio_id = self.people.new_cio_id
        return new_cio_id if first is None else chain([first], iter(new_cio_id, None)).__next__

    def _write(
        self,
        connection: sa.Connection,
        settings: SettingsSnapshot,
        changes: ChangeSet,
        reserved: Mapping[IdentifierKey, str],
    ) -> None:
        activities = None if reserved or self.people.database.is_sqlite else activities_only(changes)
        new_id = self.people.new_cio_id
        if activities is None:
            write_people(connection, self.workspace_id, changes, reserved)
        if settings.row.change_log_enabled:
            append_changes(connection, self.workspace_id, changes, new_id=new_id)
        updated = [replaced.after for replaced in changes.replaced]
        touched = [person.cio_id for person in (*changes.removed, *updated)]
        freed = bool(changes.suppressions_removed)
        if touched or freed:
            # Before deleted people are removed from the export that this reads.
            wake_blocked_migration(
                connection, settings.row, touched, freed=freed, now=datetime.fromtimestamp(self.now, UTC)
            )
        if activities is None:
            write_events(connection, self.workspace_id, changes.events, new_id=new_id)
        else:
            rows = [activity_row(self.workspace_id, new_id(), logged) for logged in activities]
            write_updates(connection, self.workspace_id, updated, rows)


def _resolve(command: UnresolvedCommand, mode: Mode) -> Command | InvalidInput:
    if not callable(command):
        return command
    try:
        return command(mode)
    except InvalidInput as error:
        return error


def _needs_exclusive_lock(commands: Sequence[Command | InvalidInput]) -> bool:
    return any(isinstance(command, Suppress | Unsuppress) for command in commands)


def _anonymous_ids(commands: Sequence[Command | InvalidInput]) -> frozenset[str]:
    named = (command.anonymous_id for command in commands if isinstance(command, Identify | TrackAnonymousEvent))
    return frozenset(anonymous_id for anonymous_id in named if anonymous_id is not None)


def _lock_set_of(references: Sequence[Reference]) -> LockSet:
    return LockSet(
        identifiers=tuple(sorted({reference.identifier for reference in references if reference.kind is not CIO_ID})),
        cio_ids=tuple(sorted({reference.key for reference in references if reference.kind is CIO_ID})),
    )


def _changed_identifiers(changes: ChangeSet) -> Iterator[IdentifierKey]:
    for identifier in (*changes.identifiers_added, *changes.identifiers_removed):
        yield (identifier.kind, identifier.key)


def _load_extras(connection: sa.Connection, workspace_id: int, working_set: WorkingSet, keys: LockSet) -> None:
    """Load suppressions and devices if the commands need them."""
    if keys.needs_suppressions:
        groups = {group for holders in working_set.suppressed.values() for group in holders}
        rows = sa.select(suppression).where(
            suppression.c.workspace_id == workspace_id, any_of(suppression.c.suppression_id, groups)
        )
        for row in connection.execute(rows):
            working_set.suppress(
                Suppression(kind=KINDS[row.kind], key=row.value_key, suppression_id=row.suppression_id)
            )
    if keys.needs_devices:
        tokens = sa.select(device.c.cio_id, device.c.token).where(
            device.c.workspace_id == workspace_id, any_of(device.c.cio_id, working_set.people)
        )
        for cio_id, token in connection.execute(tokens):
            working_set.devices.setdefault(cio_id, set()).add(token)
    working_set.mark_clean()
