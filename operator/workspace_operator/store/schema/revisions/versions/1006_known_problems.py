"""What processes know and the database did not: resources that are Stalled, and messages that servers refused."""

import sqlalchemy as sa
from alembic import op

revision = "1006"
down_revision = "1005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, which the next heartbeats fill."""
    op.add_column("cluster_heartbeat", sa.Column("stalled", sa.JSON(), nullable=True))
    op.add_column("sender", sa.Column("refusals", sa.JSON(), nullable=True))
