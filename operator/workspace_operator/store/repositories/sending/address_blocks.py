"""The blocked addresses of workspaces in the database."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from workspace_operator.application.ports import AddressBlock, BlockKind
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import insert_statement
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.sending_tables import address_block
from workspace_operator.store.sending.blocked_addresses import blocked_addresses
from workspace_operator.store.unit_of_work.workspace_lock import lock_and_read_settings


@dataclass(frozen=True, slots=True)
class SQLAddressBlocks:
    """Implements the port ``AddressBlocks``."""

    database: Database

    def find(self, workspace_id: int, email_key: str) -> Sequence[AddressBlock]:
        """The blocks of an address, by kind."""
        query = sa.select(address_block).where(
            address_block.c.workspace_id == workspace_id,
            address_block.c.kind.in_(sorted(BlockKind)),
            address_block.c.email_key == email_key,
        )
        with self.database.reading() as connection:
            return [_block_of(row) for row in connection.execute(query.order_by(address_block.c.kind))]

    def blocked(self, workspace_id: int, keys: Sequence[str]) -> frozenset[str]:
        """Which addresses, by e-mail key, are suppressed or have a block of any kind."""
        with self.database.reading() as connection:
            return blocked_addresses(connection, workspace_id, keys)

    def list(self, workspace_id: int, kind: BlockKind, *, limit: int, offset: int) -> Sequence[AddressBlock]:
        """List blocks of a kind, by address."""
        of_kind = sa.select(address_block).where(
            address_block.c.workspace_id == workspace_id, address_block.c.kind == kind.value
        )
        with self.database.reading() as connection:
            rows = connection.execute(of_kind.order_by(address_block.c.email_key).limit(limit).offset(offset))
            return [_block_of(row) for row in rows]

    def add(self, workspace_id: int, blocks: Sequence[AddressBlock]) -> None:
        """Add blocks; one that exists keeps its time. Raises NotFound."""
        if not blocks:
            return
        rows = [{"workspace_id": workspace_id, **asdict(block)} for block in sorted(blocks, key=_key)]

        def work(connection: sa.Connection) -> None:
            lock_and_read_settings(connection, workspace_id)
            connection.execute(insert_statement(connection, address_block).on_conflict_do_nothing(), rows)

        self.database.writing(work)

    def remove(self, workspace_id: int, kind: BlockKind, email_key: str) -> bool:
        """Remove a block; whether there was one."""
        delete = sa.delete(address_block).filter_by(workspace_id=workspace_id, kind=kind.value, email_key=email_key)
        return self.database.writing(lambda connection: connection.execute(delete).rowcount > 0)


def _key(block: AddressBlock) -> tuple[str, str]:
    return (block.kind, block.email_key)


def _block_of(row: Row) -> AddressBlock:
    return AddressBlock(kind=BlockKind(row.kind), email_key=row.email_key, since=row.since, reason=row.reason)
