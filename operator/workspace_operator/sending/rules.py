"""The sending rules of a workspace, and the order of their modes (sending §3)."""

from dataclasses import dataclass
from enum import StrEnum

DEFAULT_TRANSPORT = "default"
"""The transport of workspaces that name none, if the installation offers one of this name."""


class SendMode(StrEnum):
    """Whether and where a workspace sends email (identity-rules §8)."""

    NORMAL = "Normal"
    TEST = "Test"
    NEVER = "Never"

    @classmethod
    def known(cls, text: str) -> "SendMode | None":
        """The mode that a text names; None if this version does not know it."""
        return cls(text) if text in _MODES else None


_MODES = frozenset(SendMode)
_STRICTNESS = {SendMode.NORMAL: 0, SendMode.TEST: 1, SendMode.NEVER: 2}


def is_stricter(mode: SendMode, than: SendMode) -> bool:
    """Whether a mode lets less pass than another one: Never > Test > Normal."""
    return _STRICTNESS[mode] > _STRICTNESS[than]


def strictest(first: SendMode | None, second: SendMode | None) -> SendMode | None:
    """The stricter of two modes; None if one of them is unknown."""
    if first is None or second is None:
        return None
    return first if is_stricter(first, second) else second


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingRules:
    """The rules in force for the messages of a workspace.

    Attributes:
        mode: None if the stored mode is unknown to this version.
        test_address: the only recipient in mode Test; None in any other mode.
        open_tracking: whether opened messages are counted; False overrides messages and templates.
        transport: the transport that the workspace names; None for `DEFAULT_TRANSPORT`.
        sender: the From of messages that have none.
        send_version: grows when mode, test address, open tracking or transport change; an attempt records it.
    """

    mode: SendMode | None
    test_address: str | None
    open_tracking: bool
    transport: str | None
    sender: str | None
    send_version: int

    @property
    def transport_name(self) -> str:
        """The name of the transport to use."""
        return self.transport or DEFAULT_TRANSPORT
