"""Search for people: by the beginning of an identifier, from the indexes, or through everybody by an attribute."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workspace_operator.application.people.csv_import import batches
from workspace_operator.application.ports import People
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.attributes import IDENTIFIER_NAMES
from workspace_operator.identity.values.references import CIO_ID_PREFIX, reference_to_cio_id
from workspace_operator.identity.values.text_limits import MAX_VALUE_BYTES, check_text

_STEP = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleSearch:
    """A search in one workspace for a text.

    In the index the beginning of an identifier costs as much as a whole one; any other part of it takes a scan.

    Raises:
        InvalidInput: the text is empty, too long or no text that can be stored.
    """

    people: People
    workspace_id: int
    text: str
    field: str = "TEXT"

    def __post_init__(self) -> None:
        """Refuse a text that nothing can match."""
        if not self.text.strip():
            raise InvalidInput(f"{self.field} is empty: name the beginning of an id or an email", field=self.field)
        check_text(self.text, field=self.field, limit=MAX_VALUE_BYTES)

    def by_identifier(self, *, limit: int) -> list[Person]:
        """The person with this cio_id, and people whose id or email begins with the text. Raises NotFound."""
        cio_id = reference_to_cio_id(self.text.removeprefix(CIO_ID_PREFIX))
        exact = self.people.find_many(self.workspace_id, [cio_id])
        found = [*exact, *self.people.find_by_prefix(self.workspace_id, self.text.strip(), limit=limit)]
        return list({person.cio_id: person for person in found}.values())[:limit]

    def by_attribute(self, name: str, progress: Callable[[int], None] = lambda _: None) -> Iterator[Person]:
        """Stream people who have the text, in any case, somewhere in an attribute, an id or an email.

        Args:
            name: of the attribute or identifier.
            progress: is told of each further so many people that were looked at.
        """
        wanted = self.text.casefold()
        for some in batches(self.people.all(self.workspace_id), _STEP):
            yield from (person for person in some if wanted in text_of(person, name).casefold())
            progress(len(some))


def text_of(person: Person, name: str) -> str:
    """The value of an attribute or identifier as text; what is not text as JSON, empty if there is none."""
    value = getattr(person, name) if name in IDENTIFIER_NAMES else person.attributes.get(name)
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
