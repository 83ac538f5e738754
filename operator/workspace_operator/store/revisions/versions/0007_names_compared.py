"""Display names are compared in one Unicode form."""

from unicodedata import normalize

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

workspace = sa.table(
    "workspace", sa.column("workspace_id", sa.BigInteger), sa.column("display_name", Key), sa.column("name_key", Key)
)


def upgrade() -> None:
    """Add the key of each name; names that are the same from now on stay with those who have them."""
    op.add_column("workspace", sa.Column("name_key", Key, nullable=False, server_default=""))
    connection = op.get_bind()
    connection.execute(sa.update(workspace).values(name_key=workspace.c.display_name))
    for row in connection.execute(sa.select(workspace.c.workspace_id, workspace.c.display_name)).all():
        key = normalize("NFC", row.display_name).replace("\ufe0f", "")
        if key != row.display_name:
            mine = workspace.c.workspace_id == row.workspace_id
            connection.execute(sa.update(workspace).where(mine).values(name_key=key))
    op.create_index("ix_workspace_account_id_name_key", "workspace", ["account_id", "name_key"])
