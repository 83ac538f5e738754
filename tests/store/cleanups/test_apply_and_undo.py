"""Decisions are carried out by a worker, and undone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.store.cleanups.cleanup_env import ACTOR, UNDO_PERIOD, CleanupEnv
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.ports import ApplyRequest
from workspace_operator.cleanups.decisions import (
    CLEAR,
    DELETE,
    KEEP,
    correct_to,
    merge_into,
)
from workspace_operator.cleanups.execution import SkipReason
from workspace_operator.cleanups.model import CleanupState, Outcome
from workspace_operator.cleanups.undo import UndoReason
from workspace_operator.errors import Conflict, InvalidInput, StaleRevision
from workspace_operator.identity.model.commands import MergePeople
from workspace_operator.identity.model.person_events import DeviceUpserted, MembershipSet
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Stage

ADA, BOB = "ada@example.com", "bob@example.com"
PEOPLE = {"m-1": ADA, "m-2": ADA, "m-3": ADA, "m-4": "broken@", "m-5": BOB, "m-6": BOB}
DECISIONS = {
    "m-1": KEEP,
    "m-2": merge_into("m-1"),
    "m-3": correct_to("m3@example.com"),
    "m-4": CLEAR,
    "m-5": DELETE,
}


def decided(sql_env: WorkspaceEnv) -> CleanupEnv:
    draft = CleanupEnv.blocked(sql_env, PEOPLE)
    results = draft.decide(DECISIONS)
    assert {each.refusal for each in results.values()} == {None}
    assert draft.cleanup.people_blocking_after == 0
    return draft


def test_apply(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.apply()
    draft.work(batch=2)

    cleanup = draft.cleanup
    assert (cleanup.state, cleanup.applied, cleanup.skipped) == (CleanupState.APPLIED, 5, 0)
    assert cleanup.undo_until == draft.env.store.clock() + UNDO_PERIOD
    assert (cleanup.applied_by, cleanup.people_blocking) == (ACTOR.name, None)
    assert draft.person("m-2") is draft.person("m-5") is None
    emails = {id_: person.email if (person := draft.person(id_)) else None for id_ in ("m-1", "m-3", "m-4", "m-6")}
    assert emails == {"m-1": ADA, "m-3": "m3@example.com", "m-4": None, "m-6": BOB}


def test_migration_goes_through_afterwards(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.apply()
    draft.env.store.clock.advance(10)
    assert not draft.env.work()  # while people are changed, the migration is not checked
    draft.work()
    while draft.env.work():
        pass

    assert draft.env.mode is Mode.EMAIL_OR_ID
    assert draft.env.stage is Stage.COMPLETED


def test_apply_names_what_was_seen(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    with pytest.raises(StaleRevision, match="has version 2 by now, not 1"):
        draft.apply(version=1)
    with pytest.raises(InvalidInput, match="2 is not the number of people that would be deleted, which is 1"):
        draft.apply(deletions=2)
    assert draft.cleanup.state is CleanupState.DRAFT


def test_apply_of_nothing(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.remove_decisions(*PEOPLE)

    with pytest.raises(InvalidInput, match="there are no decisions to apply"):
        draft.apply()


def test_apply_of_a_suspended_workspace(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.env.pause()

    with pytest.raises(Conflict, match="suspended"):
        draft.apply()


def test_draft_is_closed_while_it_is_applied(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.apply()

    with pytest.raises(Conflict, match="cleanup 1 is Applying: its decisions cannot be changed any more"):
        draft.decide({"m-1": KEEP})
    with pytest.raises(Conflict, match="cleanup 1 is Applying"):
        draft.apply()
    assert draft.open().number == draft.number


def test_people_who_have_changed_are_left_alone(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.env.identify_person(id="m-3", body={"email": "new@example.com"})
    draft.env.delete(id="m-4")
    draft.env.identify_person(id="m-1", body={"email": ""})
    draft.apply()
    draft.work()

    cleanup = draft.cleanup
    assert (cleanup.applied, cleanup.skipped) == (2, 3)
    reasons = {id_: stored.reason for id_ in DECISIONS if (stored := draft.stored(id_)) and stored.reason}
    assert reasons == {
        "m-2": SkipReason.SURVIVOR_CHANGED,
        "m-3": SkipReason.CHANGED,
        "m-4": SkipReason.PERSON_GONE,
    }
    assert draft.person("m-2") is not None


def test_decision_that_is_not_needed_any_more(sql_env: WorkspaceEnv) -> None:
    """m-6 gets another address, so m-5 does not share one: it is not deleted."""
    draft = decided(sql_env)
    draft.env.identify_person(id="m-6", body={"email": "m6@example.com"})
    draft.check_again()

    cleanup = draft.cleanup
    assert (cleanup.refused, cleanup.deletions, cleanup.people_blocking_after) == (1, 0, 0)
    draft.apply(deletions=0)
    draft.work()
    assert draft.person("m-5") is not None
    stored = draft.stored("m-5")
    assert stored is not None
    assert (stored.outcome, stored.reason) == (Outcome.SKIPPED, SkipReason.NOT_NEEDED)


def test_apply_after_the_list_has_changed(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.env.identify_person(id="m-6", body={"email": "m6@example.com"})
    draft.env.store.clock.advance(6)
    draft.env.work()

    with pytest.raises(StaleRevision, match="the list of people has changed"):
        draft.apply()


def test_undo_gives_everything_back(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    device = Device(token="t", platform="ios", last_used=None, attributes={})
    m5 = draft.cio_ids["m-5"]
    draft.env.store.append_events(
        draft.env.workspace_id,
        [DeviceUpserted(cio_id=m5, device=device), MembershipSet(cio_id=m5, segment=3, member=True)],
    )
    draft.env.identify_person(id="m-5", body={"plan": "gold"})
    before = draft.people()
    draft.apply()
    draft.work()
    draft.undo()
    draft.work(batch=2)

    cleanup = draft.cleanup
    assert (cleanup.state, cleanup.undone, cleanup.undone_in_part, cleanup.not_undone) == (
        CleanupState.UNDONE,
        5,
        0,
        0,
    )
    assert draft.people() == before
    records = draft.env.store.person_records
    assert records.devices(draft.env.workspace_id, [m5]) == {m5: (device,)}
    assert list(records.members(draft.env.workspace_id, 3)) == [m5]
    while draft.env.work():
        pass
    assert draft.env.stage is Stage.BLOCKED


def test_undo_of_single_decisions(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.apply()
    draft.work()
    draft.undo("m-5")
    draft.work()

    assert (draft.cleanup.state, draft.cleanup.undone) == (CleanupState.APPLIED, 1)
    assert draft.person("m-5") is not None
    draft.undo()
    draft.work()
    assert (draft.cleanup.state, draft.cleanup.undone) == (CleanupState.UNDONE, 5)


def test_undo_names_people_without_a_decision_to_undo(sql_env: WorkspaceEnv) -> None:
    """Nothing is undone then, not even the decisions that can be."""
    draft = decided(sql_env)
    draft.apply()
    draft.work()
    draft.undo("m-5")
    draft.work()
    draft.cio_ids |= {"unknown": "x" * 400, "gone": "y", "third": "z"}

    named = f"'{draft.cio_ids['m-5']}', 'x{{40}}'…, 'y' and 1 more"
    expected = f"cleanup 1 has no decision that can be undone about {named}"
    for attempt in (draft.undo, draft.preview):
        with pytest.raises(InvalidInput, match=expected) as refused:
            attempt("m-4", "m-5", "unknown", "gone", "third")
        assert refused.value.field == "cio_ids"
    assert (draft.cleanup.state, draft.cleanup.undone) == (CleanupState.APPLIED, 1)


def test_audit_log_has_the_number_of_decisions_to_undo(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.apply()
    draft.work()
    for ids in (("m-5", "m-5", "m-4"), ()):
        draft.undo(*ids)
        draft.work()

    entries = sql_env.store.audit_log.entries(sql_env.workspace_id, limit=2)
    assert [entry.detail for entry in entries] == [{"decisions": 3}, {"decisions": 2}]


def test_undo_leaves_later_changes(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.apply()
    draft.work()
    draft.env.identify_person(id="m-3", body={"email": "later@example.com"})
    draft.env.delete(id="m-4")
    draft.env.add("m-5", "again@example.com")
    draft.undo()
    draft.work()

    outcomes = {id_: (stored.outcome, stored.reason) for id_ in DECISIONS if (stored := draft.stored(id_))}
    assert outcomes == {
        "m-1": (Outcome.UNDONE, None),
        "m-2": (Outcome.UNDONE, None),
        "m-3": (Outcome.NOT_UNDONE, UndoReason.CHANGED),
        "m-4": (Outcome.NOT_UNDONE, UndoReason.ERASED),
        "m-5": (Outcome.UNDONE_IN_PART, UndoReason.IDENTIFIERS_MISSING),
    }
    restored = draft.person("m-5")
    assert restored is not None
    assert (restored.id, restored.email) == (None, BOB)
    assert draft.cleanup.state is CleanupState.APPLIED


def test_undo_after_the_survivor_is_deleted(sql_env: WorkspaceEnv) -> None:
    """The merge journal goes with the survivor, and what is kept of others who had the address goes, too."""
    draft = decided(sql_env)
    draft.apply()
    draft.work()
    draft.env.delete(id="m-1")
    draft.undo("m-2", "m-3")
    draft.work()

    reasons = [stored.reason for id_ in ("m-2", "m-3") if (stored := draft.stored(id_))]
    assert reasons == [UndoReason.SURVIVOR_GONE, UndoReason.ERASED]


def test_undo_after_a_later_merge(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.apply()
    draft.work()
    primary, secondary = (draft.env.reference(cio_id=draft.cio_ids[id_]) for id_ in ("m-6", "m-1"))
    draft.env.perform(MergePeople(primary=primary, secondary=secondary))
    draft.undo("m-2")
    draft.work()

    stored = draft.stored("m-2")
    assert stored is not None
    assert (stored.outcome, stored.reason) == (Outcome.NOT_UNDONE, UndoReason.MERGED_AGAIN)
    [later] = draft.env.store.merges.merges(draft.env.workspace_id, cio_id=draft.cio_ids["m-1"], limit=1)
    draft.env.store.merges.undo(draft.env.workspace_id, later.merge_id, now=int(draft.env.store.clock().timestamp()))
    draft.undo("m-2")
    draft.work()
    assert (draft.cleanup.undone, draft.cleanup.not_undone) == (1, 0)


def test_merge_that_was_undone_by_hand(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.apply()
    draft.work()
    merge_id = str(stored.merge_id) if (stored := draft.stored("m-2")) else ""
    draft.env.store.merges.undo(draft.env.workspace_id, merge_id, now=int(draft.env.store.clock().timestamp()))
    draft.undo()
    draft.work()

    assert draft.cleanup.state is CleanupState.UNDONE


@pytest.mark.parametrize("by", ["id", "email", "cio_id"])
def test_erasure_deletes_the_record(sql_env: WorkspaceEnv, by: str) -> None:
    """Who asks to be forgotten does not come back by an undo, although the person was deleted before."""
    draft = decided(sql_env)
    draft.apply()
    draft.work()
    if by == "email":
        while draft.env.work():  # the change goes through, so that an address names somebody
            pass
        draft.env.suppress(email=BOB)
    elif by == "id":
        draft.env.suppress(id="m-5")
    else:
        draft.env.delete(cio_id=draft.cio_ids["m-5"])
    draft.undo("m-5")
    draft.work()

    stored = draft.stored("m-5")
    assert stored is not None
    assert (stored.outcome, stored.reason) == (Outcome.NOT_UNDONE, UndoReason.ERASED)
    assert draft.person("m-5") is None


def test_undo_ends(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.apply()
    draft.work()
    draft.env.store.clock.advance(UNDO_PERIOD.total_seconds() + 1)

    with pytest.raises(Conflict, match="cannot be undone any more"):
        draft.undo()
    draft.work()
    assert draft.cleanup.undo_until is None
    assert draft.stored("m-1") is None


def test_without_undo_nothing_is_kept(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.apply()
    draft.work(undo_period=timedelta())

    assert (draft.cleanup.state, draft.cleanup.undo_until) == (CleanupState.APPLIED, None)
    assert draft.stored("m-5") is None
    with pytest.raises(Conflict, match="cannot be undone any more"):
        draft.undo()


def test_discard(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.cleanups.discard(draft.env.workspace_id, draft.number, actor=ACTOR, now=draft.env.store.clock())
    draft.work()

    assert draft.cleanup.state is CleanupState.DISCARDED
    assert draft.stored("m-1") is None
    assert draft.open().number == draft.number + 1


def test_draft_ends_with_the_migration(sql_env: WorkspaceEnv) -> None:
    """People were fixed elsewhere, so that the change went through without the draft."""
    draft = decided(sql_env)
    for id_ in ("m-2", "m-3", "m-4", "m-5"):
        draft.env.delete(id=id_)
    draft.check_again()

    assert draft.env.mode is Mode.EMAIL_OR_ID
    assert draft.cleanup.state is CleanupState.DISCARDED


def test_draft_outlives_a_cancelled_migration(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.env.cancel()
    while draft.env.work():
        pass
    draft.work()
    draft.env.migrate_to(Mode.EMAIL_OR_ID)
    draft.work()

    cleanup = draft.cleanup
    assert (cleanup.state, cleanup.total, cleanup.people_blocking_after) == (CleanupState.DRAFT, 5, 0)
    assert cleanup.migration_number == draft.env.migration.number


def test_migration_is_not_checked_while_a_cleanup_is_undone(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.apply()
    draft.work()
    draft.undo()
    draft.env.store.clock.advance(10)

    assert not draft.env.work()


def test_apply_waits_for_another_cleanup(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.decide({"m-3": KEEP})
    draft.apply()
    draft.work()
    while draft.env.work():
        pass
    first = draft.number
    draft.number = draft.open().number
    draft.decide({"m-3": CLEAR})
    draft.cleanups.undo(draft.env.workspace_id, first, None, actor=ACTOR, now=draft.env.store.clock())

    with pytest.raises(Conflict, match=f"cleanup {first} is Undoing"):
        draft.apply()


def test_lost_lease(sql_env: WorkspaceEnv) -> None:
    """A worker whose lease was taken over changes nobody."""
    draft = decided(sql_env)
    draft.apply()
    worker = draft.worker()
    taken = replace(worker, worker="w2")

    def stopping() -> bool:
        draft.env.store.clock.advance(100)
        taken.work_once()
        return False

    replace(worker, stopping=stopping).work_once()

    assert draft.cleanup.applied == 5


def test_request_of_another_version(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    request = ApplyRequest(version=draft.cleanup.version, deletions=1)
    draft.decide({"m-6": DELETE, "m-5": KEEP})

    with pytest.raises(StaleRevision):
        draft.cleanups.apply(draft.env.workspace_id, draft.number, request, actor=ACTOR, now=draft.env.store.clock())


def test_decisions_about_a_person_are_listed_newest_cleanup_first(sql_env: WorkspaceEnv) -> None:
    draft = decided(sql_env)
    draft.cleanups.discard(sql_env.workspace_id, draft.number, actor=ACTOR, now=sql_env.store.clock())
    second = draft.open()
    draft.number = second.number
    draft.decide({"m-4": DELETE})

    found = draft.cleanups.decisions_about(sql_env.workspace_id, draft.cio_ids["m-4"])

    assert [(number, stored.decision) for number, stored in found] == [(2, DELETE), (1, CLEAR)]
    assert draft.cleanups.decisions_about(sql_env.workspace_id, draft.cio_ids["m-6"]) == []
