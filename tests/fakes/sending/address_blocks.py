"""Blocked addresses, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.fakes.database import InMemoryDatabase
from tests.fakes.sending.sending_queue import blocked_addresses
from workspace_operator.application.ports import AddressBlock, BlockKind


@dataclass(frozen=True, slots=True)
class FakeAddressBlocks:
    """Implements the port ``AddressBlocks``."""

    memory: InMemoryDatabase

    def find(self, workspace_id: int, email_key: str) -> Sequence[AddressBlock]:
        return [block for (_, key), block in self._blocks(workspace_id) if key == email_key]

    def blocked(self, workspace_id: int, keys: Sequence[str]) -> frozenset[str]:
        state = self.memory.states.get(workspace_id)
        return blocked_addresses(state, keys) if state else frozenset()

    def list(self, workspace_id: int, kind: BlockKind, *, limit: int, offset: int) -> Sequence[AddressBlock]:
        of_kind = [block for (each, _), block in self._blocks(workspace_id) if each is kind]
        return of_kind[offset : offset + limit]

    def add(self, workspace_id: int, blocks: Sequence[AddressBlock]) -> None:
        state = self.memory.state(workspace_id) if blocks else None
        for block in blocks if state else ():
            state.sending.blocks.setdefault((block.kind, block.email_key), block)  # type: ignore[union-attr]

    def remove(self, workspace_id: int, kind: BlockKind, email_key: str) -> bool:
        state = self.memory.states.get(workspace_id)
        return state is not None and state.sending.blocks.pop((kind, email_key), None) is not None

    def _blocks(self, workspace_id: int) -> Sequence[tuple[tuple[BlockKind, str], AddressBlock]]:
        state = self.memory.states.get(workspace_id)
        return sorted(state.sending.blocks.items(), key=lambda entry: entry[0]) if state else []
