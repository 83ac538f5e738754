"""The entity Person, with the properties that the checks of identity-rules §7 need."""

from collections.abc import Iterable, Mapping

from workspace_operator.identity.values.attributes import Attributes, same_value
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.timestamps import time_of
from workspace_operator.identity.values.value_objects import value_object


@value_object(frozen=True, slots=True, kw_only=True)
class Person:
    """One individual in one workspace.

    Attributes:
        cio_id: generated, without the ``cio_`` prefix; later people should sort after earlier ones.
        id: the caller's id, exactly as sent.
        email: the email as sent, in every mode; None if there is none, never empty.
        email_key: the key of the email (`email_keys.email_key`); None if there is no valid address.
        attributes: all other values; without id, email and cio_id, never null or empty text.
        inserted_at: when the product created the person, Unix seconds.
        created_at: the time that decides about age (`effective_created_at`), Unix seconds.
        attribute_timestamps: when attributes got their values if not at `inserted_at`, and when removed attributes were
            removed; Unix seconds by name (identity-rules §4, ``_timestamp``), never empty. None: all are as old as the
            person. In mode IDOnly the email counts as an attribute here.
    """

    cio_id: str
    id: str | None = None
    email: str | None = None
    email_key: str | None = None
    attributes: Attributes
    inserted_at: int
    created_at: int
    attribute_timestamps: Mapping[str, float] | None = None

    @property
    def email_is_invalid(self) -> bool:
        """The second check of identity-rules §7: the email is not a valid address."""
        return self.email is not None and self.email_key is None

    @property
    def id_is_another_email(self) -> bool:
        """The fourth check of identity-rules §7: the id is an address other than the email."""
        return id_is_another_email(self.id, self.email_key)

    @property
    def age_key(self) -> tuple[int, int, str]:
        """Sort key, oldest first; the order of creation in the product breaks ties (identity-rules §1, age)."""
        return (self.created_at, self.inserted_at, self.cio_id)


def id_is_another_email(id_: str | None, key: str | None) -> bool:
    """Whether an id is an address with another key than this (identity-rules §3, last **D**)."""
    if id_ is None or "@" not in id_:
        return False
    own = email_key(id_)
    return own is not None and own != key


def same_person(one: Person, other: Person) -> bool:
    """Whether both are identical in storage; 1 and true are equal only in Python."""
    return one == other and repr(one.attributes) == repr(other.attributes)


def effective_created_at(attributes: Attributes, *, inserted_at: int, now: int) -> int:
    """The time that decides about a person's age, in Unix seconds (identity-rules §1, age of a person).

    It is the attribute ``created_at`` if that is a time up to now (`timestamps.time_of`), else `inserted_at`.
    """
    if "created_at" not in attributes:
        return inserted_at
    seconds = time_of(attributes["created_at"])
    return int(seconds) if seconds is not None and seconds <= now else inserted_at


def value_changes(before: Person, after: Person, names: Iterable[str]) -> dict[str, object]:
    """The changed identifiers, and attributes of these names: ``{name: {"from", "to"}}``, None for no value."""
    changes: dict[str, object] = {}
    if before.id != after.id:
        changes["id"] = {"from": before.id, "to": after.id}
    if before.email != after.email:
        changes["email"] = {"from": before.email, "to": after.email}
    old, new = before.attributes, after.attributes
    for name in names:
        if not same_value(old.get(name), new.get(name)):
            changes[name] = {"from": old.get(name), "to": new.get(name)}
    return changes
