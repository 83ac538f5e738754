"""Search for people: by a prefix of an identifier, from the indexes, or by an attribute, in a scan of all people."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workspace_operator.application.people.csv_export import cell_text
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
    """A search for a text in one workspace.

    The index finds a prefix of an identifier as fast as a complete one; any other part requires a scan. Raises
    InvalidInput if the text is empty, too long or cannot be stored.
    """

    people: People
    workspace_id: int
    text: str
    field: str = "TEXT"

    def __post_init__(self) -> None:
        """Check the text."""
        if not self.text.strip():
            raise InvalidInput(f"{self.field} is empty: enter the beginning of an id or an email", field=self.field)
        check_text(self.text, field=self.field, limit=MAX_VALUE_BYTES)

    def by_identifier(self, *, limit: int) -> list[Person]:
        """Find the person with this cio_id, and people whose id or email begins with the text. Raises NotFound."""
        cio_id = reference_to_cio_id(self.text.removeprefix(CIO_ID_PREFIX))
        exact = self.people.find_many(self.workspace_id, [cio_id])
        found = [*exact, *self.people.find_by_prefix(self.workspace_id, self.text.strip(), limit=limit)]
        return list({person.cio_id: person for person in found}.values())[:limit]

    def by_attribute(self, name: str, progress: Callable[[int], None] = lambda _: None) -> Iterator[Person]:
        """Stream people whose attribute or identifier contains the text, ignoring case.

        ``progress`` is called with the number of people after each batch of the scan.
        """
        wanted = self.text.casefold()
        for batch in batches(self.people.all(self.workspace_id), _STEP):
            yield from (person for person in batch if wanted in text_of(person, name).casefold())
            progress(len(batch))


def text_of(person: Person, name: str) -> str:
    """Value of an attribute or identifier as text: JSON if it is not text, empty if there is none."""
    value = getattr(person, name) if name in IDENTIFIER_NAMES else person.attributes.get(name)
    return cell_text(value)
