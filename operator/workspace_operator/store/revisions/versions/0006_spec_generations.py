"""Which generation of a spec is in force, which database this is, and which clusters use it."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns and tables; which generations are in force is not known until each is reconciled again."""
    for name in ("spec_generation", "spec_row_version"):
        op.add_column("workspace", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("workspace", sa.Column("held_generation", sa.BigInteger()))
    op.add_column("workspace", sa.Column("held_request", sa.Text()))
    op.add_column("workspace", sa.Column("owner_created_at", Key, nullable=False, server_default=""))
    op.add_column("migration", sa.Column("spec_uid", Key, nullable=False, server_default=""))
    op.add_column("migration", sa.Column("spec_generation", sa.BigInteger(), nullable=False, server_default="0"))
    identity = op.create_table(
        "store_identity",
        sa.Column("identity_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("identity_id"),
    )
    op.bulk_insert(identity, [{"identity_id": 1, "store_id": str(uuid4())}])
    op.create_table(
        "cluster_heartbeat",
        sa.Column("cluster", Key, nullable=False),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cluster"),
    )
