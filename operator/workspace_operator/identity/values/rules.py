"""The identifier settings of a workspace (identity-rules §2)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Mode(StrEnum):
    """The identifiers of a workspace beside cio_id."""

    EMAIL_OR_ID = "EmailOrID"
    ID_ONLY = "IDOnly"
    EMAIL_ONLY = "EmailOnly"


class EmailUpdates(StrEnum):
    """Which references may change an existing email, in mode EmailOrID (E2, E1)."""

    BY_ID_OR_CIO_ID = "ByIDOrCioID"
    BY_CIO_ID = "ByCioID"


class IDUpdates(StrEnum):
    """Which references may change an existing id, in mode IDOnly (I0, I1)."""

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


# The same members as module names: an attribute lookup on an enum class costs more than most rules.
ID: Final = IdentifierKind.ID
EMAIL: Final = IdentifierKind.EMAIL
CIO_ID: Final = IdentifierKind.CIO_ID
EMAIL_OR_ID: Final = Mode.EMAIL_OR_ID
ID_ONLY: Final = Mode.ID_ONLY
EMAIL_ONLY: Final = Mode.EMAIL_ONLY
