"""Many people at once, written past the adapters: what a measurement or a plan needs to be of the true size."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import insert_rows
from workspace_operator.store.schema.tables import KIND_EMAIL, KIND_ID, identifier, person, suppression

CHUNK = 50_000
PEOPLE_A_SUPPRESSION = 500
FIRST_CREATED = 1_700_000_000
"""When the first person was created; each further one a second later."""

Row = tuple[object, ...]
Maker = Callable[[int], Row]
"""Somebody, by their number, as a row of the table of people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViolationShares:
    """What stands in the way of a change, each of one person in so many; 0 is of nobody.

    Attributes:
        sharing: share an address with one other person.
        invalid: have a text that is no address.
        suppressed: have an address that is suppressed.
        another: have an id that is another address than theirs.
    """

    sharing: int = 0
    invalid: int = 0
    suppressed: int = 0
    another: int = 0


CLEAN = ViolationShares()
HALF_A_PERCENT = ViolationShares(sharing=500, invalid=1000, suppressed=1000, another=1000)


def fill_people(database: Database, workspace_id: int, count: int) -> None:
    """People of mode IDOnly: 80 % with an address, in no order, 0.2 % sharing one, and some of each violation."""
    rng = random.Random(7)
    _fill(database, workspace_id, count, lambda number: _mixed(workspace_id, number, count, rng))
    _suppress(database, workspace_id, rng.sample(range(count), count // PEOPLE_A_SUPPRESSION))
    vacuum(database)


def fill_ready(
    database: Database,
    workspace_id: int,
    count: int,
    violation_shares: ViolationShares = CLEAN,
    *,
    counting: bool = True,
) -> None:
    """People of mode IDOnly, each with an id and an address of their own, in no order, but for those who are spoilt.

    ``counting``: the database counts them, too.
    """
    _fill(database, workspace_id, count, lambda number: _ready(workspace_id, number, count, violation_shares))
    _suppress(
        database,
        workspace_id,
        (number for number in range(count) if _is(number, violation_shares.suppressed, SUPPRESSED)),
    )
    if counting:
        vacuum(database)


def fill_groups(database: Database, workspace_id: int, count: int, groups: int) -> None:
    """People of mode IDOnly who share their addresses, in so many groups of about the same size."""
    _fill(database, workspace_id, count, lambda number: _sharing(workspace_id, number, groups))
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


def _fill(database: Database, workspace_id: int, count: int, make: Maker) -> None:
    for start in range(0, count, CHUNK):
        people = [make(number) for number in range(start, min(start + CHUNK, count))]
        identifiers = [(workspace_id, KIND_ID, each[2], each[1]) for each in people if each[2] is not None]
        database.writing(lambda connection, rows=people: insert_rows(connection, person, rows))  # type: ignore[misc]
        database.writing(lambda connection, rows=identifiers: insert_rows(connection, identifier, rows))  # type: ignore[misc]


def _suppress(database: Database, workspace_id: int, numbers: Iterable[int]) -> None:
    blocked = [(workspace_id, KIND_EMAIL, _key(number), f"s{number}") for number in numbers]
    database.writing(lambda connection: insert_rows(connection, suppression, blocked))


def _mixed(workspace_id: int, number: int, count: int, rng: random.Random) -> Row:
    draw = rng.random()
    key = None if draw < 0.2 else _key(number)
    if draw > 0.98:
        key = f"shared{rng.randrange(count // 100 + 1)}@example.com"
    return _row(
        workspace_id,
        number,
        id_=None if 0.001 < draw < 0.002 else f"user-{number}",
        key=key,
        invalid=draw < 0.001,
        another=0.002 < draw < 0.003,
    )


SHARING, INVALID, SUPPRESSED, ANOTHER = range(4)


def _is(number: int, one_in: int, which: int) -> bool:
    """Whether somebody is one of those; nobody is two of them."""
    return bool(one_in) and number % one_in == which


def _ready(workspace_id: int, number: int, count: int, violation_shares: ViolationShares) -> Row:
    half = count // 2
    invalid, another = _is(number, violation_shares.invalid, INVALID), _is(number, violation_shares.another, ANOTHER)
    shares = _is(number % half, violation_shares.sharing, SHARING) and not invalid
    return _row(
        workspace_id,
        number,
        id_=f"other{number}@example.com" if another else f"user-{number}",
        key=None if invalid else _key(number % half if shares else number),
        invalid=invalid,
        another=another,
    )


def _sharing(workspace_id: int, number: int, groups: int) -> Row:
    return _row(workspace_id, number, id_=f"user-{number}", key=_key(number % groups), invalid=False, another=False)


def _row(workspace_id: int, number: int, *, id_: str | None, key: str | None, invalid: bool, another: bool) -> Row:
    return (
        workspace_id,
        f"{number:024x}",
        id_,
        "no address" if invalid else key,
        key,
        invalid,
        another,
        '{"plan":"pro","city":"Oslo","score":12,"language":"no","source":"web"}',
        FIRST_CREATED + number,
        FIRST_CREATED + number,
        None,
    )


def _key(number: int) -> str:
    """An address that nobody else has; neighbours lie far apart, as in life."""
    return f"{number * 2_654_435_761 % 2**32:010d}@example.com"
