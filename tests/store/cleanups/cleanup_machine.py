"""Random steps of a cleanup beside random calls of others, each checked against the pure rules.

The model evaluates everything anew with `workspace_operator.cleanups`: it knows no counters, groups or exports.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.store.backends import Store
from tests.store.cleanups.cleanup_env import ACTOR, CleanupEnv
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.ports import DecisionRequest
from workspace_operator.cleanups.decisions import (
    CLEAR,
    DELETE,
    KEEP,
    Decision,
    DecisionContext,
    correct_to,
    merge_into,
    reason_refused,
)
from workspace_operator.cleanups.evaluation import count_blocking
from workspace_operator.cleanups.execution import SkipReason
from workspace_operator.cleanups.model import CleanupState, Outcome, StoredDecision
from workspace_operator.cleanups.rules import Rule, RuleAction, RuleState
from workspace_operator.cleanups.undo import UndoPreview, UndoReason, outcome_of
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict, Violation
from workspace_operator.migrations.state_machine import Stage

ADDRESSES = ("a@example.com", "A@example.com", "b@example.com", "c@example.com", "broken@")
IDS = ("a@example.com", "d@example.com", "m-1", "m-2", "m-3", "m-4", "m-5")
NEW_ADDRESSES = ("a@example.com", "b@example.com", "new@example.com", "other@example.com", "wrong@")

positions = st.integers(0, 30)
decisions = st.one_of(
    st.sampled_from((KEEP, CLEAR, DELETE)),
    st.builds(correct_to, st.sampled_from(NEW_ADDRESSES)),
    st.builds(merge_into, positions.map(str)),
)
rules = st.builds(
    Rule,
    action=st.sampled_from(RuleAction),
    max_people=st.sampled_from((None, 2)),
    suffix=st.sampled_from(("", "b@example.com")),
)


class CleanupMachine(RuleBasedStateMachine):
    """One workspace. Its change to EmailOrID is blocked, until a cleanup or a call of others fixes the last person."""

    store: Store
    on_conflict = OnConflict.BLOCK

    draft: CleanupEnv
    is_settled = True
    suppressed: frozenset[str] = frozenset()

    @initialize(
        without_id=st.lists(st.sampled_from(ADDRESSES[:4]), max_size=3, unique_by=str.lower),
        people=st.lists(st.sampled_from(ADDRESSES), min_size=3, max_size=len(IDS)),
    )
    def block(self, without_id: Sequence[str], people: Sequence[str]) -> None:
        env = WorkspaceEnv.create(self.store, Mode.EMAIL_OR_ID)
        for email in without_id:
            env.identify_person(email=email)
        env.migrate_to(Mode.ID_ONLY)
        while env.work():
            pass
        invalid = {"m-9": "broken@"}  # blocks in any case
        self.draft = CleanupEnv.blocked(env, dict(zip(IDS, people, strict=False)) | invalid, self.on_conflict)

    @property
    def env(self) -> WorkspaceEnv:
        return self.draft.env

    def is_draft(self) -> bool:
        return self.draft.cleanup.state in {CleanupState.DRAFT, CleanupState.COUNTING}

    @precondition(is_draft)
    @rule(wanted=st.dictionaries(positions, decisions, min_size=1, max_size=4))
    def decide(self, wanted: Mapping[int, Decision]) -> None:
        people = self.draft.people()
        requests = {
            people[position % len(people)].cio_id: Decision(
                kind=decision.kind,
                email=decision.email,
                survivor=None if decision.survivor is None else people[int(decision.survivor) % len(people)].cio_id,
            )
            for position, decision in wanted.items()
        }
        self.draft.cleanups.decide(
            self.env.workspace_id,
            self.draft.number,
            [DecisionRequest(cio_id, decision) for cio_id, decision in requests.items()],
            actor=ACTOR,
            now=self.store.clock(),
        )

    @precondition(is_draft)
    @rule(chosen=st.sets(positions, min_size=1, max_size=3))
    def remove_decisions(self, chosen: set[int]) -> None:
        stored = self.stored()
        cio_ids = [stored[position % len(stored)].cio_id for position in chosen] if stored else []
        self.draft.cleanups.remove_decisions(
            self.env.workspace_id, self.draft.number, cio_ids, actor=ACTOR, now=self.store.clock()
        )

    @precondition(is_draft)
    @rule(wanted=rules, confirms=st.booleans(), removes=st.booleans())
    def decide_by_rule(self, wanted: Rule, confirms: bool, removes: bool) -> None:
        """A rule is counted; then it makes its decisions, and perhaps removes them."""
        stored = self.store.cleanup_rules
        assert stored is not None
        key, now = (self.env.workspace_id, self.draft.number), self.store.clock()
        position = stored.add(*key, wanted, actor=ACTOR, now=now).position
        self.draft.work()
        if not self.is_draft():  # its change went through
            return
        if confirms:
            stored.confirm(*key, position, stored.get(*key, position).counts, actor=ACTOR, now=now)
            self.draft.work(batch=2)
            assert stored.get(*key, position).state is RuleState.DECIDED
        if removes:
            stored.remove(*key, position, actor=ACTOR, now=now)
            self.draft.work(batch=2)

    @rule(id_=st.sampled_from(IDS), email=st.sampled_from((*ADDRESSES, "")))
    def call(self, id_: str, email: str) -> None:
        self.is_settled = False
        self.env.identify_person(id=id_, body={"email": email})

    @rule(id_=st.sampled_from(IDS))
    def delete(self, id_: str) -> None:
        self.is_settled = False
        self.env.delete(id=id_)

    @rule(id_=st.sampled_from(IDS))
    def suppress(self, id_: str) -> None:
        self.is_settled = False
        person = self.env.find(id=id_)
        if self.env.suppress(id=id_) and person is not None and person.email_key is not None:
            self.suppressed |= {person.email_key}

    @rule()
    def settle(self) -> None:
        """The migration is checked again, and the worker counts."""
        if self.env.stage is Stage.BLOCKED:
            self.env.retry(str(self.store.clock()))
        self.draft.check_again()
        self.is_settled = True

    @precondition(lambda self: self.is_draft() and self.is_settled)
    @rule(batch=st.integers(1, 3), stops=st.integers(0, 3), halts=st.booleans(), undoes=st.booleans())
    def apply(self, batch: int, stops: int, halts: bool, undoes: bool) -> None:
        """It makes no difference if somebody stops it and then continues."""
        if self.draft.cleanup.total == 0:
            return
        before, expected = self.draft.people(), self.draft.cleanup.people_blocking_after
        self.draft.apply()
        if halts:
            self.draft.work_and_stop(batches=1)
            if self.draft.cleanup.left:
                self.draft.apply()
        self.work_with_stops(batch, stops)
        assert self.draft.cleanup.skipped == self.draft.cleanup.refused
        if undoes:
            preview = self.draft.preview()
            self.draft.undo()
            self.work_with_stops(batch, stops)
            self.everybody_is_as_before(before)
            cleanup = self.draft.cleanup
            assert (preview.whole, preview.in_part) == (cleanup.undone, cleanup.undone_in_part)
            self.each_decision_became_what_was_said(preview)
        self.settle()
        is_blocked = self.env.stage is Stage.BLOCKED
        if not undoes:
            assert expected == (self.env.migration.violations.people_concerned if is_blocked else 0)
        if is_blocked:
            self.draft.number = self.draft.open().number

    def everybody_is_as_before(self, before: Sequence[Person]) -> None:
        """Nobody else changed them, so only suppressed addresses are missing."""
        reasons = {each.cio_id: each.reason for each in self.stored() if each.reason is not None}
        reasons = {cio_id: reason for cio_id, reason in reasons.items() if reason not in list(SkipReason)}
        expected = [
            replace(person, email=None, email_key=None)
            if reasons.get(person.cio_id) == UndoReason.IDENTIFIERS_MISSING
            else person
            for person in before
        ]
        found = {person.cio_id: person for person in self.draft.people()}
        for person in expected:
            if reasons.get(person.cio_id) == UndoReason.EMAIL_SUPPRESSED:
                assert person.email_key in self.suppressed
            else:
                assert found.pop(person.cio_id) == person
        assert {reasons[cio_id] for cio_id in found} <= {UndoReason.EMAIL_SUPPRESSED}
        missing = set(reasons.values()) - {UndoReason.EMAIL_SUPPRESSED}
        assert missing <= {UndoReason.IDENTIFIERS_MISSING}

    def work_with_stops(self, batch: int, stops: int) -> None:
        """Workers end after a few batches, and the next one goes on."""
        for _ in range(stops):
            after = iter((False, True))
            self.draft.worker(batch=batch, stopping=lambda after=after: next(after, True)).work_once()  # type: ignore[misc]
        self.draft.work(batch=batch)

    @precondition(lambda self: self.is_draft() and self.is_settled)
    @rule(batches=st.integers(0, 3))
    def apply_and_stop(self, batches: int) -> None:
        if self.draft.cleanup.total == 0:
            return
        self.is_settled = False
        self.draft.apply()
        self.draft.work_and_stop(batches=batches)

    @precondition(
        lambda self: self.env.stage is Stage.BLOCKED and self.draft.cleanup.can_be_continued(self.store.clock())
    )
    @rule()
    def go_on(self) -> None:
        """Whatever has happened since, every decision gets an outcome."""
        self.is_settled = False
        self.draft.apply()
        self.draft.work()
        assert self.draft.cleanup.left == 0

    @precondition(lambda self: not self.is_draft() and self.env.stage is Stage.BLOCKED)
    @rule()
    def open_another(self) -> None:
        self.is_settled = False
        self.draft.number = self.draft.open().number

    @precondition(lambda self: self.draft.cleanup.state is CleanupState.APPLIED)
    @rule(chosen=st.sets(positions, min_size=1, max_size=3), batches=st.integers(0, 2), stops=st.booleans())
    def undo_some(self, chosen: set[int], batches: int, stops: bool) -> None:
        """Some decisions are undone; a stop leaves those that the undo did not come to as they were."""
        possible = [each.cio_id for each in self.stored() if each.outcome in (Outcome.APPLIED, Outcome.NOT_UNDONE)]
        if not possible:
            return
        self.is_settled = False
        cio_ids = {possible[position % len(possible)] for position in chosen}
        self.draft.cleanups.undo(self.env.workspace_id, self.draft.number, cio_ids, actor=ACTOR, now=self.store.clock())
        if stops:
            self.draft.work_and_stop(batches=batches)
        else:
            self.draft.work()
            left = [each for each in self.stored() if each.outcome is Outcome.APPLIED and each.cio_id in cio_ids]
            assert left == []

    @precondition(lambda self: self.draft.cleanup.state is CleanupState.APPLIED)
    @rule()
    def undo_later(self) -> None:
        """Whatever has happened since, every decision gets an outcome."""
        self.is_settled = False
        before, preview = self.draft.cleanup, self.draft.preview()
        self.draft.undo()
        self.draft.work()
        cleanup = self.draft.cleanup
        assert cleanup.undone + cleanup.undone_in_part + cleanup.not_undone == cleanup.applied
        assert preview.whole == cleanup.undone - before.undone
        assert preview.in_part == cleanup.undone_in_part - before.undone_in_part
        assert preview.not_undone == cleanup.not_undone
        self.each_decision_became_what_was_said(preview)

    def each_decision_became_what_was_said(self, preview: UndoPreview) -> None:
        became = {each.cio_id: each.outcome for each in self.stored()}
        said = {each.stored.cio_id: outcome_of(each.reason) for each in preview.examined}
        assert said == {cio_id: became[cio_id] for cio_id in said}

    @invariant()
    def counters_agree_with_outcomes(self) -> None:
        outcomes, cleanup = Counter(each.outcome for each in self.stored()), self.draft.cleanup
        if cleanup.state is CleanupState.DISCARDED:
            return
        tried = {each: outcomes[each] for each in (Outcome.UNDONE, Outcome.UNDONE_IN_PART, Outcome.NOT_UNDONE)}
        assert [*tried.values()] == [cleanup.undone, cleanup.undone_in_part, cleanup.not_undone]
        assert cleanup.applied == outcomes[Outcome.APPLIED] + sum(tried.values())
        assert (cleanup.skipped, cleanup.left) == (outcomes[Outcome.SKIPPED], outcomes[None])

    @invariant()
    def count_is_exact(self) -> None:
        cleanup = self.draft.cleanup
        if not self.is_settled or cleanup.state is not CleanupState.DRAFT or self.env.stage is not Stage.BLOCKED:
            return
        people = {person.cio_id: person for person in self.draft.people()}
        counting = {each.cio_id: each.decision for each in self.stored() if each.refusal is None}
        merges = self.on_conflict is OnConflict.MERGE
        expected = count_blocking(
            [(person, counting.get(cio_id)) for cio_id, person in people.items()], self.suppressed, merges=merges
        )
        assert cleanup.people_blocking_after == expected
        assert cleanup.total == len(self.stored())
        assert cleanup.refused == len(self.stored()) - len(counting)
        self.decisions_meet_the_requirements(people, counting)

    def decisions_meet_the_requirements(self, people: Mapping[str, Person], counting: Mapping[str, Decision]) -> None:
        violations = self.violations(people)
        for stored in self.stored():
            person, survivor = people.get(stored.cio_id), people.get(stored.decision.survivor or "")
            reason = (
                "gone or changed"
                if person is None
                or person.email_key != stored.seen_email_key
                or (survivor is not None and survivor.email_key != stored.seen_survivor_key)
                else reason_refused(
                    DecisionContext(
                        person=person,
                        violations=violations[stored.cio_id],
                        decision=stored.decision,
                        survivor=survivor,
                        survivor_decision=counting.get(stored.decision.survivor or ""),
                    )
                )
            )
            assert (reason is None) == (stored.refusal is None), (stored, reason)

    def violations(self, people: Mapping[str, Person]) -> Mapping[str, list[Violation]]:
        sharing = Counter(person.email_key for person in people.values() if person.email_key)
        blocks_by_sharing = self.on_conflict is OnConflict.BLOCK
        return {
            cio_id: [
                violation
                for violation, holds in zip(
                    Violation,
                    (
                        blocks_by_sharing and sharing[person.email_key or ""] > 1,
                        person.email_is_invalid,
                        person.email_key in self.suppressed,
                        person.id_is_another_email,
                    ),
                    strict=True,
                )
                if holds
            ]
            for cio_id, person in people.items()
        }

    def stored(self) -> Sequence[StoredDecision]:
        return self.draft.cleanups.decisions(self.env.workspace_id, self.draft.number, limit=100)
