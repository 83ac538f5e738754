"""The table of identity-rules §3, line by line: who may set, change or delete an identifier that is free."""

from dataclasses import dataclass

from tests.model.reference.records import ModelPerson
from workspace_operator.identity.model.commands import DELETE, Identify
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.rules import (
    CIO_ID,
    EMAIL,
    ID,
    EmailUpdates,
    IdentifierKind,
    IdentityRules,
    IDUpdates,
    Mode,
)


@dataclass(frozen=True, kw_only=True)
class IdentifierUpdate:
    """A requested update of one identifier; ``value`` and ``key`` are None for a deletion."""

    rules: IdentityRules
    call: Identify
    identified_by: IdentifierKind
    person: ModelPerson
    kind: IdentifierKind
    value: str | None
    key: str | None

    @property
    def is_new(self) -> bool:
        return self.value is not None and self.person.own(self.kind) is None


def reason_refused(update: IdentifierUpdate) -> str:
    """Why identity-rules §3 refuses an identifier that belongs to no other person; empty if it allows it."""
    other = EMAIL if update.kind is ID else ID
    if update.value is None and not _may_ever_delete(update):
        return refusal_reasons.DELETION_NOT_ALLOWED
    if not (_may_set(update) if update.is_new else _may_change(update)):
        return _reason(update)
    both_are_deleted = update.call.id is DELETE and update.call.email is DELETE
    if update.value is None and (both_are_deleted or update.person.own(other) is None):
        return refusal_reasons.LAST_IDENTIFIER
    if update.rules.mode is not Mode.EMAIL_OR_ID:
        return ""
    if update.kind is ID and id_is_another_email(update.value, update.person.key):
        return refusal_reasons.ID_IS_ANOTHER_EMAIL
    return refusal_reasons.EMAIL_IS_THE_ID if _email_is_the_id(update) else ""


def id_is_another_email(id_: str | None, key: str | None) -> bool:
    """identity-rules §3, last **D**: an id that is an e-mail address other than the person's own email."""
    return id_ is not None and email_key(id_) not in {None, key}


def is_unset(text: str | None) -> bool:
    """identity-rules §1: a variable that was not set."""
    return text is not None and text.strip().lower() in ("undefined", "null", "[object object]", "nan", "none")


def reason_reserved(kind: IdentifierKind, text: str | None) -> str:
    """identity-rules §1: why no person is given an id; no cio_id is an unset variable either."""
    if kind is EMAIL or text is None:
        return ""
    if is_unset(text):
        return refusal_reasons.PLACEHOLDER
    return refusal_reasons.RESERVED_ID if kind is ID and text[:4] == "cio_" else ""


def _email_is_the_id(update: IdentifierUpdate) -> bool:
    """Nor may the email of a person whose id is that address change its key or be deleted."""
    person = update.person
    return update.kind is EMAIL and None not in {person.id, person.key} and email_key(str(person.id)) == person.key


def _may_set(update: IdentifierUpdate) -> bool:
    """A person who lacks one is named by something else: id by email or cio_id, email by id or cio_id."""
    return update.rules.mode is not Mode.EMAIL_ONLY


def _may_change(update: IdentifierUpdate) -> bool:
    rules, by_cio_id = update.rules, update.identified_by is CIO_ID
    if update.call.by_import:
        return update.kind is EMAIL and by_cio_id and update.call.update_only
    if update.kind is ID:
        by_setting = rules.mode is Mode.EMAIL_OR_ID or rules.id_updates is IDUpdates.BY_CIO_ID
        return by_cio_id and by_setting and rules.mode is not Mode.EMAIL_ONLY
    by_id = rules.mode is Mode.EMAIL_OR_ID and rules.email_updates is EmailUpdates.BY_ID_OR_CIO_ID
    return by_cio_id or (by_id and update.identified_by is ID)


def _may_ever_delete(update: IdentifierUpdate) -> bool:
    """In EmailOrID only, with the authority that changing it needs; imports change and delete emails by cio_id."""
    by_import = update.kind is EMAIL and update.call.update_only
    return update.rules.mode is Mode.EMAIL_OR_ID and (by_import or not update.call.by_import)


def _reason(update: IdentifierUpdate) -> str:
    """The sentence of the column: how the identifier is changed instead."""
    rules, by_id = update.rules, update.kind is ID
    if update.call.by_import:
        return refusal_reasons.ID_BY_IMPORT if by_id else refusal_reasons.EMAIL_BY_IMPORT
    if not by_id:
        by_both = rules.mode is Mode.EMAIL_OR_ID and rules.email_updates is EmailUpdates.BY_ID_OR_CIO_ID
        return refusal_reasons.EMAIL_BY_ID_OR_CIO_ID if by_both else refusal_reasons.EMAIL_BY_CIO_ID
    if rules.mode is Mode.EMAIL_ONLY:
        return refusal_reasons.ID_IS_GENERATED
    never = rules.mode is Mode.ID_ONLY and rules.id_updates is IDUpdates.NEVER
    return refusal_reasons.ID_IS_IMMUTABLE if never else refusal_reasons.ID_BY_CIO_ID
