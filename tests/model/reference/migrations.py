"""A second opinion on identity-rules §7: changing a workspace's identifiers, written from the text alone."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from tests.model.reference.attributes import survivor_of
from tests.model.reference.people import People
from tests.model.reference.permissions import id_is_another_email
from tests.model.reference.records import Merged, ModelPerson
from tests.model.reference.working_copy import Draft
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, IdentityRules, Mode

TRANSITIONS: Mapping[Mode, Mode] = {
    Mode.ID_ONLY: Mode.EMAIL_OR_ID,
    Mode.EMAIL_ONLY: Mode.EMAIL_OR_ID,
    Mode.EMAIL_OR_ID: Mode.ID_ONLY,
}
"""The changes there are: from the mode in force to the only other one that it may become."""


class ListedPerson(NamedTuple):
    """Somebody who stands in the way, in the order of an export's columns."""

    cio_id: str
    id: str | None
    email: str | None
    key: str | None
    age: int
    sharing: int
    is_invalid: bool
    is_suppressed: bool
    id_is_another: bool

    @property
    def is_blocking(self) -> bool:
        return self.sharing > 1 or self.is_invalid or self.is_suppressed or self.id_is_another


@dataclass(kw_only=True)
class ModelMigration:
    """An identifier change, as far as the rules know of one.

    Attributes:
        merges: people who share an address become one, and stand in nobody's way.
        merged: how many people became part of somebody else at the switch.
        given_up: how many ids became free by that.
        entries: what the switch added to the journal.
    """

    from_mode: Mode
    merges: bool
    switched: bool = False
    is_open: bool = True
    is_paused: bool = False
    merged: int = 0
    released: int = 0
    entries: list[Merged] = field(default_factory=list)

    @property
    def validates(self) -> bool:
        """Whether people are validated: where addresses become identifiers that were not."""
        return self.from_mode is Mode.ID_ONLY


class MigratingModel(People):
    """Everybody, while the identifiers change."""

    def __init__(self, rules: IdentityRules) -> None:
        super().__init__(rules)
        self.change: ModelMigration | None = None
        self.exports: dict[int, list[ListedPerson]] = {}

    @property
    def is_migrating(self) -> bool:
        return self.change is not None and self.change.is_open

    def request(self, *, merges: bool) -> None:
        """What counts is the mode in force."""
        assert not self.is_migrating
        self.change = ModelMigration(from_mode=self.rules.mode, merges=merges)

    def blocking(self) -> list[ListedPerson]:
        """Who stops the change that is open; in the order of the export."""
        assert self.change is not None
        if not self.change.validates:
            return []
        sharing = {} if self.change.merges else self.sharing()
        rows = [self._listed(each, sharing) for each in self.people.values()]
        found = [row for row in rows if row.is_blocking]
        return sorted(found, key=lambda row: (row.key or "", row.age, row.cio_id))

    def _listed(self, each: ModelPerson, sharing: Mapping[str, list[ModelPerson]]) -> ListedPerson:
        return ListedPerson(
            cio_id=each.cio_id,
            id=each.id,
            email=each.email,
            key=each.key,
            age=each.age,
            sharing=len(sharing.get(each.key or "", [each])),
            is_invalid=each.email is not None and each.key is None,
            is_suppressed=self.is_suppressed(EMAIL, each.key),
            id_is_another=id_is_another_email(each.id, each.key),
        )

    def sharing(self) -> dict[str, list[ModelPerson]]:
        """People who share an address, the oldest first."""
        groups = defaultdict(list)
        for each in sorted(self.people.values(), key=lambda each: each.age_key):
            if each.key is not None:
                groups[each.key].append(each)
        return {key: group for key, group in groups.items() if len(group) > 1}

    def counts(self) -> dict[str, int]:
        """How many people there are, by what they have."""
        people = self.people.values()
        return {
            "total": len(people),
            "with_email": sum(each.email is not None for each in people),
            "without_id": sum(each.id is None for each in people),
            "without_identifier": sum(each.id is None and each.key is None for each in people),
        }

    def cut_over(self, now: int) -> None:
        """The moment of the change: from here on the new rules hold, and who shares an address is one person."""
        migration = self.change
        assert migration is not None
        assert not self.blocking()
        if migration.validates and migration.merges:
            for group in self.sharing().values():
                self._make_one(group, migration, now)
        self.rules = replace(self.rules, mode=TRANSITIONS[migration.from_mode])
        migration.switched = True

    def _make_one(self, group: list[ModelPerson], migration: ModelMigration, now: int) -> None:
        """The oldest takes in the others, one after the other; each is a merge by itself, which can be undone."""
        ids = [each.id for each in group if each.id is not None]
        primary = group[0]
        for other in group[1:]:
            draft = Draft.of(primary, identified_by=CIO_ID)
            draft.primary, draft.secondary = primary, other
            draft.merged = survivor_of(primary, other, Mode.EMAIL_OR_ID, now)
            primary = self.people[primary.cio_id] = draft.merged.copy()
            self._absorb(draft, now)
            migration.entries.append(self.journal[-1])
        assert primary.id == next(iter(ids), None), "the survivor keeps its id, or takes that of the oldest other"
        migration.merged += len(group) - 1
        migration.released += max(len(ids) - 1, 0)

    def report(self, number: int) -> None:
        """Write down who stands in the way."""
        self.exports[number] = self.blocking()

    def drop_deleted(self) -> None:
        """Whoever is no more is in no export; who comes back is not in it again."""
        for number, rows in self.exports.items():
            self.exports[number] = [row for row in rows if row.cio_id in self.people]

    def _remove(self, person: ModelPerson, now: int, *, suppressed: bool) -> None:
        super()._remove(person, now, suppressed=suppressed)
        self.drop_deleted()

    def _absorb(self, draft: Draft, now: int, *, automatic: bool = True) -> None:
        super()._absorb(draft, now, automatic=automatic)
        self.drop_deleted()
