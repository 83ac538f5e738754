"""Bringing a database to the schema of this version, by Alembic revisions."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from workspace_operator.errors import InvalidInput
from workspace_operator.store.engines import Database
from workspace_operator.store.tables import metadata

VERSION_TABLE = """
CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)"""
"""Alembic's own table, made before it looks."""

REVISIONS = Path(__file__).with_name("revisions")


def upgrade(database: Database) -> bool:
    """Bring the database to this version's schema; True if there was something to do.

    Raises:
        InvalidInput: the database was made by a newer version of this program.
        StoreUnavailable: it does not answer.
    """
    script = ScriptDirectory.from_config(_config())
    head = script.get_current_head()
    with database.reading() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == head:
        return False
    if current is not None and current not in {revision.revision for revision in script.walk_revisions()}:
        message = f"the database {database.name} was made by a newer version of workspacectl (revision {current})"
        raise InvalidInput(message, field="database")
    database.writing(_upgrade)
    return True


def _upgrade(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Two processes that start together would both create the tables; an empty catalogue has nothing else to lock.
        connection.execute(sa.text(VERSION_TABLE))
        connection.execute(sa.text("LOCK TABLE alembic_version IN EXCLUSIVE MODE"))
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(REVISIONS).replace("%", "%%"))
    config.attributes["metadata"] = metadata
    return config
