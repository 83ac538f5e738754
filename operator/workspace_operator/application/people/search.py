"""Search for people: by identifiers, from the indexes, or by an attribute, in a scan of all people."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Self, assert_never

from workspace_operator.application.people.csv_export import cell_text
from workspace_operator.application.people.csv_import import batches
from workspace_operator.application.ports import EmailPosition, People
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.attributes import IDENTIFIER_NAMES
from workspace_operator.identity.values.email_keys import email_key, email_key_prefix
from workspace_operator.identity.values.references import Reference, bare_cio_id, reference_to_cio_id
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.identity.values.text_limits import MAX_ID_BYTES, MAX_VALUE_BYTES, check_text, quoted

PAGE: Final = 50
"""People of a page."""

MIN_PREFIX: Final = 3
"""Characters from which a text is looked for as the beginning of an identifier: a shorter one matches too many."""

MAX_READS: Final = 10
"""Queries of a page, so that its time is bounded. A page that needs more is short, and the next one continues."""

MAX_POSITION: Final = 2_000
"""Characters of the text of a position; the largest e-mail key has fewer."""

_STEP = 1000


class SearchStage(StrEnum):
    """What is compared with the text, in the order in which people are listed."""

    CIO_ID = "cio_id"
    ID = "id"
    EMAIL = "email"
    """The e-mail key, in every mode."""
    ID_PREFIX = "id_prefix"
    EMAIL_PREFIX = "email_prefix"


_PREFIXES: Final = frozenset({SearchStage.ID_PREFIX, SearchStage.EMAIL_PREFIX})


class SearchPosition(NamedTuple):
    """A position in a search: at the beginning of a stage, or behind a person of it.

    Attributes:
        key: id or e-mail key of the person; empty at the beginning.
        cio_id: of the person; empty at the beginning.
    """

    stage: SearchStage
    key: str = ""
    cio_id: str = ""

    def text(self) -> str:
        """The position as an opaque text for a URL: base64url of a JSON list."""
        document = json.dumps(list(self), ensure_ascii=False, separators=(",", ":"))
        return urlsafe_b64encode(document.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a position from its text; None from an empty one. Raises InvalidInput."""
        if not text:
            return None
        match _decode(text):
            case [str(stage), str(key), str(cio_id)] if stage in set(SearchStage):
                check_text(key, field="after", limit=MAX_VALUE_BYTES)
                check_text(cio_id, field="after", limit=MAX_ID_BYTES)
                return cls(SearchStage(stage), key, cio_id)
        message = f"after {quoted(text)} is no page: use the value of next of the page before"
        raise InvalidInput(message, field="after")


def _decode(text: str) -> object:
    """The JSON value of a text; None if it has none."""
    try:
        padded = text + "=" * (-len(text) % 4)
        return json.loads(urlsafe_b64decode(padded)) if len(text) <= MAX_POSITION else None
    except (ValueError, RecursionError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage:
    """People in the order of the search; ``next`` is None behind the last one. A page can be short or empty."""

    people: Sequence[Person]
    next: SearchPosition | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleSearch:
    """A search for a text in one workspace.

    The index finds a prefix of an identifier as fast as a complete one; any other part requires a scan. Raises
    InvalidInput if the text is empty, too long or cannot be stored.

    Attributes:
        stages: what is compared with the text.
        min_prefix: number of characters from which the text is looked for as a prefix.
    """

    people: People
    workspace_id: int
    text: str
    field: str = "TEXT"
    stages: tuple[SearchStage, ...] = tuple(SearchStage)
    min_prefix: int = MIN_PREFIX

    def __post_init__(self) -> None:
        """Check the text."""
        if not self._text:
            raise InvalidInput(f"{self.field} is empty: enter the beginning of an id or an email", field=self.field)
        check_text(self.text, field=self.field, limit=MAX_VALUE_BYTES)

    @property
    def _text(self) -> str:
        return self.text.strip()

    def page(self, *, after: SearchPosition | None = None, limit: int = PAGE) -> PeoplePage:
        """Find people behind a position, each once, at the first stage that matches. Raises NotFound."""
        people: list[Person] = []
        remaining = [stage for stage in self.stages if self._can_match(stage)]
        if after is not None:
            remaining = remaining[remaining.index(after.stage) :] if after.stage in remaining else []
        if not remaining:
            return PeoplePage(people=people, next=None)
        position = after or SearchPosition(remaining[0])
        for _ in range(MAX_READS):
            found = self._read(position, limit + 1)
            for person in found:
                is_new = not self._is_listed_before(person, position.stage)
                if is_new and len(people) == limit:
                    return PeoplePage(people=people, next=position)
                position = _behind(position.stage, person)
                people += [person] if is_new else []
            if len(found) <= limit:
                del remaining[0]
                if not remaining:
                    return PeoplePage(people=people, next=None)
                position = SearchPosition(remaining[0])
        return PeoplePage(people=people, next=position)

    def _read(self, position: SearchPosition, limit: int) -> Sequence[Person]:
        """The next people of a stage, whether they were listed before or not."""
        text, number = self._text, self.workspace_id
        match position.stage:
            case SearchStage.CIO_ID:
                return self.people.find_many(number, [reference_to_cio_id(bare_cio_id(text))])
            case SearchStage.ID:
                return self.people.find_many(number, [Reference(kind=IdentifierKind.ID, value=text, key=text)])
            case SearchStage.EMAIL:
                key = email_key_prefix(text)  # the key itself, since there is one
                return self.people.find_by_email(number, key, after=position.cio_id, limit=limit)
            case SearchStage.ID_PREFIX:
                return self.people.find_by_id_prefix(number, text, after=position.key, limit=limit)
            case SearchStage.EMAIL_PREFIX:
                start = EmailPosition(position.key, position.cio_id)
                return self.people.find_by_email_prefix(number, email_key_prefix(text), after=start, limit=limit)
            case _ as never:
                assert_never(never)

    def _can_match(self, stage: SearchStage) -> bool:
        """Whether the text is one that the stage compares."""
        if stage is SearchStage.EMAIL:
            return email_key(self._text) is not None
        return stage not in _PREFIXES or len(self._text) >= self.min_prefix

    def _is_listed_before(self, person: Person, stage: SearchStage) -> bool:
        """Whether an earlier stage matches the person."""
        return any(self._matches(person, earlier) for earlier in self.stages[: self.stages.index(stage)])

    def _matches(self, person: Person, stage: SearchStage) -> bool:
        text = self._text
        match stage:
            case SearchStage.CIO_ID:
                return person.cio_id == bare_cio_id(text)
            case SearchStage.ID:
                return person.id == text
            case SearchStage.EMAIL:
                return person.email_key is not None and person.email_key == email_key(text)
            case _:  # the last stage precedes no other one
                return (person.id or "").startswith(text)

    def by_attribute(self, name: str, progress: Callable[[int], None] = lambda _: None) -> Iterator[Person]:
        """Stream people whose attribute or identifier contains the text, ignoring case.

        ``progress`` is called with the number of people after each batch of the scan.
        """
        wanted = self.text.casefold()
        for batch in batches(self.people.all(self.workspace_id), _STEP):
            yield from (person for person in batch if wanted in text_of(person, name).casefold())
            progress(len(batch))


def _behind(stage: SearchStage, person: Person) -> SearchPosition:
    key = person.id if stage is SearchStage.ID_PREFIX else person.email_key
    return SearchPosition(stage, key or "", person.cio_id)


def text_of(person: Person, name: str) -> str:
    """Value of an attribute or identifier as text: JSON if it is not text, empty if there is none."""
    value = getattr(person, name) if name in IDENTIFIER_NAMES else person.attributes.get(name)
    return cell_text(value)
