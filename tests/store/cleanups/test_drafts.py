"""Drafts: decisions are made and removed, and the count is exact after each of them."""

from collections.abc import Mapping

import pytest

from tests.store.cleanups.cleanup_env import ACTOR, CleanupEnv
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.ports import Actor, DecisionRequest, Via
from workspace_operator.cleanups.decisions import CLEAR, DELETE, KEEP, Decision, DecisionKind, correct_to, merge_into
from workspace_operator.cleanups.evaluation import OpenReason
from workspace_operator.cleanups.model import CleanupState, Outcome
from workspace_operator.errors import Conflict, NotFound, StaleRevision
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict

ADA, BOB = "ada@example.com", "bob@example.com"
PEOPLE = {
    "m-1": ADA,
    "m-2": ADA,
    "m-3": ADA,
    "m-4": "broken@",
    "other@example.com": "o@example.com",
    "m-6": "free@example.com",
}


def blocked(sql_env: WorkspaceEnv) -> CleanupEnv:
    return CleanupEnv.blocked(sql_env, PEOPLE)


def test_new_draft(sql_env: WorkspaceEnv) -> None:
    draft = blocked(sql_env)
    cleanup = draft.cleanup

    assert (cleanup.number, cleanup.state, cleanup.version) == (1, CleanupState.DRAFT, 1)
    assert (cleanup.people_blocking, cleanup.people_blocking_after, cleanup.total) == (5, 5, 0)
    assert (cleanup.created_by, cleanup.migration_number) == (ACTOR.name, draft.env.migration.number)
    assert draft.open() == cleanup
    assert draft.cleanups.cleanups(draft.env.workspace_id) == [cleanup]


def test_nothing_to_clean_up(sql_env: WorkspaceEnv) -> None:
    with pytest.raises(Conflict, match="no identifier change of this workspace is blocked"):
        sql_env.store.sql_cleanups.open(sql_env.workspace_id, actor=ACTOR, now=sql_env.store.clock())
    with pytest.raises(NotFound):
        sql_env.store.sql_cleanups.open(99_999, actor=ACTOR, now=sql_env.store.clock())
    with pytest.raises(NotFound, match="there is no cleanup 1"):
        sql_env.store.sql_cleanups.get(sql_env.workspace_id, 1)


def test_cleanup_of_one_migration(sql_env: WorkspaceEnv) -> None:
    env = CleanupEnv.blocked(sql_env, PEOPLE)
    number, now = env.env.migration.number, sql_env.store.clock()

    def opened(migration: int) -> tuple[int, bool]:
        cleanup, is_new = env.cleanups.open(sql_env.workspace_id, migration=migration, actor=ACTOR, now=now)
        return cleanup.number, is_new

    assert opened(number) == (1, False)
    with pytest.raises(Conflict, match=f"cleanup 1, about identifier change {number}, is Draft"):
        opened(number + 1)
    env.cleanups.discard(sql_env.workspace_id, 1, actor=ACTOR, now=now)
    with pytest.raises(Conflict, match=f"people block identifier change {number}, not {number + 1}"):
        opened(number + 1)
    assert opened(number) == (2, True)
    newest = env.cleanups.cleanups(sql_env.workspace_id, limit=1)
    assert [cleanup.number for cleanup in newest] == [2]


STEPS: list[tuple[Mapping[str, Decision], int]] = [
    ({"m-1": KEEP, "m-2": merge_into("m-1")}, 4),
    ({"m-3": CLEAR}, 2),
    ({"m-4": correct_to("m4@example.com")}, 1),
    ({"other@example.com": correct_to("other@example.com")}, 0),
    ({"m-2": KEEP}, 2),
    ({"m-2": correct_to("free@example.com")}, 2),
    ({"m-3": correct_to("free@example.com")}, 3),
    ({"m-2": DELETE, "m-3": DELETE}, 0),
]


def test_count_after_each_decision(sql_env: WorkspaceEnv) -> None:
    draft = blocked(sql_env)
    version = draft.cleanup.version
    for decisions, after in STEPS:
        results = draft.decide(decisions)
        assert {each.refusal for each in results.values()} == {None}
        assert draft.cleanup.people_blocking_after == after, decisions
        assert draft.cleanup.version > version
        version = draft.cleanup.version

    assert draft.cleanup.decisions == {
        DecisionKind.KEEP: 1,
        DecisionKind.MERGE: 0,
        DecisionKind.CORRECT: 2,
        DecisionKind.CLEAR: 0,
        DecisionKind.DELETE: 2,
    }
    assert draft.cleanup.deletions == 2
    assert draft.remove_decisions(*PEOPLE) == 5
    assert (draft.cleanup.people_blocking_after, draft.cleanup.total) == (5, 0)


def test_result_says_what_is_open(sql_env: WorkspaceEnv) -> None:
    draft = blocked(sql_env)
    results = draft.decide({"m-1": KEEP, "m-2": KEEP, "m-4": correct_to("free@example.com")})

    evaluations = {id_: result.evaluation for id_, result in results.items()}
    assert evaluations["m-1"] == evaluations["m-2"]
    assert evaluations["m-1"] is not None
    assert evaluations["m-1"].reasons == (OpenReason.SEVERAL_KEEP,)
    assert evaluations["m-4"] is not None
    assert (evaluations["m-4"].reasons, evaluations["m-4"].blocking) == ((OpenReason.TAKEN,), 2)


REFUSED: list[tuple[str, Decision, str]] = [
    ("m-6", DELETE, "does not block the change"),
    ("m-4", KEEP, "Only a person who shares an address can keep it"),
    ("m-4", correct_to("x@y"), "'x@y' is not a valid address"),
    ("m-1", merge_into("nobody"), "does not exist"),
    ("m-1", merge_into("m-4"), "has no valid address"),
    ("m-2", merge_into("m-3"), "is to be deleted"),
    ("m-1", DELETE, "Others are to be merged into this person"),
]


@pytest.mark.parametrize(("id_", "decision", "reason"), REFUSED)
def test_refused(sql_env: WorkspaceEnv, id_: str, decision: Decision, reason: str) -> None:
    draft = blocked(sql_env)
    draft.decide({"m-2": merge_into("m-1"), "m-3": DELETE})
    before = draft.cleanup

    [result] = draft.decide({id_: decision}).values()

    assert result.refusal is not None
    assert reason in result.refusal
    assert result.evaluation is None
    assert draft.cleanup == before


def test_decisions_of_a_request_are_judged_together(sql_env: WorkspaceEnv) -> None:
    """A survivor can be changed together with the merges into it."""
    draft = blocked(sql_env)
    draft.decide({"m-2": merge_into("m-1"), "m-3": merge_into("m-1")})

    results = draft.decide({"m-1": merge_into("m-3"), "m-2": merge_into("m-3"), "m-3": KEEP})

    assert {result.refusal for result in results.values()} == {None}
    assert draft.cleanup.people_blocking_after == 2


def test_secondary_whose_new_decision_is_refused_still_needs_the_survivor(sql_env: WorkspaceEnv) -> None:
    draft = blocked(sql_env)
    draft.decide({"m-2": merge_into("m-1")})

    results = draft.decide({"m-1": DELETE, "m-2": correct_to("nothing")})

    assert all(result.refusal is not None for result in results.values())


def test_survivor_is_needed(sql_env: WorkspaceEnv) -> None:
    draft = blocked(sql_env)
    draft.decide({"m-2": merge_into("m-1")})

    [result] = draft.decide({"m-1": DELETE}).values()

    assert result.refusal == "Others are to be merged into this person: decide about them first."


def test_survivor_without_an_id(sql_env: WorkspaceEnv) -> None:
    """It would take the id of a person who is merged into it, which is another address after the correction."""
    both = WorkspaceEnv.create(sql_env.store, Mode.EMAIL_OR_ID)
    created = both.identify_person(email="s@example.com").person
    assert created is not None
    both.migrate_to(Mode.ID_ONLY)
    draft = CleanupEnv.blocked(both, {"s@example.com": "s@example.com", "m-2": "s@example.com"})
    draft.cio_ids["survivor"] = created.cio_id
    assert draft.decide({"s@example.com": merge_into("survivor")})["s@example.com"].refusal is None

    [result] = draft.decide({"survivor": correct_to("other@example.com")}).values()

    assert result.refusal is not None
    assert "who has no id and would take one that is another address" in result.refusal


@pytest.mark.parametrize("seen", [None, CLEAR, merge_into("m-2")])
def test_nothing_is_decided_on_other_decisions_than_those_that_were_seen(
    sql_env: WorkspaceEnv, seen: Decision | None
) -> None:
    draft = blocked(sql_env)
    draft.decide({"m-1": KEEP})
    before, now, cio_id = draft.cleanup, sql_env.store.clock(), draft.cio_ids["m-1"]
    of = (sql_env.workspace_id, draft.number)
    requests, stale = [DecisionRequest(draft.cio_ids["m-3"], DELETE)], {cio_id: seen}

    with pytest.raises(StaleRevision, match="decisions of cleanup 1 were changed meanwhile"):
        draft.cleanups.decide(*of, requests, seen=stale, actor=ACTOR, now=now)
    with pytest.raises(StaleRevision, match="decisions of cleanup 1 were changed meanwhile"):
        draft.cleanups.remove_decisions(*of, [cio_id], seen=stale, actor=ACTOR, now=now)

    assert draft.cleanup == before
    seen_now = {cio_id: KEEP, draft.cio_ids["m-3"]: None}
    assert draft.cleanups.decide(*of, requests, seen=seen_now, actor=ACTOR, now=now).cleanup.total == 2


def test_draft_is_discarded_only_in_the_version_that_was_seen(sql_env: WorkspaceEnv) -> None:
    draft = blocked(sql_env)
    of, now = (sql_env.workspace_id, draft.number), sql_env.store.clock()
    draft.decide({"m-1": KEEP})

    with pytest.raises(StaleRevision, match="the draft has version 2 by now, not 1"):
        draft.cleanups.discard(*of, version=1, actor=ACTOR, now=now)

    assert draft.cleanups.discard(*of, version=2, actor=ACTOR, now=now).state is CleanupState.DISCARDED


def test_removal_of_nothing(sql_env: WorkspaceEnv) -> None:
    draft = blocked(sql_env)
    before = draft.cleanup

    assert draft.remove_decisions("m-1") == 0
    assert draft.cleanup == before


def test_where_the_migration_merges(sql_env: WorkspaceEnv) -> None:
    draft = CleanupEnv.blocked(sql_env, PEOPLE, OnConflict.MERGE)

    assert draft.cleanup.people_blocking_after == 2
    assert draft.decide({"m-1": CLEAR})["m-1"].refusal is not None
    draft.decide({"m-4": CLEAR})
    assert draft.cleanup.people_blocking_after == 1
    draft.decide({"other@example.com": DELETE})
    assert draft.cleanup.people_blocking_after == 0


def test_decisions_of_a_kind(sql_env: WorkspaceEnv) -> None:
    draft = blocked(sql_env)
    draft.decide({"m-1": KEEP, "m-2": merge_into("m-1"), "m-3": merge_into("m-1"), "m-4": DELETE})
    where = (sql_env.workspace_id, draft.number)

    merges = draft.cleanups.decisions_of_kind(*where, DecisionKind.MERGE, outcome=None, limit=1)
    rest = draft.cleanups.decisions_of_kind(*where, DecisionKind.MERGE, outcome=None, after=merges[0].cio_id, limit=10)

    assert [each.cio_id for each in (*merges, *rest)] == sorted(draft.cio_ids[id_] for id_ in ("m-2", "m-3"))
    assert draft.cleanups.decisions_of_kind(*where, DecisionKind.CLEAR, outcome=None, limit=10) == []
    draft.apply()
    draft.work()
    assert draft.cleanups.decisions_of_kind(*where, DecisionKind.DELETE, outcome=None, limit=10) == []
    [deleted] = draft.cleanups.decisions_of_kind(*where, DecisionKind.DELETE, outcome=Outcome.APPLIED, limit=10)
    assert deleted.cio_id == draft.cio_ids["m-4"]


def test_who_made_decisions(sql_env: WorkspaceEnv) -> None:
    draft = blocked(sql_env)
    draft.decide({"m-1": KEEP, "m-2": DELETE, "m-3": DELETE})
    other = Actor(name="lena@nordlicht.example", via=Via.CONSOLE)
    request = DecisionRequest(draft.cio_ids["m-4"], DELETE)
    where = (sql_env.workspace_id, draft.number)
    draft.cleanups.decide(*where, [request], actor=other, now=sql_env.store.clock())

    assert draft.cleanups.makers(*where, limit=100) == [
        (ACTOR.name, DecisionKind.DELETE, 2),
        (ACTOR.name, DecisionKind.KEEP, 1),
        (other.name, DecisionKind.DELETE, 1),
    ]
    assert sum(made.decisions for made in draft.cleanups.makers(*where, limit=2)) == 2


def test_decision_about_another_address_counts_as_none(sql_env: WorkspaceEnv) -> None:
    """A call has changed the address before the decision, and the list was not new yet: Apply would skip it."""
    draft = CleanupEnv.blocked(sql_env, {"m-1": "a@example.com", "m-2": "a@example.com", "m-3": "b@example.com"})
    sql_env.identify_person(id="m-2", body={"email": "b@example.com"})
    draft.decide({"m-2": DELETE})

    draft.check_again()

    [stored] = draft.cleanups.decisions(sql_env.workspace_id, draft.number, limit=10)
    assert stored.refusal == "The address of this person has changed since the decision: decide again."
    assert (draft.cleanup.refused, draft.cleanup.deletions, draft.cleanup.people_blocking_after) == (1, 0, 2)
    draft.decide({"m-2": DELETE})
    assert (draft.cleanup.refused, draft.cleanup.deletions, draft.cleanup.people_blocking_after) == (0, 1, 0)
