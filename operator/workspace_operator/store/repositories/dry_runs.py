"""Dry runs: calls are carried out on what the database holds and the effects of those before; nothing is written.

The effects are kept in a temporary SQLite database that lives on disk and ends with the dry run: an import may be about
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
        call_of: makes the call of an ask, or gives the error back.
    """

    database: Database
    merge_on_touch: MergeOnTouch
    new_cio_id: Callable[[], str]
    command_of: Callable[[UnresolvedCommand, Mode], Command | InvalidInput]
    effects: "_Effects"

    def rules(self, workspace_id: int) -> IdentityRules:
        """Tell the identifier settings in force. Raises NotFound."""
        with self.database.reading() as connection:
            return read_settings(connection, workspace_id).rules

    def perform(
        self, workspace_id: int, commands: Sequence[UnresolvedCommand], *, now: int
    ) -> Sequence[CommandResultOrError]:
        """Answer as if the calls were carried out. Raises NotFound."""

        def loaded() -> tuple[SettingsSnapshot, Sequence[Command | InvalidInput], WorkingSet]:
            with self.database.reading_one_snapshot() as connection:
                settings = read_settings(connection, workspace_id)
                resolved = [self.command_of(each, settings.rules.mode) for each in commands]
                keys = lock_set_of(settings.rules, [each for each in resolved if not isinstance(each, InvalidInput)])
                keys = self.effects.expand(keys)
                return settings, resolved, load_snapshot(connection, settings, keys)

        settings, resolved, working_set = self.merge_on_touch.run(workspace_id, loaded)
        self.effects.apply_to(working_set)
        results = [self._answer(settings.rules, working_set, each, now) for each in resolved]
        self.effects.record(working_set)
        return results

    def _answer(
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
    """Give a dry run, and forget its effects afterwards. Raises InvalidInput if there is no room for them."""
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
        message = f"the dry run has no room for temporary files: {error}; set SQLITE_TMPDIR to a folder that has"
        raise InvalidInput(message, field="SQLITE_TMPDIR") from error


class _Effects:
    """People whom the calls of a dry run have changed, and whose identifiers are by now."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._people: dict[str, Person] = {}

    def expand(self, keys: LockSet) -> LockSet:
        """These keys with the cio_ids of those who have the identifiers by now; remembers who of them was changed."""
        names = json.dumps([[kind, key] for kind, key in keys.identifiers])
        owners = {cio_id for (cio_id,) in self._connection.execute(_OWNERS, (names,))}
        cio_ids = owners.union(keys.cio_ids)
        self._people = {}
        self._load_people(cio_ids)
        return LockSet(identifiers=keys.identifiers, cio_ids=tuple(sorted(cio_ids)))

    def apply_to(self, working_set: WorkingSet) -> None:
        """Put people as they are by now into the places of those whom the database holds."""
        self._load_people(working_set.people.keys() - self._people.keys())
        for cio_id in self._people.keys() & working_set.people.keys():
            working_set.remove(cio_id)
        for person in self._people.values():
            working_set.insert(person)
        working_set.mark_clean()

    def record(self, working_set: WorkingSet) -> None:
        """Keep what calls have changed."""
        changes = working_set.changes()
        people = [*changes.inserted, *(each.after for each in changes.replaced)]
        documents = [(each.cio_id, json.dumps(_person_document(each))) for each in people]
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "DELETE FROM owner WHERE kind = ? AND value_key = ?",
            [(each.kind, each.key) for each in changes.identifiers_removed],
        )
        self._connection.executemany(
            "INSERT OR REPLACE INTO owner VALUES (?, ?, ?)",
            [(each.kind, each.key, each.cio_id) for each in changes.identifiers_added],
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
