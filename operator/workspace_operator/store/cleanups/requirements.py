"""What the requirements of decisions depend on, read from the store (cleanups §3)."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from workspace_operator.cleanups.decisions import (
    DOES_NOT_BLOCK,
    HAS_CHANGED,
    SURVIVOR_HAS_CHANGED,
    Decision,
    DecisionContext,
    reason_refused,
)
from workspace_operator.cleanups.model import StoredDecision
from workspace_operator.identity.model.person import Person
from workspace_operator.store.cleanups.listed_people import ListedPerson, listed_people, stored_people
from workspace_operator.store.cleanups.rows import LockedCleanup
from workspace_operator.store.engine.sql import CompiledStatement, any_of, encode_json, json_array_rows
from workspace_operator.store.schema.cleanup_tables import cleanup_decision

MAX_SECONDARIES: Final = 1000
"""Merges into people without an id whose ids are looked at, for all decisions of a request; further ones are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What decisions about some people depend on, by cio_id.

    Attributes:
        listed: the people that the export lists, and survivors that it lists.
        survivors: the people to merge into, as they are.
        stored: the decisions that are stored about the people and the survivors.
        secondaries: people that stored decisions merge into those who are to be removed, or to get another address
            without an id.
    """

    listed: Mapping[str, ListedPerson]
    survivors: Mapping[str, Person]
    stored: Mapping[str, StoredDecision]
    secondaries: Mapping[str, Sequence[Person]]

    def refusal(
        self,
        cio_id: str,
        decision: Decision,
        others: Mapping[str, Decision],
        secondaries: Sequence[Person] = (),
    ) -> str | None:
        """Why a decision is refused, if ``others`` are the decisions about the people to merge into."""
        found = self.listed.get(cio_id)
        if found is None:
            return DOES_NOT_BLOCK
        survivor = decision.survivor or ""
        return reason_refused(
            DecisionContext(
                person=found.person,
                violations=found.violations,
                decision=decision,
                survivor=self.survivors.get(survivor),
                survivor_decision=others.get(survivor),
                secondaries=secondaries,
            )
        )

    def counting(self) -> Mapping[str, Decision]:
        """The stored decisions that count, as far as that depends on the person alone."""
        return {
            cio_id: stored.decision
            for cio_id, stored in self.stored.items()
            if not self._has_changed(cio_id)
            and (stored.decision.survivor is not None or self.refusal(cio_id, stored.decision, {}) is None)
        }

    def stored_refusal(self, cio_id: str, others: Mapping[str, Decision]) -> str | None:
        """Why a stored decision has no effect; ``others`` are as of `refusal`.

        One about another address than the person, or the person to merge into, has now would be skipped when it is
        carried out (cleanups §6).
        """
        if self._has_changed(cio_id):
            return HAS_CHANGED
        if self._survivor_has_changed(self.stored[cio_id]):
            return SURVIVOR_HAS_CHANGED
        return self.refusal(cio_id, self.stored[cio_id].decision, others)

    def _has_changed(self, cio_id: str) -> bool:
        found = self.listed.get(cio_id)
        return found is not None and found.person.email_key != self.stored[cio_id].seen_email_key

    def _survivor_has_changed(self, stored: StoredDecision) -> bool:
        survivor = self.survivors.get(stored.decision.survivor or "")
        return survivor is not None and survivor.email_key != stored.seen_survivor_key

    def survivor_key(self, decision: Decision) -> str | None:
        """The e-mail key of the person to merge into, as whoever decides sees it; None if it is no merge."""
        survivor = decision.survivor or ""
        found = self.listed.get(survivor)
        person = self.survivors.get(survivor) if found is None else found.person
        return None if person is None else person.email_key

    def refusals(self, wanted: Mapping[str, Decision]) -> Mapping[str, str]:
        """Which of new decisions are refused, and why; each depends on the others as far as they are accepted."""
        refused: dict[str, str] = {}
        stored = self.counting()
        while True:
            accepted = {cio_id: decision for cio_id, decision in wanted.items() if cio_id not in refused}
            decisions = {**stored, **accepted}
            kept = self._secondaries_kept(accepted)
            further = {
                cio_id: reason
                for cio_id, decision in accepted.items()
                if (reason := self.refusal(cio_id, decision, decisions, kept.get(cio_id, ()))) is not None
            }
            if not further:
                return refused
            refused |= further

    def _secondaries_kept(self, accepted: Collection[str]) -> Mapping[str, Sequence[Person]]:
        """The people that stored decisions still merge, by survivor, after the accepted ones have replaced theirs."""
        kept: dict[str, list[Person]] = defaultdict(list)
        for survivor, people in self.secondaries.items():
            kept[survivor] += [person for person in people if person.cio_id not in accepted]
        return kept


def read_facts(
    locked: LockedCleanup, wanted: Mapping[str, Decision], stored: Mapping[str, StoredDecision] | None = None
) -> Facts:
    """Read what decisions depend on; ``stored`` are those about the same people, if they were read already."""
    survivors = {decision.survivor for decision in wanted.values() if decision.survivor is not None}
    names = {*wanted, *survivors}
    listed = listed_people(locked.connection, locked.workspace_id, locked.row.export_number, names)
    known = {} if stored is None else dict(stored)
    known |= locked.decisions(names - known.keys())
    return Facts(
        listed=listed,
        survivors=stored_people(locked.connection, locked.workspace_id, survivors),
        stored=known,
        # Stored decisions met this requirement when they were made, and none that breaks it was accepted since.
        secondaries=_read_secondaries(locked, wanted, known, listed) if stored is None else {},
    )


def _read_secondaries(
    locked: LockedCleanup,
    wanted: Mapping[str, Decision],
    stored: Mapping[str, StoredDecision],
    listed: Mapping[str, ListedPerson],
) -> Mapping[str, Sequence[Person]]:
    """The secondaries that matter to new decisions; of those about which nothing new is wanted, not all are needed."""
    changed = [
        cio_id
        for cio_id, decision in wanted.items()
        if not decision.removes_person and cio_id in listed and listed[cio_id].person.id is None
    ]
    removed = [cio_id for cio_id, decision in wanted.items() if decision.removes_person]
    values = {"of_workspace": locked.workspace_id, "number": locked.row.number, "wanted": encode_json(list(wanted))}
    pairs = [
        (survivor, secondary)
        for statement, survivors in ((_FIRST_SECONDARIES, removed), (_ALL_SECONDARIES, changed))
        if survivors
        for survivor, secondary in statement.run(locked.connection, values | {"survivors": encode_json(survivors)})
    ]
    people = dict(stored_people(locked.connection, locked.workspace_id, {secondary for _, secondary in pairs}))
    people |= {cio_id: found.person for cio_id, found in listed.items()}
    pairs += [(each.decision.survivor or "", cio_id) for cio_id, each in stored.items() if cio_id in wanted]
    secondaries: dict[str, list[Person]] = defaultdict(list)
    for survivor, secondary in pairs:
        if secondary in people:
            secondaries[survivor].append(people[secondary])
    return secondaries


_WANTED = sa.bindparam("wanted", type_=sa.Text)


def _into(survivor: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Condition of merges into a person, by people about whom nothing new is wanted."""
    return sa.and_(
        cleanup_decision.c.workspace_id == sa.bindparam("of_workspace", type_=sa.BigInteger),
        cleanup_decision.c.cleanup_number == sa.bindparam("number", type_=sa.BigInteger),
        cleanup_decision.c.survivor == survivor,
        sa.not_(any_of(cleanup_decision.c.cio_id, _WANTED)),
    )


def _first_secondaries(dialect: sa.Dialect) -> sa.ClauseElement:
    """One of the people that are merged into each person of a JSON array, with that person."""
    survivors = json_array_rows(sa.bindparam("survivors", type_=sa.Text), dialect).subquery("survivors")
    [survivor] = survivors.c
    named = sa.cast(survivor, cleanup_decision.c.survivor.type)
    secondary = sa.select(cleanup_decision.c.cio_id).where(_into(named)).limit(1).scalar_subquery()
    rows = sa.select(survivor.label("survivor"), secondary.label("secondary")).subquery("rows")
    return sa.select(rows).where(rows.c.secondary.is_not(None))


def _all_secondaries(dialect: sa.Dialect) -> sa.ClauseElement:
    survivors = json_array_rows(sa.bindparam("survivors", type_=sa.Text), dialect).subquery("survivors")
    [survivor] = survivors.c
    named = sa.cast(survivor, cleanup_decision.c.survivor.type)
    pairs = sa.select(cleanup_decision.c.survivor, cleanup_decision.c.cio_id)
    return pairs.select_from(survivors.join(cleanup_decision, _into(named))).limit(MAX_SECONDARIES)


_FIRST_SECONDARIES = CompiledStatement(_first_secondaries)
_ALL_SECONDARIES = CompiledStatement(_all_secondaries)
