"""A workspace as the store has it: its owner, its settings and the number of its people."""

from dataclasses import dataclass, field
from enum import StrEnum

from workspace_operator.identity.values.rules import EmailUpdates, IDUpdates, Mode


class SendMode(StrEnum):
    """How e-mail leaves a workspace (identity-rules §8)."""

    NORMAL = "Normal"
    TEST = "Test"
    NEVER = "Never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The resource that a store workspace belongs to. ``uid`` is empty while nobody has claimed it.

    ``created_at`` is the resource's creationTimestamp, empty if it is not known. It does not tell owners apart: it says
    which of two UIDs of one name is the later one.
    """

    cluster: str
    namespace: str
    name: str
    uid: str
    created_at: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything of a workspace that is put in force at once, that is: all but its mode."""

    display_name: str
    color: str = "6B7280"
    email_updates: EmailUpdates = EmailUpdates.BY_ID_OR_CIO_ID
    id_updates: IDUpdates = IDUpdates.NEVER
    merge_multi_identifier: bool = True
    send_mode: SendMode = SendMode.NORMAL
    test_address: str | None = None
    open_tracking: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A workspace as the store has it.

    Attributes:
        row_version: grows with every write of settings, mode or owner.
        spec_generation: the newest generation of the owner's spec that was carried out; the store refuses a lower one.
        spec_row_version: ``row_version`` when that was recorded; different once anything else has written the row.
        accepted_generation: a generation that was accepted although it is lower than an earlier one (etcd was
        restored):
            what cannot be taken back is not begun for it.
        accepted_request: the reconcile request at that time; another one releases it.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleCounts:
    """How many people there are, by what they have. Who lacks an id and an address is reached by cio_id only."""

    total: int = 0
    with_email: int = 0
    without_id: int = 0
    without_identifier: int = 0
