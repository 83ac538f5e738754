"""Who survives a merge, and as what (identity-rules §5). Whether to merge is not decided here."""

from workspace_operator.identity.attributes import AttributeValue
from workspace_operator.identity.people import Person, age


def elder_first(one: Person, other: Person) -> tuple[Person, Person]:
    """The primary and the secondary of an automatic merge: the older person is primary."""
    return (one, other) if one.seniority <= other.seniority else (other, one)


def survivor(primary: Person, secondary: Person, *, now: int) -> Person:
    """The primary with what it lacks taken from the secondary.

    It keeps its cio_id, its identifiers and its own attribute values. ``unsubscribed`` is true if either was;
    there may be more attributes than a call could make.
    """
    attributes: dict[str, AttributeValue] = {**secondary.attributes, **primary.attributes}
    if any(is_true(person.attributes.get("unsubscribed")) for person in (primary, secondary)):
        attributes["unsubscribed"] = True
    keeps_email = primary.email is not None
    return Person(
        cio_id=primary.cio_id,
        id=secondary.id if primary.id is None else primary.id,
        email=primary.email if keeps_email else secondary.email,
        email_key=primary.email_key if keeps_email else secondary.email_key,
        attributes=attributes,
        stored_at=primary.stored_at,
        created_at=age(attributes, stored_at=primary.stored_at, now=now),
    )


def is_true(value: AttributeValue | None) -> bool:
    """Whether an attribute says yes: files have text where the API has true."""
    return value == 1 or (isinstance(value, str) and value.strip().lower() in {"true", "1"})
