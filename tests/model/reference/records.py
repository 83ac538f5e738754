"""What the model keeps: people, suppressions, activities and merges, as plain mutable records."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeAlias

from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.rules import EMAIL, ID, IdentifierKind

Value: TypeAlias = tuple[IdentifierKind, str]
"""Kind and key of an identifier."""

EMAIL_NAME = "email"

key_of_email = lru_cache(maxsize=10_000)(email_key)


@dataclass(kw_only=True)
class ModelPerson:
    """A person with all that hangs on them. ``times`` says when attributes were written or removed, if we know."""

    cio_id: str
    id: str | None = None
    email: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)
    inserted_at: int
    age: int
    devices: dict[str, Device] = field(default_factory=dict)
    segments: set[int] = field(default_factory=set)

    @property
    def key(self) -> str | None:
        """What is compared of the email; None if there is none, or if it is no address."""
        return None if self.email is None else key_of_email(self.email)

    @property
    def age_key(self) -> tuple[int, int, str]:
        """The oldest sorts first; ties go by the order in which people were made."""
        return (self.age, self.inserted_at, self.cio_id)

    @property
    def values(self) -> set[Value]:
        """The id, and the address, whether or not that is an identifier."""
        ids: set[Value] = set() if self.id is None else {(ID, self.id)}
        emails: set[Value] = set() if self.key is None else {(EMAIL, self.key)}
        return ids | emails

    def own(self, kind: IdentifierKind) -> str | None:
        """What is compared of one of the identifiers that change."""
        return self.id if kind is ID else self.key

    def has(self, name: str) -> bool:
        """Whether an attribute is there; in IDOnly the email is one."""
        return name in self.attributes or (name == EMAIL_NAME and self.email is not None)

    def time_of(self, name: str) -> float | None:
        """When an attribute was written or removed; None if nobody ever did either."""
        return self.times.get(name, self.inserted_at if self.has(name) else None)

    def copy(self) -> "ModelPerson":
        """Another one, who can be changed; values are never changed in place."""
        return replace(
            self,
            attributes=dict(self.attributes),
            times=dict(self.times),
            devices=dict(self.devices),
            segments=set(self.segments),
        )


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A change of an identifier or of an attribute that is refused."""

    kind: str
    value: object
    reason: str


@dataclass(frozen=True, kw_only=True)
class CommandOutcome:
    """The result of a command; ``effect`` is None where the text is no command at all."""

    effect: Effect | None
    reason: str = ""
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Something that happened. ``origin`` is whose it was when it was recorded: a merge moves it, an undo does back."""

    type: ActivityType
    origin: str | None
    at: int
    name: str = ""
    event_id: str | None = None
    anonymous_id: str | None = None
    data: Mapping[str, Any]


@dataclass(kw_only=True)
class Merged:
    """An entry of the journal: both people before, and what the merge by itself made of them."""

    primary: ModelPerson
    secondary: ModelPerson
    survivor: ModelPerson
    automatic: bool
    at: int
    holder: str | None
    undone: bool = False

    @property
    def cio_ids(self) -> set[str]:
        return {self.primary.cio_id, self.secondary.cio_id}
