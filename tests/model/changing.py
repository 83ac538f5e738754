"""A second opinion on identity-rules §7: changing a workspace's identifiers, written from the text alone."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from tests.model.attributes import survivor_of
from tests.model.authority import id_is_another_email
from tests.model.drafts import Draft
from tests.model.people import People
from tests.model.records import Merged, Someone
from workspace_operator.identity.rules import CIO_ID, EMAIL, IdentityRules, Mode

CHANGES: Mapping[Mode, Mode] = {
    Mode.ID_ONLY: Mode.EMAIL_OR_ID,
    Mode.EMAIL_ONLY: Mode.EMAIL_OR_ID,
    Mode.EMAIL_OR_ID: Mode.ID_ONLY,
}
"""The changes there are: from the mode in force to the only other one that it may become."""


class Listed(NamedTuple):
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
    def is_in_the_way(self) -> bool:
        return self.sharing > 1 or self.is_invalid or self.is_suppressed or self.id_is_another


@dataclass(kw_only=True)
class Change:
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
    given_up: int = 0
    entries: list[Merged] = field(default_factory=list)

    @property
    def validates(self) -> bool:
        """Whether people are validated: where addresses become identifiers that were not."""
        return self.from_mode is Mode.ID_ONLY


class ChangingPeople(People):
    """Everybody, while the identifiers change."""

    def __init__(self, rules: IdentityRules) -> None:
        super().__init__(rules)
        self.change: Change | None = None
        self.exports: dict[int, list[Listed]] = {}

    @property
    def is_changing(self) -> bool:
        return self.change is not None and self.change.is_open

    def request(self, *, merges: bool) -> None:
        """What counts is the mode in force."""
        assert not self.is_changing
        self.change = Change(from_mode=self.rules.mode, merges=merges)

    def in_the_way(self) -> list[Listed]:
        """Who stops the change that is open; in the order of the export."""
        assert self.change is not None
        if not self.change.validates:
            return []
        sharing = {} if self.change.merges else self.sharing()
        rows = [self._listed(each, sharing) for each in self.people.values()]
        found = [row for row in rows if row.is_in_the_way]
        return sorted(found, key=lambda row: (row.key or "", row.age, row.cio_id))

    def _listed(self, each: Someone, sharing: Mapping[str, list[Someone]]) -> Listed:
        return Listed(
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

    def sharing(self) -> dict[str, list[Someone]]:
        """People who share an address, the oldest first."""
        groups = defaultdict(list)
        for each in sorted(self.people.values(), key=lambda each: each.seniority):
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

    def switch(self, now: int) -> None:
        """The moment of the change: from here on the new rules hold, and who shares an address is one person."""
        change = self.change
        assert change is not None
        assert not self.in_the_way()
        if change.validates and change.merges:
            for group in self.sharing().values():
                self._make_one(group, change, now)
        self.rules = replace(self.rules, mode=CHANGES[change.from_mode])
        change.switched = True

    def _make_one(self, group: list[Someone], change: Change, now: int) -> None:
        """The oldest takes in the others, one after the other; each is a merge by itself, which can be undone."""
        ids = [each.id for each in group if each.id is not None]
        primary = group[0]
        for other in group[1:]:
            draft = Draft.of(primary, named_by=CIO_ID)
            draft.primary, draft.absorbed = primary, other
            draft.merged = survivor_of(primary, other, Mode.EMAIL_OR_ID, now)
            primary = self.people[primary.cio_id] = draft.merged.copy()
            self._absorb(draft, now)
            change.entries.append(self.journal[-1])
        assert primary.id == next(iter(ids), None), "the survivor keeps its id, or takes that of the oldest other"
        change.merged += len(group) - 1
        change.given_up += max(len(ids) - 1, 0)

    def report(self, number: int) -> None:
        """Write down who stands in the way."""
        self.exports[number] = self.in_the_way()

    def forget_the_gone(self) -> None:
        """Whoever is no more is in no export; who comes back is not in it again."""
        for number, rows in self.exports.items():
            self.exports[number] = [row for row in rows if row.cio_id in self.people]

    def _remove(self, person: Someone, now: int, *, suppressed: bool) -> None:
        super()._remove(person, now, suppressed=suppressed)
        self.forget_the_gone()

    def _absorb(self, draft: Draft, now: int, *, automatic: bool = True) -> None:
        super()._absorb(draft, now, automatic=automatic)
        self.forget_the_gone()
