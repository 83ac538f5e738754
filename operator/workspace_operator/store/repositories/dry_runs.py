"""Dry runs: commands see the database and earlier effects of the run, and write nothing.

The effects are kept in a temporary SQLite database on disk, which is deleted after the dry run: an import may contain
millions of people.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from workspace_operator.application.ports import CommandResultOrError
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.command_handlers.dispatch import handle
from workspace_operator.identity.model.commands import Command, UnresolvedCommand
from workspace_operator.identity.model.lock_set import LockSet, lock_set_of
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.rules import IdentityRules, Mode
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouch
from workspace_operator.store.unit_of_work.loader import load_snapshot
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot, read_settings

_CACHE_KIBIBYTES = 32 * 1024

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE person (cio_id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE owner (kind TEXT, value_key TEXT, cio_id TEXT NOT NULL, PRIMARY KEY (kind, value_key)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """Implements the port ``Performer``.

    Attributes:
        command_of: resolves a command in a mode, or returns the error.
    """

    database: Database
    merge_on_touch: MergeOnTouch
    new_cio_id: Callable[[], str]
    command_of: Callable[[UnresolvedCommand, Mode], Command | InvalidInput]
    effects: "_Effects"

    def rules(self, workspace_id: int) -> IdentityRules:
        """The effective identity rules. Raises NotFound."""
        with self.database.reading() as connection:
            return read_settings(connection, workspace_id).rules

    def perform(
        self, workspace_id: int, commands: Sequence[UnresolvedCommand], *, now: int
    ) -> Sequence[CommandResultOrError]:
        """Return the results that the commands would have. Raises NotFound."""

        def load() -> tuple[SettingsSnapshot, Sequence[Command | InvalidInput], WorkingSet]:
            with self.database.reading_one_snapshot() as connection:
                settings = read_settings(connection, workspace_id)
                resolved = [self.command_of(command, settings.rules.mode) for command in commands]
                valid = [command for command in resolved if not isinstance(command, InvalidInput)]
                keys = self.effects.expand(lock_set_of(settings.rules, valid))
                return settings, resolved, load_snapshot(connection, settings, keys)

        settings, resolved, working_set = self.merge_on_touch.run(workspace_id, load)
        self.effects.apply_to(working_set)
        results = [self._result(settings.rules, working_set, command, now) for command in resolved]
        self.effects.record(working_set)
        return results

    def _result(
        self, rules: IdentityRules, working_set: WorkingSet, command: Command | InvalidInput, now: int
    ) -> CommandResultOrError:
        if isinstance(command, InvalidInput):
            return command
        return handle(rules, working_set, command, now=now, new_cio_id=self.new_cio_id)


@contextmanager
def dry_run(
    database: Database,
    merge_on_touch: MergeOnTouch,
    *,
    new_cio_id: Callable[[], str],
    command_of: Callable[[UnresolvedCommand, Mode], Command | InvalidInput],
) -> Iterator[DryRun]:
    """Open a dry run, and delete its effects afterwards. Raises InvalidInput on a full disk."""
    try:
        with closing(sqlite3.connect("", isolation_level=None)) as connection:  # the empty name is a temporary file
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
            connection.executescript(_SCHEMA)
            effects = _Effects(connection)
            yield DryRun(
                database=database,
                merge_on_touch=merge_on_touch,
                new_cio_id=new_cio_id,
                command_of=command_of,
                effects=effects,
            )
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
            [(removed.kind, removed.key) for removed in changes.identifiers_removed],
        )
        self._connection.executemany(
            "INSERT OR REPLACE INTO owner VALUES (?, ?, ?)",
            [(added.kind, added.key, added.cio_id) for added in changes.identifiers_added],
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
