"""Undo of a merge (identity-rules §5, last **D**): splits the survivor's data between two people.

What the survivor took and has unchanged returns to the secondary; what has changed since stays with the survivor. The
store applies the same rule to devices, segments and activities.
"""

from dataclasses import dataclass, replace

from workspace_operator.identity.model.activity_log import log_changes, log_created
from workspace_operator.identity.model.attribute_timestamps import PLAIN_EMAIL
from workspace_operator.identity.model.person import Person, effective_created_at, value_changes
from workspace_operator.identity.model.person_events import PeopleMerged
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.attributes import same_value
from workspace_operator.identity.values.references import IdentifierKey
from workspace_operator.identity.values.rules import EMAIL, EMAIL_OR_ID, ID, ID_ONLY, IdentifierKind

_BOTH = frozenset({ID, EMAIL})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmergeResult:
    """The two people after an undo.

    Attributes:
        restored: the secondary of the merge, perhaps with no identifier but the cio_id.
        survivor: the survivor of the merge after the undo.
        unavailable: identifiers that the secondary does not get back, by kind and key.
    """

    restored: Person
    survivor: Person
    unavailable: tuple[IdentifierKey, ...]


def unmerge(working_set: WorkingSet, merge: PeopleMerged, *, now: int) -> UnmergeResult:
    """Restore the secondary of a merge whose survivor has not been merged into another person since.

    The working set contains at least the survivor, the owners of the secondary's identifiers, and their suppressions;
    the function changes it and appends events.
    """
    state = _Unmerge(working_set=working_set, merge=merge, before=working_set.people[merge.survivor.cio_id])
    restorable = state.restorable()
    survivor, restored = state.survivor(restorable, now=now), state.restored(restorable, now=now)
    working_set.replace(survivor)
    working_set.insert(restored)
    log_created(working_set, restored, now=now)
    log_changes(working_set, survivor, value_changes(state.before, survivor, state.before.attributes), now=now)
    unavailable = tuple(key for key in _identifiers(merge.secondary) if key[0] not in restorable)
    return UnmergeResult(restored=restored, survivor=survivor, unavailable=unavailable)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unmerge:
    """A merge to undo, and the survivor before the undo."""

    working_set: WorkingSet
    merge: PeopleMerged
    before: Person

    def restorable(self) -> frozenset[IdentifierKind]:
        """The kinds of identifiers that the secondary gets back."""
        kinds = frozenset(key[0] for key in _identifiers(self.merge.secondary) if self._is_free(key))
        if self.working_set.mode is not EMAIL_OR_ID:
            return kinds
        # No person has an id that is an address other than the email (identity-rules §3, last **D**).
        if self._survivor_without_returned(kinds).id_is_another_email:
            kinds -= {EMAIL}
        if _with_identifiers(self.merge.secondary, kinds).id_is_another_email:
            kinds -= {ID}
        return kinds

    def restored(self, restorable: frozenset[IdentifierKind], *, now: int) -> Person:
        secondary = self.merge.secondary
        created_at = effective_created_at(secondary.attributes, inserted_at=secondary.inserted_at, now=now)
        return replace(_with_identifiers(secondary, restorable), created_at=created_at)

    def survivor(self, restorable: frozenset[IdentifierKind], *, now: int) -> Person:
        remaining, own = self._survivor_without_returned(restorable), self.merge.primary.attributes
        attributes = dict(remaining.attributes)
        returned = [name for name in self.merge.survivor.attributes if self._returns(name)]
        for name in returned:
            del attributes[name]
            if name in own:
                attributes[name] = own[name]
        if remaining.email != self.before.email:
            returned.append(PLAIN_EMAIL)
        own_times = self.merge.primary.attribute_timestamps or {}
        times = {name: at for name, at in (self.before.attribute_timestamps or {}).items() if name not in returned}
        times |= {name: own_times[name] for name in returned if name in own_times}
        created_at = effective_created_at(attributes, inserted_at=remaining.inserted_at, now=now)
        return replace(remaining, attributes=attributes, created_at=created_at, attribute_timestamps=times or None)

    def _is_free(self, identifier: IdentifierKey) -> bool:
        """Whether the secondary can get the identifier back; a plain email always returns.

        No person has it and it is not suppressed, or the survivor took it in the merge and still has it.
        """
        kind, _ = identifier
        if kind is EMAIL and self.working_set.mode is ID_ONLY:
            return True
        if identifier in self.working_set.suppressed or (kind is EMAIL and self.merge.secondary.email_key is None):
            return False
        return identifier not in self.working_set.owners or self._is_transferred(identifier)

    def _is_transferred(self, identifier: IdentifierKey) -> bool:
        """Whether the survivor took the identifier in the merge and still has it."""
        kind, _ = identifier
        if _value(self.merge.primary, kind) is not None or _value(self.merge.survivor, kind) is None:
            return False
        if kind is EMAIL and self.working_set.mode is ID_ONLY:
            return self.before.email == self.merge.survivor.email and self._has_same_timestamp(PLAIN_EMAIL)
        return self.working_set.owners.get(identifier) == self.before.cio_id

    def _survivor_without_returned(self, restorable: frozenset[IdentifierKind]) -> Person:
        """The survivor without the identifiers that return to the secondary."""
        returned = {
            identifier[0]
            for identifier in _identifiers(self.merge.secondary)
            if identifier[0] in restorable and self._is_transferred(identifier)
        }
        return _with_identifiers(self.before, _BOTH - returned)

    def _returns(self, name: str) -> bool:
        """Whether the survivor took the value, and no command has written it since, not even with the same value."""
        value = self.merge.survivor.attributes[name]
        if same_value(self.merge.primary.attributes.get(name), value):
            return False
        return same_value(self.before.attributes.get(name), value) and self._has_same_timestamp(name)

    def _has_same_timestamp(self, name: str) -> bool:
        now, then = self.before.attribute_timestamps or {}, self.merge.survivor.attribute_timestamps or {}
        return now.get(name) == then.get(name)


def _identifiers(person: Person) -> list[IdentifierKey]:
    """The person's id and email, also an invalid email, which no person can own as an identifier."""
    ids = [] if person.id is None else [(ID, person.id)]
    return ids if person.email is None else [*ids, (EMAIL, person.email_key or person.email)]


def _value(person: Person, kind: IdentifierKind) -> str | None:
    return person.id if kind is ID else person.email


def _with_identifiers(person: Person, kinds: frozenset[IdentifierKind]) -> Person:
    """A person with these identifiers only."""
    email = (person.email, person.email_key) if EMAIL in kinds else (None, None)
    return replace(person, id=person.id if ID in kinds else None, email=email[0], email_key=email[1])
