"""Taking a merge back (identity-rules §5, last **D**): which of two people has what afterwards.

What the survivor took, and still has as it was, goes back; what was changed since is the survivor's own. Belongings are
the store's business, by the same rule.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from workspace_operator.identity.attribute_times import PLAIN_EMAIL, Times
from workspace_operator.identity.attributes import same_value
from workspace_operator.identity.noting import note_changes, note_created
from workspace_operator.identity.people import Person, age
from workspace_operator.identity.population import Population
from workspace_operator.identity.references import IdentifierKey
from workspace_operator.identity.rules import EMAIL, EMAIL_OR_ID, ID, ID_ONLY, Kind
from workspace_operator.identity.trail import Absorbed

_BOTH = frozenset({ID, EMAIL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """What an undo makes of one person: two.

    Attributes:
        restored: who had ceased to exist, perhaps with no identifier but the cio_id.
        survivor: whoever had absorbed them, afterwards.
        not_free: identifiers that could not be given back, by kind and key.
    """

    restored: Person
    survivor: Person
    not_free: tuple[IdentifierKey, ...]


def undo(population: Population, merge: Absorbed, *, now: int) -> Parted:
    """Bring the secondary of a merge back.

    Args:
        population: at least the survivor, who owns the secondary's identifiers, and what blocks them. It is changed,
            and its trail grows.
        merge: what was done; nobody has absorbed the survivor since.
        now: Unix seconds.
    """
    parting = _Parting(population=population, merge=merge, before=population.people[merge.survivor.cio_id])
    returning = parting.returning()
    survivor, restored = parting.survivor(returning, now=now), parting.restored(returning, now=now)
    population.replace(survivor)
    population.insert(restored)
    note_created(population, restored, now=now)
    note_changes(population, survivor, _changes(parting.before, survivor), now=now)
    not_free = tuple(each for each in _identifiers(merge.secondary) if each[0] not in returning)
    return Parted(restored=restored, survivor=survivor, not_free=not_free)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parting:
    """A merge that is taken back, and the survivor as they are by now."""

    population: Population
    merge: Absorbed
    before: Person

    def returning(self) -> frozenset[Kind]:
        """Which identifiers the secondary gets again."""
        kinds = frozenset(each[0] for each in _identifiers(self.merge.secondary) if self._is_free(each))
        if self.population.mode is not EMAIL_OR_ID:
            return kinds
        # An id that is an address stays with that address, or is nobody's (identity-rules §3, last **D**).
        if self._giver(kinds).id_is_another_email:
            kinds -= {EMAIL}
        if _keeping(self.merge.secondary, kinds).id_is_another_email:
            kinds -= {ID}
        return kinds

    def restored(self, returning: frozenset[Kind], *, now: int) -> Person:
        secondary = self.merge.secondary
        created_at = age(secondary.attributes, stored_at=secondary.stored_at, now=now)
        return replace(_keeping(secondary, returning), created_at=created_at)

    def survivor(self, returning: frozenset[Kind], *, now: int) -> Person:
        giver, own = self._giver(returning), self.merge.primary.attributes
        attributes = dict(giver.attributes)
        given = [name for name in self.merge.survivor.attributes if self._is_taken(name) and self._is_as_it_was(name)]
        for name in given:
            del attributes[name]
            if name in own:
                attributes[name] = own[name]
        if giver.email != self.before.email:
            given.append(PLAIN_EMAIL)
        created_at = age(attributes, stored_at=giver.stored_at, now=now)
        return replace(giver, attributes=attributes, created_at=created_at, attribute_times=self._times(given))

    def _times(self, given: Collection[str]) -> Times | None:
        """The survivor's times once these attributes are what the primary's were."""
        own = self.merge.primary.attribute_times or {}
        kept = {name: at for name, at in (self.before.attribute_times or {}).items() if name not in given}
        return kept | {name: own[name] for name in given if name in own} or None

    def _is_free(self, identifier: IdentifierKey) -> bool:
        """Nobody has it and nothing blocks it, or the survivor has it from the secondary; a plain email always is."""
        kind, _ = identifier
        if kind is EMAIL and self.population.mode is ID_ONLY:
            return True
        if identifier in self.population.blocked or (kind is EMAIL and self.merge.secondary.email_key is None):
            return False
        return identifier not in self.population.owners or self._is_given(identifier)

    def _is_given(self, identifier: IdentifierKey) -> bool:
        """Whether the survivor took it, and has it."""
        kind, _ = identifier
        if _value(self.merge.primary, kind) is not None or _value(self.merge.survivor, kind) is None:
            return False
        if kind is EMAIL and self.population.mode is ID_ONLY:
            return self.before.email == self.merge.survivor.email and self._has_its_time(PLAIN_EMAIL)
        return self.population.owners.get(identifier) == self.before.cio_id

    def _giver(self, returning: frozenset[Kind]) -> Person:
        """The survivor without the identifiers that go back."""
        given = {
            each[0] for each in _identifiers(self.merge.secondary) if each[0] in returning and self._is_given(each)
        }
        return _keeping(self.before, _BOTH - given)

    def _is_taken(self, name: str) -> bool:
        """Whether the merge gave the survivor another value than the primary had."""
        return not same_value(self.merge.primary.attributes.get(name), self.merge.survivor.attributes[name])

    def _is_as_it_was(self, name: str) -> bool:
        """Whether nobody has written an attribute since the merge, not even the same value."""
        value = self.merge.survivor.attributes[name]
        return same_value(self.before.attributes.get(name), value) and self._has_its_time(name)

    def _has_its_time(self, name: str) -> bool:
        now, then = self.before.attribute_times or {}, self.merge.survivor.attribute_times or {}
        return now.get(name) == then.get(name)


def _identifiers(person: Person) -> list[IdentifierKey]:
    """Also an email that is no address: where email is an identifier, nobody can have that."""
    ids = [] if person.id is None else [(ID, person.id)]
    return ids if person.email is None else [*ids, (EMAIL, person.email_key or person.email)]


def _value(person: Person, kind: Kind) -> str | None:
    return person.id if kind is ID else person.email


def _keeping(person: Person, kinds: frozenset[Kind]) -> Person:
    """A person with these identifiers only."""
    email = (person.email, person.email_key) if EMAIL in kinds else (None, None)
    return replace(person, id=person.id if ID in kinds else None, email=email[0], email_key=email[1])


def _changes(before: Person, after: Person) -> dict[str, object]:
    """What has another value now; null where there is none."""
    changes: dict[str, object] = {}
    for kind in (ID, EMAIL):
        if _value(before, kind) != _value(after, kind):
            changes[kind.value] = {"from": _value(before, kind), "to": _value(after, kind)}
    for name, value in before.attributes.items():
        if not same_value(value, after.attributes.get(name)):
            changes[name] = {"from": value, "to": after.attributes.get(name)}
    return changes
