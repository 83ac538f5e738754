"""People as the rules see them, and what the checks of identity-rules §7 need to know of each."""

from collections.abc import Mapping
from dataclasses import dataclass

from workspace_operator.identity.values.attributes import Attributes
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.timestamps import time_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One individual in one workspace.

    Attributes:
        cio_id: ours, without the ``cio_`` prefix; later people should sort after earlier ones.
        id: the caller's, exactly as sent.
        email: as it was sent, whatever the mode; None if there is none, never empty.
        email_key: what `email_keys.email_key` makes of it; None also if it is no address.
        attributes: everything else that is known; without id, email and cio_id, never null or empty text.
        inserted_at: when we made the person, Unix seconds.
        created_at: the age that counts (`age`), Unix seconds.
        attribute_timestamps: when attributes got their values, where that is not `inserted_at`, and when removed ones
            were removed; Unix seconds by name (identity-rules §4, ``_timestamp``), never empty. None: all are as old
            as the person. In mode IDOnly the email is an attribute in this, too.
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
        """The second check of identity-rules §7: there is an email, and it is no address."""
        return self.email is not None and self.email_key is None

    @property
    def id_is_another_email(self) -> bool:
        """The fourth check of identity-rules §7: the id is an address, and not the one that the email is."""
        return id_is_another_email(self.id, self.email_key)

    @property
    def age_key(self) -> tuple[int, int, str]:
        """Sorts the oldest first; ties go by the order in which we made them (identity-rules §1, age)."""
        return (self.created_at, self.inserted_at, self.cio_id)


def id_is_another_email(id_: str | None, key: str | None) -> bool:
    """Whether an id is an address other than the one with that key (identity-rules §3, last **D**)."""
    if id_ is None or "@" not in id_:
        return False
    own = email_key(id_)
    return own is not None and own != key


def same_person(one: Person, other: Person) -> bool:
    """Whether writing one over the other would change nothing; 1 and true are equal only to Python."""
    return one == other and repr(one.attributes) == repr(other.attributes)


def effective_created_at(attributes: Attributes, *, inserted_at: int, now: int) -> int:
    """When a person counts as made, in Unix seconds (identity-rules §1, age of a person).

    The attribute ``created_at`` if that is a time up to now (`timestamps.time_of`); else `inserted_at`.
    """
    if "created_at" not in attributes:
        return inserted_at
    seconds = time_of(attributes["created_at"])
    return int(seconds) if seconds is not None and seconds <= now else inserted_at
