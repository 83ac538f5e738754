"""The table of identity-rules §3, line by line: who may set, change or delete an identifier that is free."""

from dataclasses import dataclass

from tests.model.records import Someone
from workspace_operator.identity.calls import DELETE, IdentifyCall
from workspace_operator.identity.emails import email_key
from workspace_operator.identity.rules import CIO_ID, EMAIL, ID, EmailUpdates, IdentityRules, IDUpdates, Kind, Mode


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A wish about one identifier of somebody; ``value`` and ``key`` are None for a deletion."""

    rules: IdentityRules
    call: IdentifyCall
    named_by: Kind
    person: Someone
    kind: Kind
    value: str | None
    key: str | None


def allowed(wish: Wish) -> bool:
    """Whether identity-rules §3 lets this caller have an identifier that belongs to nobody else."""
    if wish.rules.mode is Mode.EMAIL_OR_ID and (_id_is_another_email(wish) or _email_is_the_id(wish)):
        return False
    if wish.value is None:
        return _may_delete(wish)
    if wish.person.own(wish.kind) is None:
        return _may_set(wish)
    return _may_change(wish)


def id_is_another_email(id_: str | None, key: str | None) -> bool:
    """identity-rules §3, last **D**: an id that is an e-mail address other than the person's own email."""
    return id_ is not None and email_key(id_) not in {None, key}


def is_unset(text: str | None) -> bool:
    """identity-rules §1: a variable that was not set."""
    return text is not None and text.lower() in ("undefined", "null", "[object object]", "nan", "none")


def is_nobody_s(kind: Kind, text: str | None) -> bool:
    """identity-rules §1: an id that nobody is given; nor is there a cio_id that is an unset variable."""
    if kind is EMAIL or text is None:
        return False
    return is_unset(text) or (kind is ID and text[:4] == "cio_")


def _id_is_another_email(wish: Wish) -> bool:
    return wish.kind is ID and id_is_another_email(wish.value, wish.person.key)


def _email_is_the_id(wish: Wish) -> bool:
    """Nor may the email of a person whose id is that address change its key or be deleted."""
    person = wish.person
    return wish.kind is EMAIL and None not in {person.id, person.key} and email_key(str(person.id)) == person.key


def _may_set(wish: Wish) -> bool:
    """A person who lacks one is named by something else: id by email or cio_id, email by id or cio_id."""
    return wish.rules.mode is not Mode.EMAIL_ONLY


def _may_change(wish: Wish) -> bool:
    rules, by_cio_id = wish.rules, wish.named_by is CIO_ID
    if wish.call.by_import:
        return wish.kind is EMAIL and by_cio_id and wish.call.update_only
    if wish.kind is ID:
        by_setting = rules.mode is Mode.EMAIL_OR_ID or rules.id_updates is IDUpdates.BY_CIO_ID
        return by_cio_id and by_setting and rules.mode is not Mode.EMAIL_ONLY
    by_id = rules.mode is Mode.EMAIL_OR_ID and rules.email_updates is EmailUpdates.BY_ID_OR_CIO_ID
    return by_cio_id or (by_id and wish.named_by is ID)


def _may_delete(wish: Wish) -> bool:
    """One of them, never both, with the authority that changing it needs; in EmailOrID only."""
    if wish.rules.mode is not Mode.EMAIL_OR_ID or not _may_change(wish):
        return False
    both_are_asked_for = wish.call.id is DELETE and wish.call.email is DELETE
    other = EMAIL if wish.kind is ID else ID
    return not both_are_asked_for and wish.person.own(other) is not None
