"""The entity Workspace, as stored: its owner, its settings and the counts of its people."""

from dataclasses import dataclass, field

from workspace_operator.identity.values.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.app_keys import AppKeyMay


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The resource that owns a stored workspace.

    Attributes:
        uid: the resource's UID; empty until a resource claims the workspace.
        created_at: the resource's creationTimestamp, empty if unknown. It orders two UIDs of one name by age, and is
            not part of the owner's identity.
    """

    cluster: str
    namespace: str
    name: str
    uid: str
    created_at: str = field(default="", compare=False)


SENDING_FIELDS = ("send_mode", "test_address", "open_tracking", "transport")
"""Settings under which a hand-over begins; a change of one makes a new version of the sending rules (sending §3.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a workspace that take effect at once: all but its mode.

    Attributes:
        transport: the name of the transport for its messages; None for the one called default.
        sender: the From of messages that have none.
        app_key_may: what requests with the App key may do.
    """

    display_name: str
    color: str = "6B7280"
    email_updates: EmailUpdates = EmailUpdates.BY_ID_OR_CIO_ID
    id_updates: IDUpdates = IDUpdates.NEVER
    merge_multi_identifier: bool = True
    send_mode: SendMode = SendMode.NORMAL
    test_address: str | None = None
    open_tracking: bool = True
    transport: str | None = None
    sender: str | None = None
    app_key_may: AppKeyMay = AppKeyMay.READ

    def changes_sending(self, before: "Settings") -> bool:
        """Whether the rules of hand-overs differ; the sender of messages without one is not such a rule."""
        return any(getattr(self, name) != getattr(before, name) for name in SENDING_FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A stored workspace.

    Attributes:
        row_version: grows with every write of settings, mode or owner.
        spec_generation: the newest generation of the owner's spec that was applied; the store refuses a lower one.
        spec_row_version: ``row_version`` when ``spec_generation`` was recorded; a difference means a later write.
        accepted_generation: a generation that was accepted although it is lower than an earlier one, because etcd was
            restored. No irreversible step starts for it.
        accepted_request: the reconcile request at that time; a different request lifts the restriction.
        send_version: grows when the rules of hand-overs change.
        knows_send_mode: False if this version does not know the stored send mode; the settings then have Never.
    """

    workspace_id: int
    account: str
    owner: Owner
    mode: Mode
    settings: Settings
    row_version: int
    spec_generation: int = 0
    spec_row_version: int = 0
    accepted_generation: int | None = None
    accepted_request: str | None = None
    send_version: int = 1
    knows_send_mode: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleCounts:
    """People by the identifiers that they have; only a cio_id names a person without an id and an email."""

    total: int = 0
    with_email: int = 0
    without_id: int = 0
    without_identifier: int = 0
