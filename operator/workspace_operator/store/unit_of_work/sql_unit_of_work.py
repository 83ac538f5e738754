"""Units of work in the database: lock, load and flush the people that a batch of commands may touch.

Concurrent transactions on the same identifiers are serialized: each locks everything that its commands can touch before
it decides (`loader`).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from itertools import chain

import sqlalchemy as sa

from workspace_operator.application.ports import AuditEntry, LoadedPeople
from workspace_operator.identity.command_handlers.dispatch import NewCioID
from workspace_operator.identity.model.commands import Command, DeletePerson, Suppress
from workspace_operator.identity.model.lock_set import LockSet, identifiers_named_by, lock_set_of
from workspace_operator.identity.model.person_events import PersonDeleted
from workspace_operator.identity.model.working_set import ChangeSet, identifiers_of
from workspace_operator.identity.values.references import IdentifierKey, Reference
from workspace_operator.identity.values.rules import CIO_ID, EMAIL_ONLY, EMAIL_OR_ID, ID, IdentityRules
from workspace_operator.store.engine.databases import RetryTransaction
from workspace_operator.store.queries.cleanups import delete_listed_calls, erase_people
from workspace_operator.store.unit_of_work.audit_rows import write_audit_entry
from workspace_operator.store.unit_of_work.change_log import append_changes
from workspace_operator.store.unit_of_work.event_writer import activity_row, write_events
from workspace_operator.store.unit_of_work.flush import activities_only, write_people, write_updates
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.loader import (
    Loaded,
    discover,
    insert_identifiers,
    load,
    load_extras,
    load_with_reservations,
    lock_anonymous_ids,
    unlock_anonymous_ids,
)
from workspace_operator.store.unit_of_work.merge_rows import secondaries_of
from workspace_operator.store.unit_of_work.violation_rows import wake_blocked_migration
from workspace_operator.store.unit_of_work.workspace_lock import (
    SettingsSnapshot,
    lock_exclusive,
    lock_shared,
    read_settings,
)

MAX_SHARED_ATTEMPTS = 4
"""Maximum number of attempts with a shared lock. The next one locks exclusively, so that no command starves."""

MAX_CACHED_SETTINGS = 10_000


class Locking(Enum):
    """How a unit of work locks what its commands may touch."""

    NAMED = auto()
    """Lock and load what the commands name, in one statement; if they may touch more, retry with DISCOVERED."""
    DISCOVERED = auto()
    """Without a lock, find everything that the commands may touch; then lock and load it in order."""
    NONE = auto()
    """Lock no rows: this is the only writer, by the exclusive lock of the workspace or on SQLite."""


@dataclass(slots=True)
class WorkspaceCache:
    """What a process remembers of workspaces. It may be stale; `load` compares the version of the workspace lock."""

    _settings: dict[int, SettingsSnapshot] = field(default_factory=dict)
    _without_new_identifiers: set[int] = field(default_factory=set)

    def cached(self, workspace_id: int) -> SettingsSnapshot | None:
        """The settings of a workspace if they are cached."""
        return self._settings.get(workspace_id)

    def settings(self, connection: sa.Connection, workspace_id: int) -> SettingsSnapshot:
        """The settings of a workspace; they are read if they are not cached. Raises NotFound."""
        settings = self._settings.get(workspace_id)
        if settings is None:
            settings = read_settings(connection, workspace_id)
            if len(self._settings) >= MAX_CACHED_SETTINGS:
                self._settings.clear()
            self._settings[workspace_id] = settings
        return settings

    def invalidate(self, workspace_id: int) -> None:
        """Forget the settings of a workspace."""
        self._settings.pop(workspace_id, None)

    def expects_new_identifiers(self, workspace_id: int) -> bool:
        """Whether the last batch of the workspace named unknown people or changed identifiers."""
        return workspace_id not in self._without_new_identifiers

    def record_new_identifiers(self, workspace_id: int, *, had_any: bool) -> None:
        """Remember whether a batch named unknown people or changed identifiers."""
        (self._without_new_identifiers.discard if had_any else self._without_new_identifiers.add)(workspace_id)


@dataclass(slots=True, kw_only=True)
class SQLUnitOfWork:
    """Implements the port ``UnitOfWork``.

    Attributes:
        keeps_records: whether it is part of a cleanup, which keeps what it deletes for a while: then a deletion does
            not erase what cleanups keep.
    """

    connection: sa.Connection
    settings: SettingsSnapshot
    locking: Locking
    cache: WorkspaceCache
    new_cio_id: CioIDGenerator
    keeps_records: bool = False
    _erased: Sequence[Reference] = field(default=(), init=False)
    _keys: LockSet = field(init=False)
    _loaded: Loaded = field(init=False)

    @property
    def rules(self) -> IdentityRules:
        """The identity rules in force."""
        return self.settings.rules

    @property
    def records_calls(self) -> bool:
        """Whether it is recorded which people calls name."""
        return self.settings.row.calls_recorded_since is not None

    @property
    def _workspace_id(self) -> int:
        workspace_id: int = self.settings.row.workspace_id
        return workspace_id

    def load(self, commands: Sequence[Command]) -> LoadedPeople:
        """Lock and load what the commands may touch.

        Raises:
            RetryTransaction: the settings have changed, or the commands may touch more than was locked.
            PendingMerge: a person has a pending merge.
        """
        if (
            self.locking is Locking.NAMED
            and len(commands) > 1
            and self.cache.expects_new_identifiers(self._workspace_id)
        ):
            self.locking = Locking.DISCOVERED
        self._keys = lock_set_of(self.rules, commands)
        if self.settings.row.keeps_cleanups and not self.keeps_records:
            self._erased = [each.reference for each in commands if isinstance(each, DeletePerson | Suppress)]
        if self.locking is not Locking.NONE:
            if self.locking is Locking.DISCOVERED or self._keys.anonymous_ids:
                # Lock before reserving, to avoid a deadlock with a transaction that waits for the exclusive lock.
                lock_shared(self.connection, self.settings)
            lock_anonymous_ids(self.connection, self._workspace_id, self._keys.anonymous_ids)
        self._loaded, new_cio_ids = self._load(commands)
        load_extras(self.connection, self._workspace_id, self._loaded.working_set, self._keys)
        return LoadedPeople(working_set=self._loaded.working_set, new_cio_ids=new_cio_ids)

    def _load(self, commands: Sequence[Command]) -> tuple[Loaded, Sequence[NewCioID]]:
        connection, settings, keys = self.connection, self.settings, self._keys
        if self.locking is Locking.DISCOVERED:
            self._keys, absent = discover(connection, settings, keys)
            reservations, new_cio_ids = self._reservations(commands, absent)
            return load_with_reservations(connection, settings, self._keys, reservations), new_cio_ids
        loaded = load(connection, settings, keys)
        absent = frozenset() if self.locking is Locking.NONE else frozenset(keys.identifiers) - loaded.found
        if absent and (loaded.found or loaded.working_set.people):
            raise RetryTransaction  # absent identifiers must be locked before existing ones
        loaded.reserved, new_cio_ids = self._reservations(commands, absent)
        insert_identifiers(connection, self._workspace_id, loaded.reserved)
        return loaded, new_cio_ids

    def _reservations(
        self, commands: Sequence[Command], absent: frozenset[IdentifierKey]
    ) -> tuple[dict[IdentifierKey, str], Sequence[NewCioID]]:
        """Reserve absent identifiers for the person that the first command with them would create."""
        reservations: dict[IdentifierKey, str] = {}
        if not absent:
            return reservations, [self.new_cio_id] * len(commands)
        mode, new_cio_ids = self.rules.mode, list[NewCioID]()
        absent_keys = [[key for key in identifiers_named_by(command, mode) if key in absent] for command in commands]
        cio_ids = iter(self.new_cio_id.batch(sum(map(bool, absent_keys))))
        for needed in absent_keys:
            if not needed:
                new_cio_ids.append(self.new_cio_id)
                continue
            cio_id = next(cio_ids)
            new_cio_ids.append(_starting_with(cio_id, self.new_cio_id))
            if mode is EMAIL_ONLY:
                needed.append((ID, cio_id))  # the generated id
            for key in needed:
                reservations.setdefault(key, cio_id)
        return reservations, new_cio_ids

    def flush(self, *, now: int) -> None:
        """Write the changes of the working set. Raises RetryTransaction if they need more than was locked."""
        changes, reserved = self._loaded.working_set.changes(), self._loaded.reserved
        changed_identifiers = changes.identifiers_added.keys() | changes.identifiers_removed.keys()
        if self.locking is not Locking.NONE and not self._loaded.locks(changed_identifiers):
            raise RetryTransaction
        self.cache.record_new_identifiers(self._workspace_id, had_any=bool(changed_identifiers or reserved))
        erased = self._erased_people(changes) if self._erased else None  # before `_write` deletes their merges
        self._write(changes, datetime.fromtimestamp(now, UTC))
        if erased is not None:
            erase_people(self.connection, self._workspace_id, *erased)
        if self.locking is not Locking.NONE:
            unlock_anonymous_ids(self.connection, self._workspace_id, self._keys.anonymous_ids)

    def record(self, entry: AuditEntry) -> None:
        """Write an entry of the audit log."""
        write_audit_entry(self.connection, entry, new_id=self.new_cio_id)

    def _erased_people(self, changes: ChangeSet) -> tuple[Collection[str], Collection[IdentifierKey]]:
        """The cio_ids of the people to erase and of those who became part of them, and the identifiers to erase."""
        deleted = {event.cio_id for event in changes.events if isinstance(event, PersonDeleted)}
        identifiers = {each.identifier for each in self._erased if each.kind is not CIO_ID}
        for person in changes.removed:
            if person.cio_id in deleted:
                identifiers.update(identifiers_of(EMAIL_OR_ID, person.id, person.email_key))
        merged = secondaries_of(self.connection, self._workspace_id, deleted) if deleted else ()
        return {*deleted, *merged, *(each.key for each in self._erased if each.kind is CIO_ID)}, identifiers

    def _write(self, changes: ChangeSet, now: datetime) -> None:
        connection, workspace_id, reserved = self.connection, self._workspace_id, self._loaded.reserved
        activities = None if reserved or connection.dialect.name == "sqlite" else activities_only(changes)
        if activities is None:
            write_people(connection, workspace_id, changes, reserved)
        if self.settings.row.change_log_enabled:
            append_changes(connection, workspace_id, changes, new_id=self.new_cio_id)
        if changes.removed and self.records_calls:
            delete_listed_calls(connection, workspace_id, [person.cio_id for person in changes.removed])
        updated = [replaced.after for replaced in changes.replaced]
        touched = [person.cio_id for person in (*changes.removed, *updated)]
        freed = bool(changes.suppressions_removed)
        if touched or freed:
            # This reads the export from which `write_events` removes deleted people, so it comes first.
            wake_blocked_migration(connection, self.settings.row, touched, freed=freed, now=now)
        if activities is None:
            write_events(connection, workspace_id, changes.events, new_id=self.new_cio_id)
        else:
            ids = self.new_cio_id.batch(len(activities))
            rows = [activity_row(workspace_id, id_, logged) for id_, logged in zip(ids, activities, strict=True)]
            write_updates(connection, workspace_id, updated, rows)


def open_unit_of_work(
    connection: sa.Connection,
    workspace_id: int,
    *,
    attempt: int,
    exclusive: bool,
    cache: WorkspaceCache,
    new_cio_id: CioIDGenerator,
    keeps_records: bool = False,
) -> SQLUnitOfWork:
    """Open a unit of work in a transaction. Raises NotFound.

    Each attempt, from 1, locks more than the one before; ``exclusive`` locks the workspace exclusively at once.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    if exclusive or (attempt > MAX_SHARED_ATTEMPTS and not is_sqlite):
        lock_exclusive(connection, workspace_id)
        settings, locking = read_settings(connection, workspace_id), Locking.NONE
    else:
        settings = cache.settings(connection, workspace_id)
        locking = Locking.NONE if is_sqlite else Locking.NAMED if attempt == 1 else Locking.DISCOVERED
    return SQLUnitOfWork(
        connection=connection,
        settings=settings,
        locking=locking,
        cache=cache,
        new_cio_id=new_cio_id,
        keeps_records=keeps_records,
    )


def _starting_with(first: str, new_cio_id: NewCioID) -> Callable[[], str]:
    return chain([first], iter(new_cio_id, None)).__next__
