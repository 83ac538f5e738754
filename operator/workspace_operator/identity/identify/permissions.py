"""Permissions: the table of identity-rules §3 as data.

An operation that a column does not list is refused with the column's reason for that identifier. The table does not
restrict the first identifiers of a new person, nor the email in IDOnly, where it is a plain attribute.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from workspace_operator.identity.model.commands import Identify
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.rules import (
    CIO_ID,
    EMAIL,
    EMAIL_ONLY,
    EMAIL_OR_ID,
    ID,
    ID_ONLY,
    EmailUpdates,
    IdentifierKind,
    IdentityRules,
    IDUpdates,
    Mode,
)


class Operation(StrEnum):
    """What an update does to an identifier."""

    SET = "set"
    CHANGE = "change"
    DELETE = "delete"


SET: Final = Operation.SET
CHANGE: Final = Operation.CHANGE
DELETE: Final = Operation.DELETE

PermittedOperations: TypeAlias = Mapping[tuple[IdentifierKind, Operation], frozenset[IdentifierKind]]
"""The kinds of reference that permit each operation on each kind of identifier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """One column of the table: the permitted operations, and the reasons of refusals."""

    operations: PermittedOperations
    email_reason: str
    id_reason: str

    def allows(self, kind: IdentifierKind, operation: Operation, *, identified_by: IdentifierKind) -> bool:
        """Whether the operation is permitted when this kind of identifier named the person."""
        return identified_by in self.operations.get((kind, operation), ())

    def reason(self, kind: IdentifierKind, operation: Operation) -> str:
        """The reason for refusing the operation."""
        if operation is DELETE and (kind, operation) not in self.operations:
            return refusal_reasons.DELETION_NOT_ALLOWED
        return self.email_reason if kind is EMAIL else self.id_reason


_BY_CIO_ID = frozenset({CIO_ID})
_BY_ID = frozenset({ID, CIO_ID})
_BY_EMAIL = frozenset({EMAIL, CIO_ID})

_SET_THE_OTHER: PermittedOperations = {(EMAIL, SET): _BY_ID, (ID, SET): _BY_EMAIL}
_ID_BY_CIO_ID: PermittedOperations = {(ID, CHANGE): _BY_CIO_ID, (ID, DELETE): _BY_CIO_ID}
_EMAIL_BY_ID: PermittedOperations = {(EMAIL, CHANGE): _BY_ID, (EMAIL, DELETE): _BY_ID}
_EMAIL_BY_CIO_ID: PermittedOperations = {(EMAIL, CHANGE): _BY_CIO_ID, (EMAIL, DELETE): _BY_CIO_ID}

EMAIL_OR_ID_PERMISSIONS: dict[EmailUpdates, Permissions] = {
    EmailUpdates.BY_ID_OR_CIO_ID: Permissions(
        operations={**_SET_THE_OTHER, **_EMAIL_BY_ID, **_ID_BY_CIO_ID},
        email_reason=refusal_reasons.EMAIL_BY_ID_OR_CIO_ID,
        id_reason=refusal_reasons.ID_BY_CIO_ID,
    ),
    EmailUpdates.BY_CIO_ID: Permissions(
        operations={**_SET_THE_OTHER, **_EMAIL_BY_CIO_ID, **_ID_BY_CIO_ID},
        email_reason=refusal_reasons.EMAIL_BY_CIO_ID,
        id_reason=refusal_reasons.ID_BY_CIO_ID,
    ),
}

ID_ONLY_PERMISSIONS: dict[IDUpdates, Permissions] = {
    IDUpdates.NEVER: Permissions(
        operations={(ID, SET): _BY_CIO_ID}, email_reason="", id_reason=refusal_reasons.ID_IS_IMMUTABLE
    ),
    IDUpdates.BY_CIO_ID: Permissions(
        operations={(ID, SET): _BY_CIO_ID, (ID, CHANGE): _BY_CIO_ID},
        email_reason="",
        id_reason=refusal_reasons.ID_BY_CIO_ID,
    ),
}

EMAIL_ONLY_PERMISSIONS = Permissions(
    operations={(EMAIL, CHANGE): _BY_CIO_ID},
    email_reason=refusal_reasons.EMAIL_BY_CIO_ID,
    id_reason=refusal_reasons.ID_IS_GENERATED,
)

IMPORT_PERMISSIONS: dict[tuple[Mode, bool], Permissions] = {
    (mode, update_only): Permissions(
        operations=operations, email_reason=refusal_reasons.EMAIL_BY_IMPORT, id_reason=refusal_reasons.ID_BY_IMPORT
    )
    for mode, update_only, operations in (
        (EMAIL_OR_ID, True, {**_SET_THE_OTHER, **_EMAIL_BY_CIO_ID}),
        (EMAIL_OR_ID, False, _SET_THE_OTHER),
        (ID_ONLY, True, {(ID, SET): _BY_CIO_ID}),
        (ID_ONLY, False, {(ID, SET): _BY_CIO_ID}),
        (EMAIL_ONLY, True, {(EMAIL, CHANGE): _BY_CIO_ID}),
        (EMAIL_ONLY, False, {}),
    )
}
"""The part of the table about CSV imports; the flag is the import's update mode."""


def effective_permissions(rules: IdentityRules, command: Identify) -> Permissions:
    """The permissions that apply to a command."""
    if command.by_import:
        return IMPORT_PERMISSIONS[rules.mode, command.update_only]
    if rules.mode is EMAIL_OR_ID:
        return EMAIL_OR_ID_PERMISSIONS[rules.email_updates]
    return ID_ONLY_PERMISSIONS[rules.id_updates] if rules.mode is ID_ONLY else EMAIL_ONLY_PERMISSIONS
