"""Dry runs: commands see the database and earlier effects of the run, and write nothing.

The effects are kept in a temporary SQLite database on disk, which is deleted after the dry run: an import may contain
millions of people.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from workspace_operator.application.ports import AuditEntry, LoadedPeople, UnitOfWork
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.command_handlers.dispatch import NewCioID
from workspace_operator.identity.model.commands import Command
from workspace_operator.identity.model.lock_set import LockSet, lock_set_of
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.rules import IdentityRules
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouch
from workspace_operator.store.unit_of_work.loader import load_snapshot
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot, read_settings

T = TypeVar("T")

_CACHE_KIBIBYTES = 32 * 1024

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE person (cio_id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE owner (kind TEXT, value_key TEXT, cio_id TEXT NOT NULL, PRIMARY KEY (kind, value_key)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """Implements the port ``UnitsOfWork``."""

    database: Database
    merge_on_touch: MergeOnTouch
    new_cio_id: NewCioID
    effects: "_Effects"

    def rules(self, workspace_id: int) -> IdentityRules:
        """The identity rules in force. Raises NotFound."""
        with self.database.reading() as connection:
            return read_settings(connection, workspace_id).rules

    def run_unit_of_work(self, workspace_id: int, work: Callable[[UnitOfWork], T], *, exclusive: bool = False) -> T:  # noqa: ARG002 - there is no other writer
        """Run ``work`` in one snapshot, and keep its effects. Raises NotFound."""

        def run() -> T:
            with self.database.reading_one_snapshot() as connection:
                settings = read_settings(connection, workspace_id)
                return work(_DryRunUnitOfWork(connection, settings, self.new_cio_id, self.effects))

        return self.merge_on_touch.run(workspace_id, run)


class _DryRunUnitOfWork:
    """Implements the port ``UnitOfWork``."""

    def __init__(
        self, connection: sa.Connection, settings: SettingsSnapshot, new_cio_id: NewCioID, effects: "_Effects"
    ) -> None:
        self._connection, self._settings = connection, settings
        self._new_cio_id, self._effects = new_cio_id, effects

    @property
    def rules(self) -> IdentityRules:
        """The identity rules of the snapshot."""
        return self._settings.rules

    @property
    def records_calls(self) -> bool:
        """A dry run is no call."""
        return False

    def load(self, commands: Sequence[Command]) -> LoadedPeople:
        """Load what the commands may touch, with earlier effects. Raises PendingMerge."""
        keys = self._effects.expand(lock_set_of(self.rules, commands))
        self._working_set = load_snapshot(self._connection, self._settings, keys)
        self._effects.apply_to(self._working_set)
        return LoadedPeople(working_set=self._working_set, new_cio_ids=[self._new_cio_id] * len(commands))

    def flush(self, *, now: int) -> None:  # noqa: ARG002 - the changes have their own times
        """Keep the effects."""
        self._effects.record(self._working_set)

    def record(self, entry: AuditEntry) -> None:
        """Write nothing."""


@contextmanager
def open_dry_run(database: Database, merge_on_touch: MergeOnTouch, *, new_cio_id: NewCioID) -> Iterator[DryRun]:
    """Open a dry run, and delete its effects afterwards. Raises InvalidInput on a full disk."""
    try:
        with closing(sqlite3.connect("", isolation_level=None)) as connection:  # the empty name is a temporary file
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
            connection.executescript(_SCHEMA)
            effects = _Effects(connection)
            yield DryRun(database=database, merge_on_touch=merge_on_touch, new_cio_id=new_cio_id, effects=effects)
    except sqlite3.Error as error:
        message = f"the dry run cannot write temporary files: {error}; set SQLITE_TMPDIR to a folder with free space"
        raise InvalidInput(message, field="SQLITE_TMPDIR") from error


class _Effects:
    """People that the commands of a dry run have changed, and the current owners of identifiers."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._people: dict[str, Person] = {}

    def expand(self, keys: LockSet) -> LockSet:
        """Add the current owners of identifiers to a lock set, and load the changed people."""
        names = json.dumps([[kind, key] for kind, key in keys.identifiers])
        owners = {cio_id for (cio_id,) in self._connection.execute(_OWNERS, (names,))}
        cio_ids = owners.union(keys.cio_ids)
        self._people = {}
        self._load_people(cio_ids)
        return LockSet(identifiers=keys.identifiers, cio_ids=tuple(sorted(cio_ids)))

    def apply_to(self, working_set: WorkingSet) -> None:
        """Replace people from the database by their current versions."""
        self._load_people(working_set.people.keys() - self._people.keys())
        for cio_id in self._people.keys() & working_set.people.keys():
            working_set.remove(cio_id)
        for person in self._people.values():
            working_set.insert(person)
        working_set.mark_clean()

    def record(self, working_set: WorkingSet) -> None:
        """Keep the changes of the working set."""
        changes = working_set.changes()
        people = [*changes.inserted, *(replaced.after for replaced in changes.replaced)]
        documents = [(person.cio_id, json.dumps(_person_document(person))) for person in people]
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "DELETE FROM owner WHERE kind = ? AND value_key = ?",
            list(changes.identifiers_removed),
        )
        self._connection.executemany(
            "INSERT OR REPLACE INTO owner VALUES (?, ?, ?)",
            [(*identifier, owner) for identifier, owner in changes.identifiers_added.items()],
        )
        self._connection.executemany("INSERT OR REPLACE INTO person VALUES (?, ?)", documents)
        self._connection.execute("COMMIT")

    def _load_people(self, cio_ids: "set[str]") -> None:
        rows = self._connection.execute(_PEOPLE, (json.dumps(list(cio_ids)),))
        self._people.update((cio_id, Person(**json.loads(document))) for cio_id, document in rows)


_OWNERS = """
SELECT owner.cio_id FROM json_each(?) AS named
JOIN owner ON owner.kind = named.value ->> 0 AND owner.value_key = named.value ->> 1
"""
_PEOPLE = "SELECT person.cio_id, document FROM json_each(?) AS named JOIN person ON person.cio_id = named.value"


def _person_document(person: Person) -> dict[str, Any]:
    return {name: getattr(person, name) for name in Person.__slots__}
