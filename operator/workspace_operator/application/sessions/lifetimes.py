"""How long sessions last, as a pure rule."""

from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from workspace_operator.application.ports import ConsoleSession

IDLE_LIFETIME: Final = timedelta(minutes=30)
"""A session ends after this time without activity."""

MAX_LIFETIME: Final = timedelta(hours=12)

MAX_SESSIONS: Final = 20
"""Sessions of a person; a further one ends the one that was unused for longest."""

FORGET_AFTER: Final = timedelta(days=1)
"""How long an ended session is kept, so that its browser is told why it was signed out."""


class SessionEnd(Enum):
    """Why a session has ended by time."""

    IDLE = "idle"
    EXPIRED = "expired"


def end_of(session: ConsoleSession, now: datetime) -> SessionEnd | None:
    """Why a session has ended; None if it has not."""
    if now >= session.expires_at:
        return SessionEnd.EXPIRED
    return SessionEnd.IDLE if now - session.seen_at >= IDLE_LIFETIME else None
