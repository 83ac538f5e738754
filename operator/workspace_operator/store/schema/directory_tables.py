"""The directory: tables that are queried without a workspace number, and kept in one place.

They have a few rows per workspace and per database. The tables of people are in ``tables``.
"""

import sqlalchemy as sa

from workspace_operator.store.schema.types import BinaryText, SerialNumber, UTCTime

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

account = sa.Table(
    "account",
    metadata,
    sa.Column("account_id", SerialNumber, sa.Identity(), primary_key=True),
    sa.Column("cluster", BinaryText, nullable=False),
    sa.Column("namespace", BinaryText, nullable=False),
    sa.Column("name", BinaryText, nullable=False),
    sa.UniqueConstraint("cluster", "namespace", "name"),
    sqlite_autoincrement=True,
)

workspace = sa.Table(
    "workspace",
    metadata,
    sa.Column("workspace_id", SerialNumber, sa.Identity(), primary_key=True),
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("display_name", BinaryText, nullable=False),
    sa.Column("owner_cluster", BinaryText, nullable=False),
    sa.Column("owner_namespace", BinaryText, nullable=False),
    sa.Column("owner_name", BinaryText, nullable=False),
    sa.Column("owner_uid", BinaryText, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("color", sa.Text, nullable=False),
    sa.Column("email_updates", sa.Text, nullable=False),
    sa.Column("id_updates", sa.Text, nullable=False),
    sa.Column("merge_multi_identifier", sa.Boolean, nullable=False),
    sa.Column("send_mode", sa.Text, nullable=False),
    sa.Column("test_address", sa.Text),
    sa.Column("open_tracking", sa.Boolean, nullable=False),
    sa.Column("row_version", sa.BigInteger, nullable=False),
    # While a migration is prepared, writers append to migration_change_log; while it is blocked, a writer that fixes a
    # violation wakes it; after the cut-over of one that merges, a command merges the groups of the people it touches.
    sa.Column("change_log_enabled", sa.Boolean, nullable=False),
    sa.Column("blocked_export", sa.BigInteger),
    sa.Column("merges_pending", sa.Boolean, nullable=False, server_default=sa.false()),
    # The newest generation of the owner's spec that was applied, and the row's version right after that. A lower
    # generation of the same owner is refused; one of a restored etcd is held until accepted_request changes.
    sa.Column("spec_generation", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("spec_row_version", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("accepted_generation", sa.BigInteger),
    sa.Column("accepted_request", sa.Text),
    sa.Column("owner_created_at", BinaryText, nullable=False, server_default=""),
    # The canonical form in which names are compared (resources.display_names). Not unique: older names may collide.
    sa.Column("name_key", BinaryText, nullable=False, server_default=""),
    sa.Index("ix_workspace_account_id_name_key", "account_id", "name_key"),
    sa.Index("ix_workspace_owner_namespace_owner_name", "owner_namespace", "owner_name"),
    sa.UniqueConstraint("account_id", "display_name"),
    sa.UniqueConstraint("owner_cluster", "owner_namespace", "owner_name"),
    sqlite_autoincrement=True,
)

credential = sa.Table(
    "credential",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("site_id_digest", BinaryText, nullable=False, unique=True),
    sa.Column("api_key_digest", BinaryText, nullable=False),
    sa.Column("app_key_digest", BinaryText, nullable=False, unique=True),
    sa.Column("created_at", UTCTime, nullable=False),
    sa.Column("valid_until", UTCTime),
    # The value of the annotation that requested this rotation.
    sa.Column("request", sa.Text, nullable=False),
)

# One row, which distinguishes this database from others, and from an empty one that replaced it.
store_identity = sa.Table(
    "store_identity",
    metadata,
    sa.Column("identity_id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("store_id", sa.Text, nullable=False),
)

# One row per cluster whose operator uses this database, with a count that grows while the operator is alive.
cluster_heartbeat = sa.Table(
    "cluster_heartbeat",
    metadata,
    sa.Column("cluster", BinaryText, primary_key=True),
    sa.Column("beats", sa.BigInteger, nullable=False),
    sa.Column("beat_at", UTCTime, nullable=False),
)
