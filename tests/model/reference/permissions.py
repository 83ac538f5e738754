"""The table of identity-rules §3, line by line: who may set, change or delete an identifier that is free."""

from dataclasses import dataclass

from tests.model.reference.records import ModelPerson
from workspace_operator.identity.model.commands import DELETE, Identify
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
    """A wish about one identifier of somebody; ``value`` and ``key`` are None for a deletion."""

    rules: IdentityRules
    call: Identify
    identified_by: IdentifierKind
    person: ModelPerson
    kind: IdentifierKind
    value: str | None
    key: str | None


def allowed(update: IdentifierUpdate) -> bool:
    """Whether identity-rules §3 lets this caller have an identifier that belongs to nobody else."""
    if update.rules.mode is Mode.EMAIL_OR_ID and (_id_is_another_email(update) or _email_is_the_id(update)):
        return False
    if update.value is None:
        return _may_delete(update)
    if update.person.own(update.kind) is None:
        return _may_set(update)
    return _may_change(update)


def id_is_another_email(id_: str | None, key: str | None) -> bool:
    """identity-rules §3, last **D**: an id that is an e-mail address other than the person's own email."""
    return id_ is not None and email_key(id_) not in {None, key}


def is_unset(text: str | None) -> bool:
    """identity-rules §1: a variable that was not set."""
    return text is not None and text.lower() in ("undefined", "null", "[object object]", "nan", "none")


def is_reserved(kind: IdentifierKind, text: str | None) -> bool:
    """identity-rules §1: an id that nobody is given; nor is there a cio_id that is an unset variable."""
    if kind is EMAIL or text is None:
        return False
    return is_unset(text) or (kind is ID and text[:4] == "cio_")


def _id_is_another_email(update: IdentifierUpdate) -> bool:
    return update.kind is ID and id_is_another_email(update.value, update.person.key)


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


def _may_delete(update: IdentifierUpdate) -> bool:
    """One of them, never both, with the authority that changing it needs; in EmailOrID only."""
    if update.rules.mode is not Mode.EMAIL_OR_ID or not _may_change(update):
        return False
    both_are_asked_for = update.call.id is DELETE and update.call.email is DELETE
    other = EMAIL if update.kind is ID else ID
    return not both_are_asked_for and update.person.own(other) is not None
