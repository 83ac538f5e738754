"""The collection of all tables, and the form of tables whose rows belong to a workspace.

Tables name options of the SQLite dialect only. An option of the PostgreSQL dialect would import it, which takes as long
as all our tables, also for a command with a SQLite file.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex

metadata = sa.MetaData(naming_convention={kind: f"{kind}_%(table_name)s_%(column_0_N_name)s" for kind in ("ix", "uq")})


def workspace_table(name: str, *items: sa.schema.SchemaItem, with_rowid: bool = False) -> sa.Table:
    """A table whose primary key begins with the workspace.

    Without a rowid, SQLite stores the rows in the order of that key.
    """
    number = sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False)
    return sa.Table(name, metadata, number, *items, sqlite_with_rowid=with_rowid)


class IsTrue(sa.ColumnElement[bool]):
    """Condition of a partial index: a column is true.

    SQLite uses the index only for the exact term that SQLAlchemy writes into queries.
    """

    inherit_cache = False

    def __init__(self, column: str) -> None:
        self.column = column


@compiles(IsTrue)
def _is_true(element: IsTrue, _compiler: Any, **_options: Any) -> str:
    return element.column


@compiles(IsTrue, "sqlite")
def _is_true_on_sqlite(element: IsTrue, _compiler: Any, **_options: Any) -> str:
    return f"{element.column} = 1"


@compiles(CreateIndex, "postgresql")
def _create_index_on_postgresql(element: CreateIndex, compiler: Any, **options: Any) -> str:
    """Create a partial index with the condition that it has on SQLite; an index of a revision has its own."""
    options_of = element.element.dialect_options
    if options_of["postgresql"]["where"] is None:
        options_of["postgresql"]["where"] = options_of["sqlite"]["where"]
    return str(compiler.visit_create_index(element, **options))
