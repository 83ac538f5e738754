"""Blocked addresses: those that are suppressed, and those that bounced, complained or were blocked by hand."""

from collections.abc import Collection

import sqlalchemy as sa

from workspace_operator.application.ports import BlockKind
from workspace_operator.store.engine.sql import CompiledStatement, encode_json, workspace_any_of
from workspace_operator.store.schema.sending_tables import address_block
from workspace_operator.store.schema.tables import KIND_EMAIL, suppression


def blocked_addresses(connection: sa.Connection, workspace_id: int, keys: Collection[str]) -> frozenset[str]:
    """Which addresses, by e-mail key, are suppressed or have a block of any kind."""
    if not keys:
        return frozenset()
    parameters = {"of_workspace": workspace_id, "keys": encode_json(sorted(keys))}
    return frozenset(key for (key,) in _BLOCKED.run(connection, parameters))


_KINDS: list[sa.ColumnElement[str]] = [sa.literal_column(f"'{kind}'") for kind in BlockKind]
_BLOCKED = CompiledStatement(
    lambda _: sa.union(
        sa.select(suppression.c.value_key).where(
            workspace_any_of(suppression.c.value_key, "keys"), suppression.c.kind == sa.literal_column(str(KIND_EMAIL))
        ),
        sa.select(address_block.c.email_key).where(
            workspace_any_of(address_block.c.email_key, "keys"), address_block.c.kind.in_(_KINDS)
        ),
    )
)
