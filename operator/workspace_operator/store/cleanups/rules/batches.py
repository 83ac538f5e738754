"""The work on rules, group by group in the order of an export: counted, carried out as decisions, and removed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from workspace_operator.application.ports import DecisionRequest
from workspace_operator.cleanups.decisions import KEEP, Decision
from workspace_operator.cleanups.rules import RuleState, StoredRule
from workspace_operator.store.cleanups import drafts
from workspace_operator.store.cleanups.rows import LockedCleanup
from workspace_operator.store.cleanups.rules import matches
from workspace_operator.store.cleanups.rules.matches import ListedGroupPeople, Matches
from workspace_operator.store.cleanups.rules.rows import RulePosition, is_rule
from workspace_operator.store.schema.cleanup_tables import cleanup_decision, cleanup_rule
from workspace_operator.store.schema.tables import violation


def run_rule_batch(locked: LockedCleanup, stored: StoredRule, now: datetime, *, size: int) -> None:
    """Count, carry out or remove the decisions of a part of a rule: about ``size`` decisions."""
    if stored.state is RuleState.REMOVING:
        _remove_batch(locked, stored, now, size=size)
    else:
        found = Matches(locked, stored.rule)
        _RuleBatch(locked=locked, stored=stored, found=found, now=now).run(size)


def _remove_batch(locked: LockedCleanup, stored: StoredRule, now: datetime, *, size: int) -> None:
    """Take decisions of a rule back; the rule is deleted with the last of them."""
    made_by_rule = cleanup_decision.c.rule_position == stored.position
    query = sa.select(cleanup_decision.c.cio_id).where(locked.of_cleanup(cleanup_decision), made_by_rule)
    cio_ids = locked.connection.execute(query.order_by(cleanup_decision.c.cio_id).limit(size)).scalars().all()
    if cio_ids:
        drafts.remove_decisions(locked, cio_ids, now)
    else:
        locked.connection.execute(sa.delete(cleanup_rule).where(is_rule(locked, stored.position)))


class _RuleBatch(NamedTuple):
    """A part of a rule that is counted or carried out."""

    locked: LockedCleanup
    stored: StoredRule
    found: Matches
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
        limit = (size if self._decides else matches.MAX_WHOLE_GROUP) + 1
        groups, is_last = self.found.read(position.email_key, limit)
        if is_last:
            self._run_groups(groups)
            self._finish()
        elif len(groups) > 1:  # the last one may be cut
            self._run_groups(groups[:-1])
            self._write(RulePosition(groups[-2].key))
        else:
            self._run_long_group(groups[0])

    def _run_long_group(self, group: ListedGroupPeople) -> None:
        """Run a group of more people than a batch."""
        key, people = group.key, group.people[0].sharing
        if people <= matches.MAX_WHOLE_GROUP:
            self._run_groups([self.found.whole(key)])
            self._write(RulePosition(key))
        elif not self.found.has_large(group):
            self._write(RulePosition(key))
        else:
            self._add_numbers(groups=1, people=people, groups_open=int(self.found.large_stays_open(group)))
            survivor = self.found.kept(key).person.cio_id if self._decides else ""
            self._write(RulePosition(key, survivor=survivor))

    def _continue_group(self, position: RulePosition, size: int) -> None:
        """Decide about the next people of a large group."""
        behind = sa.tuple_(violation.c.created_at, violation.c.cio_id) > sa.tuple_(
            sa.literal(position.created_at), sa.literal(position.cio_id)
        )
        condition = sa.and_(violation.c.email_key == position.email_key, behind if position.cio_id else sa.true())
        listed = self.found.listed(condition, size)
        decision = self.stored.rule.decision_about_others(position.survivor)
        self._decide(
            {
                found.person.cio_id: KEEP
                if found.person.cio_id == position.survivor and not self.found.clears_all
                else decision
                for found in listed
            }
        )
        if len(listed) < size:
            self._write(RulePosition(position.email_key))
        else:
            last = listed[-1].person
            self._write(position._replace(created_at=last.created_at, cio_id=last.cio_id))

    def _run_groups(self, groups: Sequence[ListedGroupPeople]) -> None:
        """Count whole groups that the rule applies to, or decide about them."""
        found = list(self.found.among(groups))
        decisions = {cio_id: decision for match in found for cio_id, decision in match.decisions.items()}
        if self._decides:
            self._decide(decisions)
        self._add_numbers(groups=len(found), people=len(decisions), groups_open=sum(match.is_open for match in found))

    def _decide(self, decisions: Mapping[str, Decision]) -> None:
        """Make decisions of the rule; those that are refused count for nothing."""
        if decisions:
            requests = [DecisionRequest(cio_id, decision) for cio_id, decision in decisions.items()]
            maker = drafts.Maker(actor=self.stored.created_by, now=self.now, rule_position=self.stored.position)
            drafts.decide(self.locked, requests, maker)

    def _add_numbers(self, **numbers: int) -> None:
        if any(numbers.values()):
            values = {name: cleanup_rule.c[name] + number for name, number in numbers.items()}
            self.locked.connection.execute(self._update.values(values))

    def _write(self, position: RulePosition) -> None:
        self.locked.connection.execute(self._update.values(cursor=position.text()))

    def _finish(self) -> None:
        state = RuleState.DECIDED if self._decides else RuleState.COUNTED
        self.locked.connection.execute(self._update.values(state=state.value, cursor=""))

    @property
    def _update(self) -> sa.Update:
        return sa.update(cleanup_rule).where(is_rule(self.locked, self.stored.position))

    def _cursor(self) -> str:
        query = sa.select(cleanup_rule.c.cursor).where(is_rule(self.locked, self.stored.position))
        cursor: str = self.locked.connection.execute(query).scalar_one()
        return cursor
