"""What can stand against writing an identifier that belongs to nobody else: identity-rules §3."""

from collections.abc import Callable
from typing import TypeAlias

from workspace_operator.identity import reasons
from workspace_operator.identity.authority import authority
from workspace_operator.identity.calls import DELETE
from workspace_operator.identity.cases import Case
from workspace_operator.identity.emails import email_key
from workspace_operator.identity.people import id_is_another_email
from workspace_operator.identity.rules import EMAIL, EMAIL_OR_ID, ID

Objection: TypeAlias = Callable[[Case], str | None]
"""The reason of a refusal, or None if there is nothing to object."""


def settings_do_not_allow_it(case: Case) -> str | None:
    """The table, by the way the subject was named."""
    column, step = authority(case.rules, case.call), case.step
    if column.allows(case.kind, step, named_by=case.subject.named_by):
        return None
    return column.reason(case.kind, step)


def last_identifier_would_go(case: Case) -> str | None:
    """Deletion: one of them, never both. Asked to delete both, neither is deleted."""
    if case.value is not None:
        return None
    asked_for_both = case.call.id is DELETE and case.call.email is DELETE
    other = ID if case.kind is EMAIL else EMAIL
    return reasons.LAST_IDENTIFIER if asked_for_both or not case.subject.has(other) else None


def id_would_be_another_email(case: Case) -> str | None:
    """Last **D**, first sentence: it would break the fourth check of identity-rules §7 for ever."""
    if case.kind is not ID or case.rules.mode is not EMAIL_OR_ID:
        return None
    return reasons.ID_IS_ANOTHER_EMAIL if id_is_another_email(case.value, case.subject.email_key) else None


def email_is_the_id(case: Case) -> str | None:
    """Last **D**, second sentence: the email of a person whose id is that address keeps its key."""
    id_, key = case.subject.id, case.subject.email_key
    if case.kind is not EMAIL or id_ is None or key is None:
        return None
    return reasons.EMAIL_IS_THE_ID if "@" in id_ and email_key(id_) == key else None


OBJECTIONS: tuple[Objection, ...] = (
    settings_do_not_allow_it,
    last_identifier_would_go,
    id_would_be_another_email,
    email_is_the_id,
)
