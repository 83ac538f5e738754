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

from workspace_operator.application.ports import Answer
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.calls import Ask, Call
from workspace_operator.identity.keys import Keys, keys_of
from workspace_operator.identity.people import Person
from workspace_operator.identity.performing import perform
from workspace_operator.identity.population import Population
from workspace_operator.identity.rules import IdentityRules, Mode
from workspace_operator.store.engines import Database
from workspace_operator.store.fences import Standing, standing_of
from workspace_operator.store.folding import Folder
from workspace_operator.store.loading import look

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
    folder: Folder
    new_cio_id: Callable[[], str]
    call_of: Callable[[Ask, Mode], Call | InvalidInput]
    effects: "_Effects"

    def rules(self, workspace_id: int) -> IdentityRules:
        """Tell the identifier settings in force. Raises NotFound."""
        with self.database.reading() as connection:
            return standing_of(connection, workspace_id).rules

    def perform(self, workspace_id: int, asks: Sequence[Ask], *, now: int) -> Sequence[Answer]:
        """Answer as if the calls were carried out. Raises NotFound."""

        def loaded() -> tuple[Standing, Sequence[Call | InvalidInput], Population]:
            with self.database.reading_one_snapshot() as connection:
                standing = standing_of(connection, workspace_id)
                calls = [self.call_of(each, standing.rules.mode) for each in asks]
                keys = keys_of(standing.rules, [each for each in calls if not isinstance(each, InvalidInput)])
                keys = self.effects.with_changed(keys)
                return standing, calls, look(connection, standing, keys)

        standing, calls, population = self.folder.folding(workspace_id, loaded)
        self.effects.apply_to(population)
        answers = [self._answer(standing.rules, population, each, now) for each in calls]
        self.effects.keep(population)
        return answers

    def _answer(self, rules: IdentityRules, population: Population, call: Call | InvalidInput, now: int) -> Answer:
        if isinstance(call, InvalidInput):
            return call
        return perform(rules, population, call, now=now, new_cio_id=self.new_cio_id)


@contextmanager
def dry_run(
    database: Database,
    folder: Folder,
    *,
    new_cio_id: Callable[[], str],
    call_of: Callable[[Ask, Mode], Call | InvalidInput],
) -> Iterator[DryRun]:
    """Give a dry run, and forget its effects afterwards. Raises InvalidInput if there is no room for them."""
    try:
        with closing(sqlite3.connect("", isolation_level=None)) as connection:  # the empty name is a temporary file
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
            connection.executescript(_SCHEMA)
            effects = _Effects(connection)
            yield DryRun(database=database, folder=folder, new_cio_id=new_cio_id, call_of=call_of, effects=effects)
    except sqlite3.Error as error:
        message = f"the dry run has no room for temporary files: {error}; set SQLITE_TMPDIR to a folder that has"
        raise InvalidInput(message, field="SQLITE_TMPDIR") from error


class _Effects:
    """People whom the calls of a dry run have changed, and whose identifiers are by now."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._named: dict[str, Person] = {}

    def with_changed(self, keys: Keys) -> Keys:
        """These keys with the cio_ids of those who have the identifiers by now; remembers who of them was changed."""
        names = json.dumps([[kind, key] for kind, key in keys.identifiers])
        owners = {cio_id for (cio_id,) in self._connection.execute(_OWNERS, (names,))}
        cio_ids = owners.union(keys.cio_ids)
        self._named = {}
        self._remember(cio_ids)
        return Keys(identifiers=keys.identifiers, cio_ids=tuple(sorted(cio_ids)))

    def apply_to(self, population: Population) -> None:
        """Put people as they are by now into the places of those whom the database holds."""
        self._remember(population.people.keys() - self._named.keys())
        for cio_id in self._named.keys() & population.people.keys():
            population.remove(cio_id)
        for person in self._named.values():
            population.insert(person)
        population.settle()

    def keep(self, population: Population) -> None:
        """Keep what calls have changed."""
        changes = population.changes()
        people = [*changes.inserted, *(each.after for each in changes.replaced)]
        documents = [(each.cio_id, json.dumps(_document(each))) for each in people]
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

    def _remember(self, cio_ids: "set[str]") -> None:
        rows = self._connection.execute(_PEOPLE, (json.dumps(list(cio_ids)),))
        self._named.update((cio_id, Person(**json.loads(document))) for cio_id, document in rows)


_OWNERS = """
SELECT owner.cio_id FROM json_each(?) AS named
JOIN owner ON owner.kind = named.value ->> 0 AND owner.value_key = named.value ->> 1
"""
_PEOPLE = "SELECT person.cio_id, document FROM json_each(?) AS named JOIN person ON person.cio_id = named.value"


def _document(person: Person) -> dict[str, Any]:
    return {name: getattr(person, name) for name in Person.__slots__}
