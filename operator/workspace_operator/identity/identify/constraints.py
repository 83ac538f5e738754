"""What can stand against writing an identifier that belongs to nobody else: identity-rules §3."""

from collections.abc import Callable
from typing import TypeAlias

from workspace_operator.identity.identify.draft import IdentifierUpdate
from workspace_operator.identity.identify.permissions import effective_permissions
from workspace_operator.identity.model.commands import DELETE
from workspace_operator.identity.model.person import id_is_another_email
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.rules import EMAIL, EMAIL_OR_ID, ID

Constraint: TypeAlias = Callable[[IdentifierUpdate], str | None]
"""The reason of a refusal, or None if there is nothing to object."""


def operation_is_not_permitted(update: IdentifierUpdate) -> str | None:
    """The table, by the way the subject was named."""
    permissions, operation = effective_permissions(update.rules, update.command), update.operation
    if permissions.allows(update.kind, operation, identified_by=update.draft.identified_by):
        return None
    return permissions.reason(update.kind, operation)


def last_identifier_would_be_deleted(update: IdentifierUpdate) -> str | None:
    """Deletion: one of them, never both. Asked to delete both, neither is deleted."""
    if update.value is not None:
        return None
    deletes_both = update.command.id is DELETE and update.command.email is DELETE
    other = ID if update.kind is EMAIL else EMAIL
    return refusal_reasons.LAST_IDENTIFIER if deletes_both or not update.draft.has(other) else None


def id_would_be_another_email(update: IdentifierUpdate) -> str | None:
    """Last **D**, first sentence: it would break the fourth check of identity-rules §7 for ever."""
    if update.kind is not ID or update.rules.mode is not EMAIL_OR_ID:
        return None
    return refusal_reasons.ID_IS_ANOTHER_EMAIL if id_is_another_email(update.value, update.draft.email_key) else None


def email_is_the_id(update: IdentifierUpdate) -> str | None:
    """Last **D**, second sentence: the email of a person whose id is that address keeps its key."""
    id_, key = update.draft.id, update.draft.email_key
    if update.kind is not EMAIL or id_ is None or key is None:
        return None
    return refusal_reasons.EMAIL_IS_THE_ID if "@" in id_ and email_key(id_) == key else None


CONSTRAINTS: tuple[Constraint, ...] = (
    operation_is_not_permitted,
    last_identifier_would_be_deleted,
    id_would_be_another_email,
    email_is_the_id,
)
