"""Versions of a resource's spec, and workspaces that have not changed since one of them was carried out."""

from dataclasses import dataclass
from datetime import datetime

from workspace_operator.identity.values.rules import Mode
from workspace_operator.workspaces.model import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecVersion:
    """Which document of a resource asks for a write: its UID and generation."""

    uid: str
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnchangedWorkspace:
    """A workspace whose row nothing has written since a generation of its owner's spec was recorded.

    ``store_id`` is the identity of its database, ``rotation_request`` the value of the annotation that asked for the
    newest credentials, and ``rotated_at`` when these were made; None if there are none.
    """

    store_id: str
    workspace_id: int
    owner: Owner
    generation: int
    mode: Mode
    rotation_request: str
    rotated_at: datetime | None = None
