"""The SQLite that Python comes with, and the newest, which the PyPI package `pysqlite3` brings where it has a wheel."""

from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

import sqlalchemy as sa

from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.upgrades import upgrade

NEWEST = ("pysqlite3.dbapi2",) if find_spec("pysqlite3") else ()
MODULES = ("sqlite3.dbapi2", *NEWEST)
"""The modules of all SQLites that tests run on here; Debian 12's Python has 3.40, the oldest that is supported."""


def sqlite_file(folder: Path, module: str) -> Database:
    """A new database file with this version's schema, by one of the modules."""
    with patch.object(sa, "create_engine", partial(sa.create_engine, module=import_module(module))):
        database = Database(f"sqlite:///{folder}/store.db")
    upgrade(database)
    return database
