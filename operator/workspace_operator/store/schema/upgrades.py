"""Upgrades of a database to the schema of this version, by Alembic revisions."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from workspace_operator.errors import InvalidInput, StoreUnavailable, UnsupportedSchema
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.error_translation import LOCK_TIMEOUTS, error_code
from workspace_operator.store.engine.file_marks import ensure_marked
from workspace_operator.store.schema import tables
from workspace_operator.store.schema.distribution import (
    modify_shards_in_turn,
    place_new_tables,
    read_distribution,
    require_complete_distribution,
)
from workspace_operator.store.schema.plan_statistics import ensure_pinned, pin

VERSION_TABLE = """
CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)"""
"""Alembic's own table; it must exist before Alembic runs, so that it can be locked."""

REVISIONS = Path(__file__).with_name("revisions")

UNRELEASED_REVISIONS = frozenset(f"{number:04d}" for number in range(1, 9))
"""Revisions from before the tables had their present names."""


def known_revisions() -> list[str]:
    """The revisions of this version, oldest first, by the names of their files."""
    return sorted(file.name.partition("_")[0] for file in (REVISIONS / "versions").glob("[0-9]*.py"))


def upgrade(database: Database) -> bool:
    """Upgrade the database to this version's schema; True if it was not up to date.

    Raises UnsupportedSchema if a newer version of this program made the database, or if it is distributed in part, and
    StoreUnavailable. New tables of a distributed database are distributed.
    """
    return _upgrade_from(_known_revision_of(database), database)


def upgrade_tables(database: Database) -> bool:
    """Like `upgrade`, but also of a database that is distributed in part."""
    with database.reading() as connection:
        current = revision_of(connection)
    return _upgrade_from(_require_known(current, database), database)


def _upgrade_from(current: str | None, database: Database) -> bool:
    is_due = current != known_revisions()[-1]
    if is_due:
        database.writing(_upgrade)
    else:
        ensure_pinned(database)
    if database.is_sqlite:
        ensure_marked(database)
    return is_due


def upgrade_existing(database: Database) -> bool:
    """Like `upgrade`, but raise InvalidInput if the database has no schema yet."""
    require_schema(database)
    return upgrade(database)


def require_schema(database: Database) -> None:
    """Raise InvalidInput if the database has no schema. Raises StoreUnavailable."""
    if _known_revision_of(database) is None:
        raise InvalidInput(f"the database {database.name} has no workspaces: {_REMEDY}", field="database")


def missing_database_error(file: Path) -> InvalidInput:
    """The error for a SQLite file that does not exist."""
    return InvalidInput(f"there is no database {file}: {_REMEDY}", field="database")


_REMEDY = "correct --database, or create one with `workspacectl apply` or `workspacectl database upgrade`"


def has_current_schema(database: Database) -> bool:
    """Whether the database has this version's schema; False if it has none. Never upgrades.

    Raises UnsupportedSchema if another version of this program made the database, and StoreUnavailable.
    """
    current, newest = _known_revision_of(database), known_revisions()[-1]
    if current not in (None, newest):
        raise UnsupportedSchema(
            f"the database {database.name} has the schema of an older version (revision {current}; this version needs "
            f"{newest}), and this command changes nothing: upgrade it with `workspacectl database upgrade`",
            field="database",
        )
    return current is not None


def require_stable_schema(connection: sa.Connection, name: str) -> None:
    """Raise unless this version's schema is there, and nobody upgrades it. Never waits for an upgrade.

    Args:
        connection: in a write transaction.
        name: of the database, for messages.

    Raises:
        StoreUnavailable: another process is upgrading the schema.
        UnsupportedSchema: another version of this program has upgraded it since this process started.
    """
    if connection.dialect.name == "postgresql":
        try:
            connection.execute(sa.text("LOCK TABLE alembic_version IN ROW SHARE MODE NOWAIT"))
        except DBAPIError as error:
            if error_code(error) not in LOCK_TIMEOUTS:
                raise
            raise StoreUnavailable(f"another process is upgrading the schema of the database {name}") from error
    revision = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    if revision != known_revisions()[-1]:
        raise UnsupportedSchema(
            f"the database {name} has the schema of another version (revision {revision}; this version needs "
            f"{known_revisions()[-1]}): replace this process by one of that version",
            field="database",
        )


def _known_revision_of(database: Database) -> str | None:
    with database.reading() as connection:
        current = revision_of(connection)
        require_complete_distribution(connection, database.name)
    return _require_known(current, database)


def _require_known(current: str | None, database: Database) -> str | None:
    if current is None or current in known_revisions():
        return current
    message = f"the database {database.name} was made by a newer version of workspacectl (revision {current})"
    if current in UNRELEASED_REVISIONS:
        message = (
            f"the database {database.name} has the schema of an unreleased version of workspacectl (revision "
            f"{current}), which cannot be upgraded: export its people with that version, and import them into a "
            "new database with this one"
        )
    raise UnsupportedSchema(message, field="database")


def revision_of(connection: sa.Connection) -> str | None:
    """The revision of the schema, of whatever version; None without one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _upgrade(connection: sa.Connection) -> None:
    # Only an upgrade needs Alembic, whose import takes 10 MB and a tenth of a second.
    from alembic import command
    from alembic.config import Config

    lock_schema(connection)
    before = read_distribution(connection)
    is_distributed = before is not None and before.is_distributed and not before.missing
    if is_distributed:
        modify_shards_in_turn(connection)
    config = Config()
    config.set_main_option("script_location", str(REVISIONS).replace("%", "%%"))
    config.attributes.update(connection=connection, metadata=tables.metadata)
    command.upgrade(config, "head")
    if is_distributed:
        place_new_tables(connection)
    pin(connection)


def lock_schema(connection: sa.Connection) -> None:
    """Lock the schema against other upgrades in a write transaction, whose statements may take any time.

    Two processes that start together would both create the tables; an empty database has nothing else to lock.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SET LOCAL statement_timeout = 0"))  # an index on a large table takes long
        connection.execute(sa.text(VERSION_TABLE))
        connection.execute(sa.text("LOCK TABLE alembic_version IN EXCLUSIVE MODE"))
