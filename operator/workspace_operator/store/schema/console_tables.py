"""Tables of the console: sessions, links that start one, and pins. Part of the metadata that `tables` completes."""

import sqlalchemy as sa

from workspace_operator.store.schema.metadata import metadata
from workspace_operator.store.schema.types import BinaryText, UTCTime

# Secrets are stored as digests only: who reads the table cannot sign in with what it holds.
console_session = sa.Table(
    "console_session",
    metadata,
    sa.Column("token_digest", BinaryText, primary_key=True),
    # Whose sessions are limited together: an e-mail key, or the actor of an administrator of the installation.
    sa.Column("person", BinaryText, nullable=False),
    # As in the audit log.
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("is_installation", sa.Boolean, nullable=False),
    # The browser, as it names itself.
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("created_at", UTCTime, nullable=False),
    # The last activity, to within a minute.
    sa.Column("seen_at", UTCTime, nullable=False),
    sa.Column("expires_at", UTCTime, nullable=False),
    sa.Index("ix_console_session_person", "person", "seen_at"),
)

sign_in_link = sa.Table(
    "sign_in_link",
    metadata,
    sa.Column("token_digest", BinaryText, primary_key=True),
    sa.Column("actor", sa.Text, nullable=False),
    # The workspace whose page opens; null: the list of workspaces.
    sa.Column("workspace_id", sa.BigInteger),
    sa.Column("expires_at", UTCTime, nullable=False),
    sa.Column("session_seconds", sa.BigInteger, nullable=False),
)

sign_in_pin = sa.Table(
    "sign_in_pin",
    metadata,
    sa.Column("email_key", BinaryText, primary_key=True),
    # Of the identity that signed in with the address first.
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("pinned_at", UTCTime, nullable=False),
    sa.Column("signed_in_at", UTCTime, nullable=False),
)
