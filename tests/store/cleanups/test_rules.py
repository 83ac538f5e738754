"""Rules of cleanups: counted first, then carried out as decisions, and removed."""

from collections.abc import Mapping
from unittest.mock import patch

import pytest

from tests.store.cleanups.cleanup_env import ACTOR, CleanupEnv
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.ports import CleanupRules, RuleGroup, RuleGroups
from workspace_operator.cleanups.decisions import CLEAR, DELETE, KEEP, Decision, merge_into
from workspace_operator.cleanups.model import CleanupState
from workspace_operator.cleanups.rules import Rule, RuleAction, RuleCounts, RuleState, StoredRule
from workspace_operator.errors import Conflict, NotFound, StaleRevision
from workspace_operator.store.cleanups.rules import matches as store_rules
from workspace_operator.store.repositories.cleanups import rules as repository

PEOPLE = {
    **{f"a-{number}": "a@example.com" for number in range(5)},
    **{f"b-{number}": "b@example.org" for number in range(2)},
    **{f"c-{number}": "c@example.com" for number in range(3)},
    "d-0": "broken@",
}
MERGE = Rule(action=RuleAction.MERGE_INTO_OLDEST)


class RuleEnv:
    """A draft with its rules."""

    def __init__(self, env: WorkspaceEnv) -> None:
        self.draft = CleanupEnv.blocked(env, PEOPLE)
        rules = env.store.cleanup_rules
        assert rules is not None
        self.rules: CleanupRules = rules
        self.key = (env.workspace_id, self.draft.number)

    def add(self, rule: Rule) -> StoredRule:
        """Add a rule and count it."""
        now = self.draft.env.store.clock()
        position = self.rules.add(*self.key, rule, actor=ACTOR, now=now).position
        self.draft.work(batch=2)
        return self.get(position)

    def get(self, position: int) -> StoredRule:
        return self.rules.get(*self.key, position)

    def confirm(self, position: int, *, batch: int = 2) -> StoredRule:
        seen = self.get(position).counts
        self.rules.confirm(*self.key, position, seen, actor=ACTOR, now=self.draft.env.store.clock())
        self.draft.work(batch=batch)
        return self.get(position)

    def remove(self, position: int) -> None:
        self.rules.remove(*self.key, position, actor=ACTOR, now=self.draft.env.store.clock())
        self.draft.work(batch=2)

    def decisions(self) -> Mapping[str, Decision]:
        """Decisions by id, with survivors by their ids."""
        ids = {cio_id: id_ for id_, cio_id in self.draft.cio_ids.items()}
        stored = self.draft.cleanups.decisions(*self.key, limit=100)
        return {
            ids[each.cio_id]: Decision(
                kind=each.decision.kind, survivor=ids[each.decision.survivor] if each.decision.survivor else None
            )
            for each in stored
        }


def expected(action: RuleAction, group: str, people: int) -> dict[str, Decision]:
    """The decisions of an action about a group whose ids are in the order of age."""
    first, last = f"{group}-0", f"{group}-{people - 1}"
    others = {
        RuleAction.MERGE_INTO_OLDEST: merge_into(first),
        RuleAction.MERGE_INTO_NEWEST: merge_into(last),
        RuleAction.CLEAR_OTHERS: CLEAR,
        RuleAction.CLEAR_ALL: CLEAR,
        RuleAction.DELETE_OTHERS: DELETE,
    }[action]
    kept = {RuleAction.MERGE_INTO_NEWEST: last, RuleAction.CLEAR_ALL: ""}.get(action, first)
    return {id_: KEEP if id_ == kept else others for id_ in (f"{group}-{number}" for number in range(people))}


ALL = (("a", 5), ("b", 2), ("c", 3))


@pytest.mark.parametrize("action", list(RuleAction))
@pytest.mark.parametrize("whole", [5000, 3, 1])
def test_rule_decides_about_every_group(sql_env: WorkspaceEnv, action: RuleAction, whole: int) -> None:
    """Also about groups of more people than are read at a time."""
    env = RuleEnv(sql_env)

    with patch.object(store_rules, "MAX_WHOLE_GROUP", whole):
        counted = env.add(Rule(action=action))
        assert (counted.state, counted.groups, counted.people, counted.groups_open) == (RuleState.COUNTED, 3, 10, 0)
        assert env.decisions() == {}
        decided = env.confirm(counted.position)
        assert decided.state is RuleState.DECIDED
        assert (decided.counts, decided.groups_open) == (counted.counts, 0)

    assert env.decisions() == {
        id_: decision for group, people in ALL for id_, decision in expected(action, group, people).items()
    }
    assert env.draft.cleanup.people_blocking_after == 1


@pytest.mark.parametrize(
    ("rule", "groups", "number"),
    [
        (Rule(action=RuleAction.CLEAR_ALL, max_people=2), 1, 2),
        (Rule(action=RuleAction.CLEAR_ALL, suffix="@example.com"), 2, 8),
        (Rule(action=RuleAction.CLEAR_ALL, equal_attributes=("plan",)), 2, 7),
        (Rule(action=RuleAction.CLEAR_ALL, not_called_since=10), 3, 10),
    ],
)
def test_condition(sql_env: WorkspaceEnv, rule: Rule, groups: int, number: int) -> None:
    env = RuleEnv(sql_env)
    env.draft.env.identify_person(id="c-1", body={"plan": "gold"})

    counted = env.add(rule)

    assert (counted.groups, counted.people, counted.rule) == (groups, number, rule)


def test_condition_on_calls(sql_env: WorkspaceEnv) -> None:
    assert RuleEnv(sql_env).add(Rule(action=RuleAction.CLEAR_ALL, not_called_since=10)).groups == 3


def test_large_group_with_a_condition_on_attributes_is_left_out(sql_env: WorkspaceEnv) -> None:
    env = RuleEnv(sql_env)

    with patch.object(store_rules, "MAX_WHOLE_GROUP", 2):
        counted = env.add(Rule(action=RuleAction.CLEAR_ALL, equal_attributes=("plan",)))
        env.confirm(counted.position)

    assert (counted.groups, counted.people) == (1, 2)
    assert env.decisions().keys() == {"b-0", "b-1"}


def test_large_groups_merge_into_the_newest(sql_env: WorkspaceEnv) -> None:
    env = RuleEnv(sql_env)

    with patch.object(store_rules, "MAX_WHOLE_GROUP", 1):
        env.confirm(env.add(Rule(action=RuleAction.MERGE_INTO_NEWEST)).position)

    assert env.decisions()["a-0"] == merge_into("a-4")


def test_large_groups_merge_into_the_oldest(sql_env: WorkspaceEnv) -> None:
    env = RuleEnv(sql_env)

    with patch.object(store_rules, "MAX_WHOLE_GROUP", 1):
        env.confirm(env.add(MERGE).position)

    assert env.decisions()["a-4"] == merge_into("a-0")


def test_groups_with_a_decision_are_left_out(sql_env: WorkspaceEnv) -> None:
    env = RuleEnv(sql_env)
    env.draft.decide({"a-3": DELETE})

    counted = env.add(MERGE)
    env.confirm(counted.position)

    assert (counted.groups, counted.people) == (2, 5)
    assert {id_: decision for id_, decision in env.decisions().items() if id_.startswith("a")} == {"a-3": DELETE}


def test_group_that_was_decided_about_meanwhile_is_left_out(sql_env: WorkspaceEnv) -> None:
    env = RuleEnv(sql_env)
    counted = env.add(MERGE)
    env.draft.decide({"a-3": DELETE})

    decided = env.confirm(counted.position)

    assert (counted.counts, decided.counts) == (RuleCounts(3, 10), RuleCounts(2, 5))


def test_another_rule_than_the_one_that_was_seen_is_refused(sql_env: WorkspaceEnv) -> None:
    env = RuleEnv(sql_env)
    position, now = env.add(MERGE).position, sql_env.store.clock()
    other = Rule(action=RuleAction.DELETE_OTHERS)

    with pytest.raises(StaleRevision, match="rule 1 is another one by now"):
        env.rules.confirm(*env.key, position, RuleCounts(3, 10), rule=other, actor=ACTOR, now=now)
    with pytest.raises(StaleRevision, match="rule 1 is another one by now"):
        env.rules.remove(*env.key, position, rule=other, actor=ACTOR, now=now)

    confirmed = env.rules.confirm(*env.key, position, RuleCounts(3, 10), rule=MERGE, actor=ACTOR, now=now)
    assert confirmed.state is RuleState.DECIDING


def test_other_counts_than_those_that_were_seen_are_refused(sql_env: WorkspaceEnv) -> None:
    env = RuleEnv(sql_env)
    position = env.add(MERGE).position

    with pytest.raises(StaleRevision, match="decides about 3 groups with 10 people by now, not about 3 with 9"):
        env.rules.confirm(*env.key, position, RuleCounts(3, 9), actor=ACTOR, now=sql_env.store.clock())

    assert env.get(position).state is RuleState.COUNTED


def test_new_list_of_people_is_counted_again(sql_env: WorkspaceEnv) -> None:
    env = RuleEnv(sql_env)
    confirmed, counted = env.add(Rule(action=RuleAction.CLEAR_ALL, suffix="@example.org")), env.add(MERGE)
    env.confirm(confirmed.position)
    sql_env.identify_person(id="c-2", body={"email": "a@example.com"})

    env.draft.check_again()

    again = env.get(counted.position)
    assert (counted.counts, again.state, again.counts) == (RuleCounts(3, 10), RuleState.COUNTED, RuleCounts(2, 8))
    assert env.get(confirmed.position).state is RuleState.DECIDED


def test_new_list_while_the_one_before_is_counted(sql_env: WorkspaceEnv) -> None:
    env = RuleEnv(sql_env)
    position = env.add(MERGE).position
    env.draft.decide({"d-0": CLEAR})

    states = []
    for id_ in ("c-2", "b-1"):
        sql_env.identify_person(id=id_, body={"email": "a@example.com"})
        sql_env.store.clock.advance(6)
        while sql_env.work():
            pass
        states.append(env.draft.cleanup.state)
        sql_env.store.clock.advance(1)
        env.draft.worker().work_once()
    env.draft.work()

    assert states == [CleanupState.DRAFT, CleanupState.COUNTING]
    assert env.get(position).counts == RuleCounts(2, 9)
    assert env.draft.cleanup.people_blocking_after == 9


def test_groups_of_a_rule_are_listed_by_key(sql_env: WorkspaceEnv) -> None:
    env = RuleEnv(sql_env)
    env.draft.decide({"b-0": CLEAR})
    position = env.add(Rule(action=RuleAction.MERGE_INTO_OLDEST, suffix=".com")).position

    first = env.rules.groups(*env.key, position, limit=1)
    second = env.rules.groups(*env.key, position, after=first.next, limit=1)

    assert first == RuleGroups([RuleGroup("a@example.com", 5)], "a@example.com")
    assert second == RuleGroups([RuleGroup("c@example.com", 3)], "")


@pytest.mark.parametrize("whole", [5000, 2])
@pytest.mark.parametrize("read", [1, 3, 6])
def test_list_of_groups_reads_few_people(sql_env: WorkspaceEnv, read: int, whole: int) -> None:
    env = RuleEnv(sql_env)
    position = env.add(MERGE).position
    listed: list[RuleGroup] = []
    after = ""

    with patch.object(repository, "MAX_READ", read), patch.object(store_rules, "MAX_WHOLE_GROUP", whole):
        while True:
            page = env.rules.groups(*env.key, position, after=after, limit=10)
            listed += page.groups
            if not (after := page.next):
                break

    assert listed == [RuleGroup("a@example.com", 5), RuleGroup("b@example.org", 2), RuleGroup("c@example.com", 3)]


def test_group_that_stays_open(sql_env: WorkspaceEnv) -> None:
    sql_env.add("gone", "b@example.org")
    sql_env.suppress(id="gone")
    env = RuleEnv(sql_env)

    assert env.add(MERGE).groups_open == 1
    assert env.add(Rule(action=RuleAction.CLEAR_ALL)).groups_open == 0


def test_removed_rule_takes_its_decisions_back(sql_env: WorkspaceEnv) -> None:
    env = RuleEnv(sql_env)
    position = env.add(MERGE).position
    env.confirm(position)
    env.draft.decide({"b-1": DELETE})

    assert env.rules.rules(*env.key) == [env.get(position)]
    env.remove(position)

    assert env.decisions() == {"b-1": DELETE}
    assert env.rules.rules(*env.key) == []
    assert env.draft.cleanup.people_blocking_after == 9


def test_rule_that_was_only_counted_is_removed(sql_env: WorkspaceEnv) -> None:
    env = RuleEnv(sql_env)

    env.remove(env.add(MERGE).position)

    assert env.rules.rules(*env.key) == []


def test_refusals(sql_env: WorkspaceEnv) -> None:
    env = RuleEnv(sql_env)
    now = sql_env.store.clock()
    position = env.rules.add(*env.key, MERGE, actor=ACTOR, now=now).position

    with pytest.raises(Conflict, match="rule 1 is Counting: only one that was counted can be confirmed"):
        env.rules.confirm(*env.key, position, RuleCounts(0, 0), actor=ACTOR, now=now)
    with pytest.raises(NotFound, match="cleanup 1 has no rule 2"):
        env.rules.remove(*env.key, 2, actor=ACTOR, now=now)
    with pytest.raises(NotFound, match="there is no cleanup 2"):
        env.rules.rules(env.key[0], 2)
    env.draft.work()
    env.rules.confirm(*env.key, position, RuleCounts(3, 10), actor=ACTOR, now=now)
    env.draft.decide({"a-0": KEEP})
    with pytest.raises(StaleRevision, match="the decisions of a rule are being made"):
        env.draft.apply()
    env.draft.work()
    env.draft.apply()
    with pytest.raises(Conflict, match="its decisions cannot be changed any more"):
        env.rules.add(*env.key, MERGE, actor=ACTOR, now=now)
    env.draft.work()
    assert env.draft.cleanup.state is CleanupState.APPLIED


def test_number_of_rules_is_limited(sql_env: WorkspaceEnv) -> None:
    env = RuleEnv(sql_env)
    now = sql_env.store.clock()
    for _ in range(100):
        env.rules.add(*env.key, MERGE, actor=ACTOR, now=now)

    with pytest.raises(Conflict, match="has 100 rules"):
        env.rules.add(*env.key, MERGE, actor=ACTOR, now=now)
