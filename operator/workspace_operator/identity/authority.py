"""Who may change what: the table of identity-rules §3 as data.

A step that a column does not list is refused with the column's reason for that identifier. That a new
person gets its first identifiers, and in IDOnly the email, are not questions of authority.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from workspace_operator.identity import reasons
from workspace_operator.identity.calls import IdentifyCall
from workspace_operator.identity.rules import (
    CIO_ID,
    EMAIL,
    EMAIL_ONLY,
    EMAIL_OR_ID,
    ID,
    ID_ONLY,
    EmailUpdates,
    IdentityRules,
    IDUpdates,
    Kind,
    Mode,
)


class Alteration(StrEnum):
    """What a wish does to an identifier."""

    SET = "set"
    CHANGE = "change"
    DELETE = "delete"


Alterations: TypeAlias = Mapping[tuple[Kind, Alteration], frozenset[Kind]]
"""By which identifier the person has to be named for each step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """One column of the table: what is allowed, and what to say otherwise."""

    steps: Alterations
    email_reason: str
    id_reason: str

    def allows(self, kind: Kind, step: Alteration, *, named_by: Kind) -> bool:
        """Whether a caller who named the person by that identifier may take the step."""
        return named_by in self.steps.get((kind, step), ())

    def reason(self, kind: Kind, step: Alteration) -> str:
        """Why a step with that identifier is refused."""
        if step is Alteration.DELETE and (kind, step) not in self.steps:
            return reasons.NOT_DELETED
        return self.email_reason if kind is EMAIL else self.id_reason


_BY_CIO_ID = frozenset({CIO_ID})
_BY_ID = frozenset({ID, CIO_ID})
_BY_EMAIL = frozenset({EMAIL, CIO_ID})

_SET_THE_OTHER: Alterations = {(EMAIL, Alteration.SET): _BY_ID, (ID, Alteration.SET): _BY_EMAIL}
_ID_BY_CIO_ID: Alterations = {(ID, Alteration.CHANGE): _BY_CIO_ID, (ID, Alteration.DELETE): _BY_CIO_ID}
_EMAIL_BY_ID: Alterations = {(EMAIL, Alteration.CHANGE): _BY_ID, (EMAIL, Alteration.DELETE): _BY_ID}
_EMAIL_BY_CIO_ID: Alterations = {(EMAIL, Alteration.CHANGE): _BY_CIO_ID, (EMAIL, Alteration.DELETE): _BY_CIO_ID}

BY_EMAIL_OR_ID: dict[EmailUpdates, Authority] = {
    EmailUpdates.BY_ID_OR_CIO_ID: Authority(
        steps={**_SET_THE_OTHER, **_EMAIL_BY_ID, **_ID_BY_CIO_ID},
        email_reason=reasons.EMAIL_BY_ID_OR_CIO_ID,
        id_reason=reasons.ID_BY_CIO_ID,
    ),
    EmailUpdates.BY_CIO_ID: Authority(
        steps={**_SET_THE_OTHER, **_EMAIL_BY_CIO_ID, **_ID_BY_CIO_ID},
        email_reason=reasons.EMAIL_BY_CIO_ID,
        id_reason=reasons.ID_BY_CIO_ID,
    ),
}

BY_ID_ONLY: dict[IDUpdates, Authority] = {
    IDUpdates.NEVER: Authority(
        steps={(ID, Alteration.SET): _BY_CIO_ID}, email_reason="", id_reason=reasons.ID_IS_FIXED
    ),
    IDUpdates.BY_CIO_ID: Authority(
        steps={(ID, Alteration.SET): _BY_CIO_ID, (ID, Alteration.CHANGE): _BY_CIO_ID},
        email_reason="",
        id_reason=reasons.ID_BY_CIO_ID,
    ),
}

BY_EMAIL_ONLY = Authority(
    steps={(EMAIL, Alteration.CHANGE): _BY_CIO_ID},
    email_reason=reasons.EMAIL_BY_CIO_ID,
    id_reason=reasons.ID_IS_GENERATED,
)

IMPORTS: dict[tuple[Mode, bool], Authority] = {
    (mode, update_only): Authority(steps=steps, email_reason=reasons.EMAIL_BY_IMPORT, id_reason=reasons.ID_BY_IMPORT)
    for mode, update_only, steps in (
        (EMAIL_OR_ID, True, {**_SET_THE_OTHER, **_EMAIL_BY_CIO_ID}),
        (EMAIL_OR_ID, False, _SET_THE_OTHER),
        (ID_ONLY, True, {(ID, Alteration.SET): _BY_CIO_ID}),
        (ID_ONLY, False, {(ID, Alteration.SET): _BY_CIO_ID}),
        (EMAIL_ONLY, True, {(EMAIL, Alteration.CHANGE): _BY_CIO_ID}),
        (EMAIL_ONLY, False, {}),
    )
}
"""The last row of the table; the flag is the import's update mode."""


def authority(rules: IdentityRules, call: IdentifyCall) -> Authority:
    """The column that holds for a call."""
    if call.by_import:
        return IMPORTS[rules.mode, call.update_only]
    if rules.mode is EMAIL_OR_ID:
        return BY_EMAIL_OR_ID[rules.email_updates]
    return BY_ID_ONLY[rules.id_updates] if rules.mode is ID_ONLY else BY_EMAIL_ONLY
