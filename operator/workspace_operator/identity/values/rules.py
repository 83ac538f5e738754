"""The settings of a workspace that decide how its people are identified (identity-rules §2)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Mode(StrEnum):
    """Which identifiers a workspace has beside cio_id."""

    EMAIL_OR_ID = "EmailOrID"
    ID_ONLY = "IDOnly"
    EMAIL_ONLY = "EmailOnly"


class EmailUpdates(StrEnum):
    """Who may change an email that is set, in mode EmailOrID (E1, E2)."""

    BY_ID_OR_CIO_ID = "ByIDOrCioID"
    BY_CIO_ID = "ByCioID"


class IDUpdates(StrEnum):
    """Whether an id may be changed, in mode IDOnly (I0, I1)."""

    NEVER = "Never"
    BY_CIO_ID = "ByCioID"


class IdentifierKind(StrEnum):
    """A kind of identifier."""

    ID = "id"
    EMAIL = "email"
    CIO_ID = "cio_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRules:
    """The identifier settings in force."""

    mode: Mode = Mode.EMAIL_OR_ID
    email_updates: EmailUpdates = EmailUpdates.BY_ID_OR_CIO_ID
    id_updates: IDUpdates = IDUpdates.NEVER
    merge_multi_identifier: bool = True


# The same members as plain names: looking one up on its class costs more than most rules do.
ID: Final = IdentifierKind.ID
EMAIL: Final = IdentifierKind.EMAIL
CIO_ID: Final = IdentifierKind.CIO_ID
EMAIL_OR_ID: Final = Mode.EMAIL_OR_ID
ID_ONLY: Final = Mode.ID_ONLY
EMAIL_ONLY: Final = Mode.EMAIL_ONLY
