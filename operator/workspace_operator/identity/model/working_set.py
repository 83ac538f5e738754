"""Working set: the people that a batch of commands concerns, in plain dicts, with change tracking.

A store loads rows into a working set, executes the commands in order, and writes `WorkingSet.changes`. The in-memory
store of the tests is a working set. It guarantees that an identifier has one owner; the rules decide all else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workspace_operator.identity.model.person import Person, same_person
from workspace_operator.identity.model.person_events import PersonEvent
from workspace_operator.identity.values.references import IdentifierKey, Reference
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, ID_ONLY, IdentifierKind, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """A suppressed value; values with the same ``suppression_id`` were suppressed together (identity-rules §6)."""

    kind: IdentifierKind
    key: str
    suppression_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonUpdate:
    """A person before and after an update."""

    before: Person
    after: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """The net effect of a batch.

    Write removals before additions, since an addition can use a removed identifier. Write the events after the people,
    in order.

    Attributes:
        identifiers_added: the owner of each identifier that has a new one, its cio_id.
        identifiers_removed: the former owner of each identifier that has another one, or none.
    """

    inserted: tuple[Person, ...] = ()
    replaced: tuple[PersonUpdate, ...] = ()
    removed: tuple[Person, ...] = ()
    identifiers_added: Mapping[IdentifierKey, str] = field(default_factory=dict)
    identifiers_removed: Mapping[IdentifierKey, str] = field(default_factory=dict)
    suppressions_added: tuple[Suppression, ...] = ()
    suppressions_removed: tuple[Suppression, ...] = ()
    events: tuple[PersonEvent, ...] = ()


def identifiers_of(mode: Mode, id_: str | None, email_key: str | None) -> tuple[IdentifierKey, ...]:
    """The identifiers of a person with this id and email key; in IDOnly an email is no identifier."""
    if email_key is None or mode is ID_ONLY:
        return () if id_ is None else ((ID, id_),)
    if id_ is None:
        return ((EMAIL, email_key),)
    return ((ID, id_), (EMAIL, email_key))


class WorkingSet:
    """People by cio_id, owners of identifiers, and suppressed values.

    Attributes:
        mode: the mode in force.
        people: the loaded people by cio_id.
        owners: the cio_id of each identifier's owner; always consistent with `people`.
        suppressed: the suppression ids of each suppressed value; other values have no entry.
        devices: device tokens by cio_id, for commands that add a device; loaded only if needed (`LockSet`).
        events: the person events of the commands, in order.
    """

    __slots__ = (
        "_by_suppression",
        "_owners_before",
        "_people_before",
        "_suppressed_before",
        "devices",
        "events",
        "mode",
        "owners",
        "people",
        "suppressed",
    )

    def __init__(self, *, mode: Mode, people: Iterable[Person] = (), suppressions: Iterable[Suppression] = ()) -> None:
        self.mode = mode
        self.people: dict[str, Person] = {}
        self.owners: dict[IdentifierKey, str] = {}
        self.suppressed: dict[IdentifierKey, set[str]] = {}
        self.devices: dict[str, set[str]] = {}
        self.events: list[PersonEvent] = []
        self._by_suppression: dict[str, set[IdentifierKey]] = {}
        self._people_before: dict[str, Person | None] = {}
        self._owners_before: dict[IdentifierKey, str | None] = {}
        self._suppressed_before: dict[Suppression, bool] = {}
        for person in people:
            self.insert(person)
        for suppression in suppressions:
            self.suppress(suppression)
        self.mark_clean()

    def find(self, reference: Reference) -> Person | None:
        """The person that a reference matches; None if no person matches."""
        if reference.kind is CIO_ID:
            return self.people.get(reference.key)
        owner = self.owners.get((reference.kind, reference.key))
        return None if owner is None else self.people[owner]

    def identifiers_of(self, person: Person) -> tuple[IdentifierKey, ...]:
        """The identifiers of a person in this mode."""
        return identifiers_of(self.mode, person.id, person.email_key)

    def insert(self, person: Person) -> None:
        """Add a new person. Raises ValueError if another has the cio_id or an identifier: a bug in the caller."""
        cio_id = person.cio_id
        if cio_id in self.people:
            raise ValueError(f"person {cio_id} already exists")
        self._people_before.setdefault(cio_id, None)
        self.people[cio_id] = person
        for identifier in self.identifiers_of(person):
            self._assign(identifier, cio_id)

    def replace(self, person: Person) -> None:
        """Replace the person with the same cio_id. Raises ValueError like `insert`."""
        before = self.people[person.cio_id]
        self._people_before.setdefault(person.cio_id, before)
        self.people[person.cio_id] = person
        old, new = self.identifiers_of(before), self.identifiers_of(person)
        for identifier in old:
            if identifier not in new:
                self._unassign(identifier)
        for identifier in new:
            if identifier not in old:
                self._assign(identifier, person.cio_id)

    def remove(self, cio_id: str) -> None:
        """Remove a person; the identifiers are free."""
        before = self.people.pop(cio_id)
        self._people_before.setdefault(cio_id, before)
        self.devices.pop(cio_id, None)
        for identifier in self.identifiers_of(before):
            self._unassign(identifier)

    def merge_into(self, survivor: Person, secondary: str) -> None:
        """Replace the primary with the survivor, remove the secondary, and move its devices to the survivor."""
        tokens = self.devices.get(secondary)
        self.remove(secondary)
        self.replace(survivor)
        if tokens:
            self.devices.setdefault(survivor.cio_id, set()).update(tokens)

    def suppress(self, suppression: Suppression) -> None:
        """Suppress a value."""
        identifier = (suppression.kind, suppression.key)
        suppression_ids = self.suppressed.setdefault(identifier, set())
        self._suppressed_before.setdefault(suppression, suppression.suppression_id in suppression_ids)
        suppression_ids.add(suppression.suppression_id)
        self._by_suppression.setdefault(suppression.suppression_id, set()).add(identifier)

    def unsuppress(self, suppression_id: str) -> None:
        """End a suppression of all its values; a value with another suppression stays suppressed."""
        for kind, key in sorted(self._by_suppression.pop(suppression_id)):
            self._suppressed_before.setdefault(Suppression(kind=kind, key=key, suppression_id=suppression_id), True)
            suppression_ids = self.suppressed[kind, key]
            suppression_ids.remove(suppression_id)
            if not suppression_ids:
                del self.suppressed[kind, key]

    def changes(self) -> ChangeSet:
        """The changes since the working set was loaded or last marked clean."""
        people = [(before, self.people.get(cio_id)) for cio_id, before in self._people_before.items()]
        owners = [(key, before, self.owners.get(key)) for key, before in self._owners_before.items()]
        changed = [(key, before, after) for key, before, after in owners if before != after]
        return ChangeSet(
            inserted=tuple(after for before, after in people if before is None and after is not None),
            replaced=tuple(_person_updates(people)),
            removed=tuple(before for before, after in people if before is not None and after is None),
            identifiers_added={key: after for key, _, after in changed if after is not None},
            identifiers_removed={key: before for key, before, _ in changed if before is not None},
            suppressions_added=tuple(row for row in self._changed_suppressions() if not self._suppressed_before[row]),
            suppressions_removed=tuple(row for row in self._changed_suppressions() if self._suppressed_before[row]),
            events=tuple(self.events),
        )

    def mark_clean(self) -> None:
        """Clear the tracked changes, after the store has written them."""
        self._people_before.clear()
        self._owners_before.clear()
        self._suppressed_before.clear()
        self.events.clear()

    def _changed_suppressions(self) -> list[Suppression]:
        return [row for row, before in self._suppressed_before.items() if before is not self._is_suppressed(row)]

    def _is_suppressed(self, row: Suppression) -> bool:
        return row.suppression_id in self.suppressed.get((row.kind, row.key), ())

    def _assign(self, identifier: IdentifierKey, cio_id: str) -> None:
        owner = self.owners.get(identifier)
        if owner is not None:
            raise ValueError(f"the {identifier[0]} of {cio_id} belongs to {owner}")
        self._owners_before.setdefault(identifier, None)
        self.owners[identifier] = cio_id

    def _unassign(self, identifier: IdentifierKey) -> None:
        self._owners_before.setdefault(identifier, self.owners.pop(identifier))


def _person_updates(people: Iterable[tuple[Person | None, Person | None]]) -> Iterable[PersonUpdate]:
    for before, after in people:
        if before is not None and after is not None and not same_person(before, after):
            yield PersonUpdate(before=before, after=after)
