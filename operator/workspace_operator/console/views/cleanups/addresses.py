"""The address of the cleanup page: it says everything about what the page shows, so that it can be sent to others."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from typing import Final, TypeVar
from urllib.parse import urlencode

from workspace_operator.application.ports import GroupCursor, PersonCursor
from workspace_operator.errors import InvalidInput
from workspace_operator.migrations.model import Violation

E = TypeVar("E", bound=StrEnum)

DEFAULT_COLUMNS: Final = ("first_name", "name")
"""Attributes that tell people apart, if somebody on the page has them."""

MAX_COLUMNS: Final = 5
_ID_DIGITS: Final = 10

_OF_LIST: Final = "list"
"""In the query of a comparison: it was opened from the list, and not from the page of one group."""


class Show(StrEnum):
    """Which groups of a page are shown."""

    ALL = "all"
    OPEN = "open"
    DECIDED = "decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAddress:
    """The query of the cleanup page, and of the page of one group.

    Attributes:
        kind: only groups with this violation; None for all.
        find: an id, cio_id or address to look for; empty for none.
        columns: attributes that somebody chose; None for the default ones.
        after: the position behind which the page begins.
        opened: cio_id of the person whose address is being corrected; empty for none.
        key: of the group, on the page of one group; empty on the page of all.
        after_person: the position behind which the page of one group begins.
    """

    workspace_id: int
    kind: Violation | None = None
    show: Show = Show.ALL
    find: str = ""
    columns: tuple[str, ...] | None = None
    after: GroupCursor = field(default_factory=GroupCursor)
    opened: str = ""
    key: str = ""
    after_person: PersonCursor | None = None

    @classmethod
    def parse(cls, workspace_id: int, query: Mapping[str, str]) -> "ListAddress":
        """Read the query of a page. Raises InvalidInput."""
        chosen = query.get("columns")
        names = tuple(dict.fromkeys(name.strip() for name in (chosen or "").split(",") if name.strip()))
        if len(names) > MAX_COLUMNS:
            raise InvalidInput(f"{len(names)} columns are too many: choose up to {MAX_COLUMNS}", field="columns")
        return cls(
            workspace_id=workspace_id,
            kind=_choice(Violation, query, "kind"),
            show=_choice(Show, query, "show") or Show.ALL,
            find=query.get("find", "").strip(),
            columns=None if chosen is None else names,
            after=_group_cursor(query.get("after", "")),
            opened=query.get("open", ""),
            key=query.get("key", ""),
            after_person=_person_cursor(query.get("from", "")),
        )

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that are columns, if anybody has them."""
        return DEFAULT_COLUMNS if self.columns is None else self.columns

    @property
    def root(self) -> str:
        """The path of the cleanup page."""
        return f"/w/{self.workspace_id}/cleanup"

    @property
    def people_root(self) -> str:
        """The path of the search for people."""
        return f"/w/{self.workspace_id}/people"

    @property
    def query(self) -> str:
        """The query, with its question mark; empty for the beginning of the whole list."""
        after, person = self.after, self.after_person
        values = {
            "kind": self.kind,
            "show": self.show if self.show is not Show.ALL else "",
            "find": self.find,
            "after": _position(after.person) if after.person else after.email_key,
            "key": self.key,
            "from": _position(person) if person else "",
            "open": self.opened,
        }
        given = {name: value for name, value in values.items() if value}
        if self.columns is not None:
            given["columns"] = ",".join(self.columns)
        return f"?{urlencode(given)}" if given else ""

    @property
    def href(self) -> str:
        """The address of the page."""
        return self.root + ("/g" if self.key else "") + self.query

    def post(self, action: str) -> str:
        """Where a form of the page is sent, which leads back to the page."""
        return f"{self.root}/{action}{replace(self, opened='').query}"

    def of_group(self, key: str, after: PersonCursor | None = None) -> "ListAddress":
        """The page of one group."""
        return ListAddress(workspace_id=self.workspace_id, columns=self.columns, key=key, after_person=after)

    def of_list(self) -> "ListAddress":
        """The beginning of the whole list."""
        return ListAddress(workspace_id=self.workspace_id, columns=self.columns)

    def opening(self, cio_id: str, element_id: str) -> str:
        """The same page, relative to it, with fields for a person, at the element of the group."""
        return f"{replace(self, opened=cio_id).query}#{element_id}"

    def closing(self, element_id: str) -> str:
        """The same page without fields for a person, at the element of the group."""
        return f"{replace(self, opened='').href}#{element_id}"

    def compare(self, key: str) -> str:
        """The address of the page that compares the people of a group, from which `before_comparison` leads back."""
        is_of_list = "" if self.key else f"&{_OF_LIST}=1"
        return f"{self.root}/compare{replace(self, key=key, opened='').query}{is_of_list}"

    def before_comparison(self, query: Mapping[str, str]) -> str:
        """Where somebody came from who compares people, at the element of the group."""
        before = replace(self, key="") if query.get(_OF_LIST) else self
        return before.closing(group_id(self.key))


def group_id(key: str) -> str:
    """The id of the element that shows a group: stable, and without what an id may not have."""
    return f"g{sha256(key.encode(errors='surrogatepass')).hexdigest()[:_ID_DIGITS]}"


def _choice(kind: type[E], query: Mapping[str, str], name: str) -> E | None:
    value = query.get(name, "")
    try:
        return kind(value) if value else None
    except ValueError:
        raise InvalidInput(f"{name} must be one of {', '.join(kind)}", field=name) from None


def _group_cursor(text: str) -> GroupCursor:
    """A position among groups: an e-mail key, which has an @, or a person without an address."""
    return GroupCursor(email_key=text) if "@" in text else GroupCursor(person=_person_cursor(text))


def _person_cursor(text: str) -> PersonCursor | None:
    if not text:
        return None
    created_at, _, cio_id = text.partition(".")
    if not (created_at.removeprefix("-").isascii() and created_at.removeprefix("-").isdigit() and len(created_at) < 16):
        raise InvalidInput("this address of a page is damaged: begin with the first page", field="after")
    return PersonCursor(int(created_at), cio_id)


def _position(position: PersonCursor) -> str:
    return f"{position.created_at}.{position.cio_id}"
