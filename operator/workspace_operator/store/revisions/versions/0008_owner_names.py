"""Workspaces are found by the namespace and name of their owner, whatever its cluster."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_workspace_owner_namespace_owner_name", "workspace", ["owner_namespace", "owner_name"])
