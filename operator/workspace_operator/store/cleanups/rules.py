"""Rules, group by group in the order of an export: counted, carried out as decisions, and taken back."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple, Self

import sqlalchemy as sa

from workspace_operator.application.ports import DecisionRequest
from workspace_operator.cleanups.decisions import KEEP, Decision
from workspace_operator.cleanups.evaluation import count_groups, evaluate_address
from workspace_operator.cleanups.rules import UNFINISHED, Rule, RuleAction, RuleState, StoredRule
from workspace_operator.migrations.model import Violation
from workspace_operator.store.cleanups import drafts
from workspace_operator.store.cleanups.groups import read_groups
from workspace_operator.store.cleanups.listed_people import (
    VIOLATION_COLUMNS,
    ListedPerson,
    listed_person_of,
    stored_people,
)
from workspace_operator.store.cleanups.rows import LockedCleanup
from workspace_operator.store.engine.sql import any_of, decode_json, encode_json
from workspace_operator.store.schema.cleanup_tables import cleanup_decision, cleanup_rule, listed_call
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import violation

MAX_WHOLE_GROUP: Final = 5000
"""People of a group that is read as a whole."""

_ORDER = (violation.c.email_key, violation.c.created_at, violation.c.cio_id)


class RulePosition(NamedTuple):
    """Where the worker is: behind a group, or within a large one, behind a person.

    Attributes:
        survivor: in a large group, the cio_id of the person who is kept.
    """

    email_key: str = ""
    created_at: int = 0
    cio_id: str = ""
    survivor: str = ""

    @classmethod
    def parse(cls, cursor: str) -> Self:
        """Read a position from a cursor; an empty one is the beginning."""
        return cls(*decode_json(cursor)) if cursor else cls()

    def text(self) -> str:
        """The position as a cursor."""
        return encode_json(list(self))


def rule_of(row: Row) -> StoredRule:
    """Read a rule from its row."""
    condition: Mapping[str, Any] = row.condition
    names = tuple(condition.get("equal_attributes", ()))
    return StoredRule(
        position=row.position,
        rule=Rule(action=RuleAction(row.action), **{**condition, "equal_attributes": names}),
        state=RuleState(row.state),
        groups=row.groups,
        people=row.people,
        groups_open=row.groups_open,
        created_at=row.created_at,
        created_by=row.created_by,
    )


def condition_of(rule: Rule) -> Mapping[str, object]:
    """The condition of a rule as a JSON document."""
    return {
        "max_people": rule.max_people,
        "equal_attributes": list(rule.equal_attributes),
        "not_called_since": rule.not_called_since,
        "suffix": rule.suffix,
    }


def next_unfinished_rule(locked: LockedCleanup) -> StoredRule | None:
    """The first rule with work for the worker."""
    is_unfinished = cleanup_rule.c.state.in_(sorted(state.value for state in UNFINISHED))
    query = sa.select(cleanup_rule).where(locked.of_cleanup(cleanup_rule), is_unfinished)
    row = locked.connection.execute(query.order_by(cleanup_rule.c.position).limit(1)).one_or_none()
    return None if row is None else rule_of(row)


def run_rule_batch(locked: LockedCleanup, stored: StoredRule, now: datetime, *, size: int) -> None:
    """Count, carry out or take back a part of a rule: about ``size`` decisions."""
    if stored.state is RuleState.REMOVING:
        _remove_batch(locked, stored, now, size=size)
    else:
        _RuleBatch(locked=locked, stored=stored, now=now).run(size)


def _remove_batch(locked: LockedCleanup, stored: StoredRule, now: datetime, *, size: int) -> None:
    """Take decisions of a rule back; the rule is deleted with the last of them."""
    made_by_rule = cleanup_decision.c.rule_position == stored.position
    query = sa.select(cleanup_decision.c.cio_id).where(locked.of_cleanup(cleanup_decision), made_by_rule)
    cio_ids = locked.connection.execute(query.order_by(cleanup_decision.c.cio_id).limit(size)).scalars().all()
    if cio_ids:
        drafts.take_back(locked, cio_ids, now)
    else:
        locked.connection.execute(sa.delete(cleanup_rule).where(_of_rule(locked, stored.position)))


def _of_rule(locked: LockedCleanup, position: int) -> sa.ColumnElement[bool]:
    return sa.and_(locked.of_cleanup(cleanup_rule), cleanup_rule.c.position == position)


class _RuleBatch(NamedTuple):
    """A part of a rule that is counted or carried out."""

    locked: LockedCleanup
    stored: StoredRule
    now: datetime

    @property
    def _decides(self) -> bool:
        return self.stored.state is RuleState.DECIDING

    def run(self, size: int) -> None:
        """Go on behind the position, in whole groups, or in one large group."""
        position = RulePosition.parse(self._cursor())
        if position.survivor:
            self._continue_group(position, size)
            return
        # Counting writes nothing, so it can read more at a time.
        limit = (size if self._decides else MAX_WHOLE_GROUP) + 1
        listed = self._listed(violation.c.email_key > position.email_key, limit)
        groups = [(key, list(people)) for key, people in groupby(listed, lambda found: found.person.email_key or "")]
        if len(listed) < limit:
            self._run_groups(groups)
            self._finish()
        elif len(groups) > 1:  # the last one may be cut
            self._run_groups(groups[:-1])
            self._write(RulePosition(groups[-2][0]))
        else:
            self._run_long_group(*groups[0])

    def _run_long_group(self, key: str, first: Sequence[ListedPerson]) -> None:
        """Run a group of more people than a batch."""
        people = first[0].sharing
        if people <= MAX_WHOLE_GROUP:
            self._run_groups([(key, self._listed(violation.c.email_key == key, MAX_WHOLE_GROUP + 1))])
            self._write(RulePosition(key))
        elif not self.stored.rule.applies_to_any_people(key, people) or self._decided([key]):
            self._write(RulePosition(key))
        elif self._decides:
            self._write(RulePosition(key, survivor=self._kept(key).person.cio_id))
        else:
            is_open = Violation.SUPPRESSED_EMAIL in self._kept(key).violations and not self._clears_all
            self._write(RulePosition(key), groups=1, people=people, groups_open=int(is_open))

    def _continue_group(self, position: RulePosition, size: int) -> None:
        """Decide about the next people of a large group."""
        behind = sa.tuple_(violation.c.created_at, violation.c.cio_id) > sa.tuple_(
            sa.literal(position.created_at), sa.literal(position.cio_id)
        )
        condition = sa.and_(violation.c.email_key == position.email_key, behind if position.cio_id else sa.true())
        listed = self._listed(condition, size)
        decision = self.stored.rule.decision_about_others(position.survivor)
        self._decide(
            {
                found.person.cio_id: KEEP
                if found.person.cio_id == position.survivor and not self._clears_all
                else decision
                for found in listed
            }
        )
        if len(listed) < size:
            self._write(RulePosition(position.email_key), groups=1)
        else:
            last = listed[-1].person
            self._write(position._replace(created_at=last.created_at, cio_id=last.cio_id))

    @property
    def _clears_all(self) -> bool:
        return self.stored.rule.action is RuleAction.CLEAR_ALL

    def _kept(self, key: str) -> ListedPerson:
        """The oldest person of a large group, or the newest, as the rule says."""
        if self.stored.rule.action is not RuleAction.MERGE_INTO_NEWEST:
            return self._listed(violation.c.email_key == key, 1)[0]
        of_group = self._of_export(violation.c.email_key == key)
        newest = (violation.c.created_at.desc(), violation.c.cio_id.desc())
        row = self.locked.connection.execute(sa.select(*VIOLATION_COLUMNS).where(of_group).order_by(*newest).limit(1))
        return listed_person_of(tuple(row.one()))

    def _run_groups(self, groups: Sequence[tuple[str, Sequence[ListedPerson]]]) -> None:
        """Count whole groups that the rule applies to, or decide about them."""
        decided = self._decided([key for key, _ in groups])
        undecided = {key: people for key, people in groups if key not in decided}
        listed = {found.person.cio_id: found for people in undecided.values() for found in people}
        people = stored_people(self.locked.connection, self.locked.workspace_id, listed)
        calls = self._calls(listed)
        decisions: dict[str, Decision] = {}
        numbers = {"groups": 0, "people": 0, "groups_open": 0}
        for key, members in undecided.items():
            present = [people[found.person.cio_id] for found in members if found.person.cio_id in people]
            if not self.stored.rule.applies(key, present, calls):
                continue
            made = self.stored.rule.decide(present)
            decisions |= made
            counts = count_groups([(person, made[person.cio_id]) for person in present], self._suppressed(key, members))
            settled = all(evaluate_address(each, merges=self.locked.merges).is_settled for each in counts.values())
            numbers["groups"] += 1
            numbers["people"] += len(present)
            numbers["groups_open"] += int(not settled)
        if self._decides:
            self._decide(decisions)
        self._add_numbers(numbers)

    def _suppressed(self, key: str, members: Sequence[ListedPerson]) -> frozenset[str]:
        return frozenset([key] if Violation.SUPPRESSED_EMAIL in members[0].violations else [])

    def _decided(self, keys: Sequence[str]) -> frozenset[str]:
        """The groups about which something is decided already."""
        return frozenset(key for key, group in read_groups(self.locked, keys).items() if group.decisions)

    def _calls(self, cio_ids: Collection[str]) -> Mapping[str, int]:
        if self.stored.rule.not_called_since is None:
            return {}
        query = sa.select(listed_call.c.cio_id, listed_call.c.at).where(
            listed_call.c.workspace_id == self.locked.workspace_id, any_of(listed_call.c.cio_id, cio_ids)
        )
        return {row.cio_id: int(row.at.timestamp()) for row in self.locked.connection.execute(query)}

    def _decide(self, decisions: Mapping[str, Decision]) -> None:
        """Make decisions of the rule; those that are refused count for nothing."""
        if decisions:
            requests = [DecisionRequest(cio_id, decision) for cio_id, decision in decisions.items()]
            maker = drafts.Maker(actor=self.stored.created_by, now=self.now, rule_position=self.stored.position)
            drafts.decide(self.locked, requests, maker)

    def _add_numbers(self, numbers: Mapping[str, int]) -> None:
        if any(numbers.values()) and not self._decides:
            values = {name: cleanup_rule.c[name] + number for name, number in numbers.items()}
            self.locked.connection.execute(self._update.values(values))

    def _write(self, position: RulePosition, **numbers: int) -> None:
        self._add_numbers(numbers)
        self.locked.connection.execute(self._update.values(cursor=position.text()))

    def _finish(self) -> None:
        state = RuleState.DECIDED if self._decides else RuleState.COUNTED
        self.locked.connection.execute(self._update.values(state=state.value, cursor=""))

    @property
    def _update(self) -> sa.Update:
        return sa.update(cleanup_rule).where(_of_rule(self.locked, self.stored.position))

    def _cursor(self) -> str:
        query = sa.select(cleanup_rule.c.cursor).where(_of_rule(self.locked, self.stored.position))
        cursor: str = self.locked.connection.execute(query).scalar_one()
        return cursor

    def _listed(self, condition: sa.ColumnElement[bool], limit: int) -> Sequence[ListedPerson]:
        query = sa.select(*VIOLATION_COLUMNS).where(self._of_export(condition)).order_by(*_ORDER).limit(limit)
        return [listed_person_of(tuple(row)) for row in self.locked.connection.execute(query)]

    def _of_export(self, condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        """Condition of people who share an address, in the export against which decisions are counted."""
        return sa.and_(
            violation.c.workspace_id == self.locked.workspace_id,
            violation.c.export_number == self.locked.row.export_number,
            violation.c.email_key != "",
            violation.c.sharing > 1,
            condition,
        )
