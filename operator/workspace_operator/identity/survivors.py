"""Who survives a merge, and as what (identity-rules §5). Whether to merge is not decided here."""

from dataclasses import replace

from workspace_operator.identity.attribute_times import UNSUBSCRIBED, merged_times
from workspace_operator.identity.attributes import AttributeValue
from workspace_operator.identity.people import Person, age, id_is_another_email
from workspace_operator.identity.rules import EMAIL_OR_ID, ID_ONLY, Mode
from workspace_operator.identity.truths import truth_of


def elder_first(one: Person, other: Person) -> tuple[Person, Person]:
    """The primary and the secondary of an automatic merge: the older person is primary."""
    return (one, other) if one.seniority <= other.seniority else (other, one)


def survivor(primary: Person, secondary: Person, *, mode: Mode, now: int) -> Person:
    """The primary with what it lacks taken from the secondary.

    It keeps its cio_id, its identifiers and its own attribute values. ``unsubscribed`` is true if either was;
    there may be more attributes than a call could make. In EmailOrID an id that is an address other than the
    survivor's is not taken (identity-rules §3, last **D**): it would break the fourth check of identity-rules §7.
    """
    attributes: dict[str, AttributeValue] = {**secondary.attributes, **primary.attributes}
    if any(is_true(person.attributes.get(UNSUBSCRIBED)) for person in (primary, secondary)):
        attributes[UNSUBSCRIBED] = True
    emails = primary if primary.email is not None else secondary
    id_ = secondary.id if primary.id is None else primary.id
    if mode is EMAIL_OR_ID and primary.id is None and id_is_another_email(id_, emails.email_key):
        id_ = None
    merged = Person(
        cio_id=primary.cio_id,
        id=id_,
        email=emails.email,
        email_key=emails.email_key,
        attributes=attributes,
        stored_at=primary.stored_at,
        created_at=age(attributes, stored_at=primary.stored_at, now=now),
    )
    times = merged_times(primary, secondary, merged, plain_email=mode is ID_ONLY)
    return merged if times is None else replace(merged, attribute_times=times)


def is_true(value: AttributeValue | None) -> bool:
    """Whether an attribute says yes (`truths.truth_of`)."""
    return truth_of(value) is True
