"""Cleanups of a store in memory, which has none: nobody has decided anything."""

from collections.abc import Sequence
from datetime import datetime

from workspace_operator.application.ports import NumberedDecision
from workspace_operator.cleanups.model import Cleanup
from workspace_operator.errors import NotFound


class NoCleanups:
    """What pages read of the port ``Cleanups``."""

    def cleanups(self, _workspace_id: int, *, limit: int | None = None) -> Sequence[Cleanup]:
        assert limit
        return ()

    def get(self, _workspace_id: int, number: int) -> Cleanup:
        raise NotFound(f"there is no cleanup {number}")

    def decisions_about(self, _workspace_id: int, _cio_id: str) -> Sequence[NumberedDecision]:
        return ()


class NoListings:
    """The port ``Listings``, of which pages read nothing without a blocked change in a database."""


class NoListedCalls:
    """The port ``ListedCalls`` of workspaces whose changes nobody blocks."""

    def recorded_since(self, _workspace_id: int) -> datetime | None:
        return None
