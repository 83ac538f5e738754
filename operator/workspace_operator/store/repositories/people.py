"""People in the database: a batch of calls is loaded into a Population, carried out there, and written back.

Whatever runs at once, each transaction has an order among those that concern the same identifiers: it locks all that
its calls can touch before it decides (`loader`). Blocking values and letting them go again concerns every call, and
closes the fence, as do changes of the settings.
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
from workspace_operator.store.engine.sql import any_of
from workspace_operator.store.engine.streaming import stream_rows
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
"""Who was overtaken so often closes the fence, and has the workspace to themselves: nobody is overtaken for ever."""

OnBeforeCommit: TypeAlias = Callable[
    [sa.Connection, SettingsSnapshot, Sequence[Command], Sequence[CommandResult], int], None
]
"""Told of every transaction before it commits: what held, the calls, the answers, and the time they were given.

All locks are held then, so the order in which a database tells is one in which the calls could have come one by one.
Only tests set it: an order column in every table would cost each write.
"""


@dataclass(frozen=True, slots=True)
class SQLPeople(MergeOnTouchRepository):
    """Implements the port ``People``."""

    new_cio_id: Callable[[], str] = field(default_factory=CioIDGenerator)
    on_before_commit: OnBeforeCommit | None = None
    _settings_cache: dict[int, SettingsSnapshot] = field(default_factory=dict, init=False)
    _steady_workspaces: set[int] = field(default_factory=set, init=False)

    def rules(self, workspace_id: int) -> IdentityRules:
        """Tell the identifier settings in force. Raises NotFound."""
        with self.database.reading() as connection:
            return read_settings(connection, workspace_id).rules

    def perform(
        self, workspace_id: int, commands: Sequence[UnresolvedCommand], *, now: int
    ) -> Sequence[CommandResultOrError]:
        """Carry calls out under the settings in force, an answer each. Raises NotFound."""
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
        """Give a performer whose identify calls see the effects of those before, and write nothing. Raises NotFound."""
        self.rules(workspace_id)
        with dry_run(self.database, self.merge_on_touch, new_cio_id=self.new_cio_id, command_of=_resolve) as performer:
            yield performer

    def _perform_fast(self, workspace_id: int, command: UnresolvedCommand, now: int) -> CommandResult | None:
        """Go the short way, if it is one; None if the long way has to be gone."""
        settings = self._settings_cache.get(workspace_id)
        if settings is None or not fast_path.workspace_allows(settings):
            return None
        resolved = _resolve(command, settings.rules.mode)
        if not isinstance(resolved, Identify) or not fast_path.is_eligible(resolved):
            return None
        found: fast_path.FastUpdate | None = None
        try:
            with self.database.autocommit(in_transaction=self.on_before_commit is not None) as connection:
                found = fast_path.decide(connection, settings, resolved, now=now, new_cio_id=self.new_cio_id)
                if found is None or not fast_path.write(connection, settings, found, new_id=self.new_cio_id):
                    return None
                if self.on_before_commit is not None:
                    self.on_before_commit(connection, settings, [resolved], [found.result], now)
        except StoreUnavailable as error:
            if isinstance(error, LockTimeout) or (found is not None and isinstance(error, CommitUnknown)):
                raise
            return None  # nothing was written: the long way has other connections, and limits of its own
        return found.result

    def find(self, workspace_id: int, reference: Reference) -> Person | None:
        """Find the person that the reference stands for under the rules in force."""
        return next(iter(self.find_many(workspace_id, [reference])), None)

    def find_many(self, workspace_id: int, commands: Sequence[UnresolvedReference]) -> Sequence[Person]:
        """Find people of one moment, each once, unknown ones left out. Raises NotFound, and InvalidInput of an ask."""

        def find() -> Sequence[Person | None]:
            with self.database.reading_one_snapshot() as connection:
                settings = read_settings(connection, workspace_id)
                references = [command(settings.rules.mode) if callable(command) else command for command in commands]
                people = load_snapshot(connection, settings, _lock_set_of(references))
            return [people.find(each) for each in references]

        found = self.merge_on_touch.run(workspace_id, find)
        return list({each.cio_id: each for each in found if each is not None}.values())

    def find_by_email(self, workspace_id: int, key: str, *, limit: int) -> Sequence[Person]:
        """Find who has an e-mail key, the oldest cio_id first; several only where email is no identifier."""
        query = sa.select(*PERSON_COLUMNS).where(person.c.workspace_id == workspace_id, person.c.email_key == key)

        def find() -> Sequence[Person]:
            with self.database.reading_one_snapshot() as connection:
                if read_settings(connection, workspace_id).row.merges_pending:
                    raise_if_keys_pending(connection, workspace_id, [key])
                return [person_of(row) for row in connection.execute(query.order_by(person.c.cio_id).limit(limit))]

        return self.merge_on_touch.run(workspace_id, find)

    def find_by_prefix(self, workspace_id: int, text: str, *, limit: int) -> Sequence[Person]:
        """Find people whose id or email begins with a text, those found by id first."""

        def find() -> Sequence[Person]:
            with self.database.reading_one_snapshot() as connection:
                return find_by_prefix(connection, workspace_id, text, email_key_prefix(text), limit=limit)

        return self.merge_on_touch.run(workspace_id, find)

    def duplicates(self, workspace_id: int, *, newest_first: bool) -> Iterator[tuple[str, str]]:
        """Stream e-mail key and cio_id of all who share one, by (key, age), the oldest or newest first."""
        with self.database.reading_one_snapshot() as connection:
            if read_settings(connection, workspace_id).rules.mode is ID_ONLY:
                yield from iter_duplicates(connection, workspace_id, newest_first=newest_first)

    def all(self, workspace_id: int) -> Iterator[Person]:
        """Stream everybody of one moment, in order of creation."""
        query = sa.select(*PERSON_COLUMNS).where(person.c.workspace_id == workspace_id).order_by(person.c.cio_id)
        with self.database.reading_one_snapshot() as connection:
            merges_pending = has_pending_merges(connection, workspace_id)
            with stream_rows(connection, query, size=PEOPLE_BATCH_SIZE) as found:
                for rows in found.partitions():
                    people = list(map(person_of, rows))
                    yield from merged_view(connection, workspace_id, people) if merges_pending else people

    def count(self, workspace_id: int) -> PeopleCounts:
        """Count people, from the indexes."""
        with self.database.reading_one_snapshot() as connection:
            return count_people(connection, workspace_id)

    def cached_settings(self, connection: sa.Connection, workspace_id: int) -> SettingsSnapshot:
        """What holds in a workspace as far as this process knows, or as it reads it now."""
        known = self._settings_cache.get(workspace_id)
        if known is None:
            known = read_settings(connection, workspace_id)
            if len(self._settings_cache) >= MAX_CACHED_SETTINGS:
                self._settings_cache.clear()
            self._settings_cache[workspace_id] = known
        return known

    def expects_inserts(self, workspace_id: int) -> bool:
        """Whether the last calls there named somebody who was not there, or changed identifiers."""
        return workspace_id not in self._steady_workspaces

    def record_inserts(self, workspace_id: int, *, had_inserts: bool) -> None:
        """Expect as much of the next calls: mostly they are all of one sort."""
        (self._steady_workspaces.discard if had_inserts else self._steady_workspaces.add)(workspace_id)

    def invalidate(self, workspace_id: int) -> None:
        """Read anew next time."""
        self._settings_cache.pop(workspace_id, None)


@dataclass(slots=True, kw_only=True)
class _Transaction:
    """One batch of calls; ``run`` may be called several times, until nobody comes between."""

    people: SQLPeople
    workspace_id: int
    commands: Sequence[UnresolvedCommand]
    now: int
    discover_first: bool = False
    """Whether to look at everything that the calls can touch before anything is locked."""
    attempts: int = 0

    def run(self, connection: sa.Connection) -> list[CommandResultOrError]:
        """Load, carry out, write."""
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
                # Before anything is reserved: who closes the fence would wait for that, and we for the fence.
                lock_shared(connection, settings)
            return self._perform(connection, settings, commands, exclusive=exclusive)
        except (RetryTransaction, NotFound):
            self.people.invalidate(self.workspace_id)
            self.discover_first = True
            raise

    def _resolve_all(self, settings: SettingsSnapshot) -> list[Command | InvalidInput]:
        return [_resolve(each, settings.rules.mode) for each in self.commands]

    def _perform(
        self,
        connection: sa.Connection,
        settings: SettingsSnapshot,
        commands: Sequence[Command | InvalidInput],
        *,
        exclusive: bool,
    ) -> list[CommandResultOrError]:
        valid = [each for each in commands if not isinstance(each, InvalidInput)]
        anonymous_ids = frozenset() if exclusive else _anonymous_ids(valid)
        with lock_anonymous_ids(connection, self.workspace_id, anonymous_ids):
            rest = iter(self._execute(connection, settings, valid, exclusive=exclusive))
        return [each if isinstance(each, InvalidInput) else next(rest) for each in commands]

    def _execute(
        self, connection: sa.Connection, settings: SettingsSnapshot, commands: Sequence[Command], *, exclusive: bool
    ) -> Sequence[CommandResult]:
        loaded, new_cio_ids = self._load(connection, settings, commands, exclusive=exclusive)
        results = [
            handle(settings.rules, loaded.working_set, resolved, now=self.now, new_cio_id=self._id_factory(cio_id))
            for resolved, cio_id in zip(commands, new_cio_ids, strict=True)
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
        """Load what the calls may touch; and for each call the cio_id that was made for whom it may create."""
        keys = lock_set_of(settings.rules, commands)
        if not exclusive and self.discover_first:
            keys, absent = discover(connection, settings, keys)
            reservations, new_cio_ids = self._reservations(settings, commands, absent)
            loaded = load_with_reservations(connection, settings, keys, reservations)
        else:
            loaded = load(connection, settings, keys)
            absent = frozenset() if exclusive else frozenset(keys.identifiers) - loaded.found
            if absent and (loaded.found or loaded.working_set.people):
                raise RetryTransaction  # what is absent is locked before what is there
            loaded.reserved, new_cio_ids = self._reservations(settings, commands, absent)
            reserve_identifiers(connection, self.workspace_id, loaded.reserved)
        _load_extras(connection, self.workspace_id, loaded.working_set, keys)
        return loaded, new_cio_ids

    def _reservations(
        self, settings: SettingsSnapshot, commands: Sequence[Command], absent: frozenset[IdentifierKey]
    ) -> tuple[dict[IdentifierKey, str], Sequence[str | None]]:
        """Whom absent identifiers are reserved for: the person that the first call with them would make."""
        reservations: dict[IdentifierKey, str] = {}
        if not absent:
            return reservations, [None] * len(commands)
        new_cio_ids: list[str | None] = []
        for resolved in commands:
            fresh = [each for each in lock_set_of(settings.rules, [resolved]).identifiers if each in absent]
            cio_id = self.people.new_cio_id() if fresh else None
            new_cio_ids.append(cio_id)
            if cio_id is not None and settings.rules.mode is EMAIL_ONLY:
                fresh.append((ID, cio_id))  # the id that is generated
            for each in fresh:
                reservations.setdefault(each, str(cio_id))
        return reservations, new_cio_ids

    def _id_factory(self, first: str | None) -> Callable[[], str]:
        """What makes cio_ids for one call, beginning with the one that identifiers are reserved for."""
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
        touched = [*(each.cio_id for each in changes.removed), *(each.after.cio_id for each in changes.replaced)]
        freed = bool(changes.suppressions_removed)
        if touched or freed:
            # Before those who are gone are taken out of the export that is asked here.
            wake_blocked_migration(
                connection, settings.row, touched, freed=freed, now=datetime.fromtimestamp(self.now, UTC)
            )
        if activities is None:
            write_events(connection, self.workspace_id, changes.events, new_id=new_id)
        else:
            rows = [activity_row(self.workspace_id, new_id(), each) for each in activities]
            write_updates(connection, self.workspace_id, [each.after for each in changes.replaced], rows)


def _resolve(command: UnresolvedCommand, mode: Mode) -> Command | InvalidInput:
    if not callable(command):
        return command
    try:
        return command(mode)
    except InvalidInput as error:
        return error


def _needs_exclusive_lock(commands: Sequence[Command | InvalidInput]) -> bool:
    return any(isinstance(each, Suppress | Unsuppress) for each in commands)


def _anonymous_ids(commands: Sequence[Command | InvalidInput]) -> frozenset[str]:
    named = (each.anonymous_id for each in commands if isinstance(each, Identify | TrackAnonymousEvent))
    return frozenset(each for each in named if each is not None)


def _lock_set_of(references: Sequence[Reference]) -> LockSet:
    return LockSet(
        identifiers=tuple(sorted({each.identifier for each in references if each.kind is not CIO_ID})),
        cio_ids=tuple(sorted({each.key for each in references if each.kind is CIO_ID})),
    )


def _changed_identifiers(changes: ChangeSet) -> Iterator[IdentifierKey]:
    for each in (*changes.identifiers_added, *changes.identifiers_removed):
        yield (each.kind, each.key)


def _load_extras(connection: sa.Connection, workspace_id: int, working_set: WorkingSet, keys: LockSet) -> None:
    """Load what only some calls need."""
    if keys.needs_suppressions:
        groups = {each for holders in working_set.suppressed.values() for each in holders}
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
