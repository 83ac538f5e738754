"""The collection of all tables, and the form of tables whose rows belong to a workspace."""

import sqlalchemy as sa

metadata = sa.MetaData(naming_convention={kind: f"{kind}_%(table_name)s_%(column_0_N_name)s" for kind in ("ix", "uq")})


def workspace_table(name: str, *items: sa.schema.SchemaItem, with_rowid: bool = False) -> sa.Table:
    """A table whose primary key begins with the workspace.

    Without a rowid, SQLite stores the rows in the order of that key.
    """
    number = sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False)
    return sa.Table(name, metadata, number, *items, sqlite_with_rowid=with_rowid)
