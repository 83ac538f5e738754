"""Port of blocked addresses: those that bounced, complained, or were blocked by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class BlockKind(StrEnum):
    """Why an address is blocked; the values are the vendor's suppression types, in the singular."""

    BOUNCE = "bounce"
    SPAM = "spam"
    BLOCK = "block"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressBlock:
    """A blocked address, by its e-mail key."""

    kind: BlockKind
    email_key: str
    since: datetime
    reason: str


class AddressBlocks(Protocol):
    """The blocked addresses of workspaces. Messages to them are dropped."""

    def find(self, workspace_id: int, email_key: str) -> Sequence[AddressBlock]:
        """The blocks of an address."""
        ...

    def blocked(self, workspace_id: int, keys: Sequence[str]) -> frozenset[str]:
        """Which addresses, by e-mail key, are suppressed or have a block of any kind."""
        ...

    def list(self, workspace_id: int, kind: BlockKind, *, limit: int, offset: int) -> Sequence[AddressBlock]:
        """List blocks of a kind, by address."""
        ...

    def add(self, workspace_id: int, blocks: Sequence[AddressBlock]) -> None:
        """Add blocks; one that exists keeps its time."""
        ...

    def remove(self, workspace_id: int, kind: BlockKind, email_key: str) -> bool:
        """Remove a block; whether there was one."""
        ...
