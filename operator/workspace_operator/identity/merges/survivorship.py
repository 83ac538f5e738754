"""Merge survivorship: the primary of a merge, and the resulting person (identity-rules §5)."""

from collections.abc import Iterable
from dataclasses import replace

from workspace_operator.identity.model.attribute_timestamps import UNSUBSCRIBED, merged_timestamps
from workspace_operator.identity.model.person import Person, effective_created_at, id_is_another_email
from workspace_operator.identity.values.attributes import AttributeValue
from workspace_operator.identity.values.booleans import boolean_of
from workspace_operator.identity.values.rules import EMAIL_OR_ID, ID_ONLY, Mode


def by_age(people: Iterable[Person]) -> list[Person]:
    """People in the order of age: the oldest is the primary of an automatic merge."""
    return sorted(people, key=lambda person: person.age_key)


def survivor(primary: Person, secondary: Person, *, mode: Mode, now: int) -> Person:
    """Return the merged person: the primary, completed with values of the secondary.

    The primary keeps its cio_id, its identifiers and its attribute values. ``unsubscribed`` is true if it was true in
    either person. The survivor can have more attributes than the limit. In EmailOrID it does not take an id that is an
    address other than its email (identity-rules §3, last **D**): it would fail the fourth check of identity-rules §7.
    """
    attributes: dict[str, AttributeValue] = {**secondary.attributes, **primary.attributes}
    if any(is_true(person.attributes.get(UNSUBSCRIBED)) for person in (primary, secondary)):
        attributes[UNSUBSCRIBED] = True
    with_email = primary if primary.email is not None else secondary
    id_ = secondary.id if primary.id is None else primary.id
    if mode is EMAIL_OR_ID and primary.id is None and id_is_another_email(id_, with_email.email_key):
        id_ = None
    merged = Person(
        cio_id=primary.cio_id,
        id=id_,
        email=with_email.email,
        email_key=with_email.email_key,
        attributes=attributes,
        inserted_at=primary.inserted_at,
        created_at=effective_created_at(attributes, inserted_at=primary.inserted_at, now=now),
    )
    timestamps = merged_timestamps(primary, secondary, merged, plain_email=mode is ID_ONLY)
    return merged if timestamps is None else replace(merged, attribute_timestamps=timestamps)


def is_true(value: AttributeValue | None) -> bool:
    """Whether an attribute value means true (`booleans.boolean_of`)."""
    return boolean_of(value) is True
