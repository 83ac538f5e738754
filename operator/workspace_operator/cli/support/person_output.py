"""Output of people as JSON and in tables."""

from workspace_operator.identity.model.person import Person

PERSON_COLUMNS = ("CIO_ID", "ID", "EMAIL")


def person_document(person: Person) -> dict[str, object]:
    """Return a person as a JSON document."""
    return {
        "cio_id": person.cio_id,
        "id": person.id,
        "email": person.email,
        "created_at": person.created_at,
        "attributes": dict(person.attributes),
    }
