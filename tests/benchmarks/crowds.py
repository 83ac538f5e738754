"""Many people at once, written past the adapters: what a measurement or a plan needs to be of the true size."""

import random
from collections.abc import Iterator

import sqlalchemy as sa

from workspace_operator.store.dialects import insert_rows
from workspace_operator.store.engines import Database
from workspace_operator.store.tables import KIND_EMAIL, KIND_ID, identifier, person, suppression

CHUNK = 50_000
PEOPLE_A_SUPPRESSION = 500

Row = tuple[object, ...]


def fill_people(database: Database, workspace_id: int, count: int) -> None:
    """People of mode IDOnly: 80 % with an address, in no order, 0.2 % sharing one, and some of each violation."""
    chance = random.Random(7)
    for start in range(0, count, CHUNK):
        people = list(_people(workspace_id, start, min(CHUNK, count - start), count, chance))
        identifiers = [(workspace_id, KIND_ID, each[2], each[1]) for each in people if each[2] is not None]
        database.writing(lambda connection, rows=people: insert_rows(connection, person, rows))  # type: ignore[misc]
        database.writing(lambda connection, rows=identifiers: insert_rows(connection, identifier, rows))  # type: ignore[misc]
    blocked = [
        (workspace_id, KIND_EMAIL, _key(number), f"s{number}")
        for number in chance.sample(range(count), count // PEOPLE_A_SUPPRESSION)
    ]
    database.writing(lambda connection: insert_rows(connection, suppression, blocked))
    vacuum(database)


def vacuum(database: Database) -> None:
    """VACUUM ANALYZE, which no transaction may contain."""
    if database.is_sqlite:
        with database.engine.connect() as connection:
            connection.connection.driver_connection.execute("ANALYZE")  # type: ignore[union-attr]
        return
    engine = sa.create_engine(database.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))


def _people(workspace_id: int, start: int, size: int, count: int, chance: random.Random) -> Iterator[Row]:
    for number in range(start, start + size):
        draw = chance.random()
        key = None if draw < 0.2 else _key(number)
        if draw > 0.98:
            key = f"shared{chance.randrange(count // 100 + 1)}@example.com"
        invalid = draw < 0.001
        yield (
            workspace_id,
            f"{number:024x}",
            None if 0.001 < draw < 0.002 else f"user-{number}",
            "no address" if invalid else key,
            key,
            invalid,
            0.002 < draw < 0.003,
            '{"plan":"pro","city":"Oslo","score":12,"language":"no","source":"web"}',
            1_700_000_000 + number,
            1_700_000_000 + number,
            None,
        )


def _key(number: int) -> str:
    """An address that nobody else has; neighbours lie far apart, as in life."""
    return f"{number * 2_654_435_761 % 2**32:010d}@example.com"
