"""What a plan comes to, and what it advises."""

from dataclasses import replace
from typing import Any

import pytest

from tests.reconcile.builders import OWNER, blocked, migration, stored
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration, OnConflict, ViolationCounts
from workspace_operator.reconcile.model.outcomes import KSTATUSES, KStatus, Outcome, Reason
from workspace_operator.reconcile.plan.diff import ChangeKind, PlannedChange
from workspace_operator.reconcile.plan.previews import Preview
from workspace_operator.reconcile.plan.results import (
    Orphan,
    PlannedMigration,
    PlannedResource,
    PlanResult,
    combined_result,
)
from workspace_operator.workspaces.model import PeopleCounts

CREATE = PlannedChange(kind=ChangeKind.CREATE, after="Shop")
SHARING = ViolationCounts(duplicate_email=5, people_concerned=5)
MIXED = ViolationCounts(duplicate_email=5, invalid_email=1, people_concerned=6)
MERGING = migration(on_conflict=OnConflict.MERGE)
DISABLING = migration(from_mode=Mode.EMAIL_OR_ID, to_mode=Mode.ID_ONLY)

LISTED = "exports get --workspace team-a/shop --latest -o FILE"
DEDUPE = "people dedupe --workspace team-a/shop --keep oldest --dry-run"
MERGE = "With spec.identifiers.onConflict: Merge the change would pass: 3 people become part of another person, and 2 "


def planned_resource(reason: Reason = Reason.IN_FORCE, **values: Any) -> PlannedResource:
    return PlannedResource(
        namespaced_name="team-a/shop", workspace_id=7, outcome=Outcome(reason=reason, message="It is so."), **values
    )


def preview(**values: Any) -> Preview:
    return Preview(**{"people": PeopleCounts(total=9)} | values)


def advice(change: Migration, **values: Any) -> tuple[str, ...]:
    return planned_resource(identifiers=PlannedMigration(migration=change, preview=preview(**values))).advice


@pytest.mark.parametrize("reason", [reason for reason, kstatus in KSTATUSES.items() if kstatus is KStatus.STALLED])
def test_whatever_needs_a_person_is_blocked(reason: Reason) -> None:
    assert planned_resource(reason, changes=(CREATE,)).result is PlanResult.BLOCKED


@pytest.mark.parametrize(
    "values",
    [{"changes": (CREATE,)}, {"identifiers": PlannedMigration(migration=migration())}],
    ids=["something to do", "something under way"],
)
def test_whatever_moves_is_a_change(values: dict[str, Any]) -> None:
    assert planned_resource(**values).result is PlanResult.CHANGES


def test_all_in_force_is_nothing() -> None:
    assert planned_resource().result is PlanResult.NOTHING


@pytest.mark.parametrize(
    ("forecasts", "outcome"),
    [
        ([], PlanResult.NOTHING),
        ([planned_resource()], PlanResult.NOTHING),
        ([planned_resource(), planned_resource(changes=(CREATE,))], PlanResult.CHANGES),
        (
            [planned_resource(Reason.NAME_CONFLICT), planned_resource(changes=(CREATE,)), planned_resource()],
            PlanResult.BLOCKED,
        ),
    ],
    ids=["none", "nothing", "changes", "blocked"],
)
def test_plan_comes_to_the_worst(forecasts: list[PlannedResource], outcome: PlanResult) -> None:
    assert combined_result(forecast.result for forecast in forecasts) is outcome


@pytest.mark.parametrize(
    ("change", "counts", "allowed"),
    [(blocked(), SHARING, False), (MERGING, SHARING, True), (migration(), ViolationCounts(), True)],
    ids=["block", "merge", "clean"],
)
def test_migration_is_allowed_when_nobody_stands_in_the_way(
    change: Migration, counts: ViolationCounts, allowed: bool
) -> None:
    seen = PlannedMigration(migration=change, preview=preview(violations=counts))

    assert seen.is_allowed is allowed


def test_migration_after_cut_over_is_allowed() -> None:
    assert PlannedMigration(migration=migration()).is_allowed


def test_no_change_needs_no_advice() -> None:
    assert planned_resource().advice == ()
    assert planned_resource(identifiers=PlannedMigration(migration=migration())).advice == ()
    assert advice(migration()) == ()


def test_sharers_may_be_merged_or_cleaned() -> None:
    status = advice(migration(), violations=SHARING, people_to_merge=3, ids_given_up=2)

    assert len(status) == 3
    assert status[0].startswith(MERGE)
    assert DEDUPE in status[1]
    assert LISTED in status[2]


def test_merging_is_said_not_to_be_enough() -> None:
    status = advice(migration(), violations=MIXED, people_to_merge=1, ids_given_up=1, people_concerned_beside_sharing=1)

    assert len(status) == 3
    assert "Merge, 1 person would still block the change" in status[0]
    assert "1 person becomes part of another person, and 1 id becomes free" in status[0]


def test_merging_says_how_to_undo_it() -> None:
    [status] = advice(MERGING, violations=SHARING, people_to_merge=3, ids_given_up=0)

    assert status.startswith("3 people become part of another person, and 0 ids become free. `workspacectl merges")


def test_merging_nobody_needs_no_words() -> None:
    assert advice(MERGING) == ()


def test_others_in_the_way_of_merging_are_listed() -> None:
    status = advice(MERGING, violations=MIXED, people_to_merge=3, people_concerned_beside_sharing=1)

    assert len(status) == 2
    assert LISTED in status[1]


def test_people_without_id_are_reported() -> None:
    people = PeopleCounts(total=9, without_id=1)

    [status] = advice(DISABLING, people=people, people_without_usable_identifier=1)

    assert status.startswith("1 person has no id: they stay, and can then be reached by cio_id only")
    assert advice(DISABLING) == ()


def test_people_with_neither_are_reported() -> None:
    [status] = advice(migration(), people_without_usable_identifier=2)

    assert status.startswith("2 people have neither an id nor an address: they stay")


@pytest.mark.parametrize(
    ("place", "status"),
    [
        ({"namespace": "old"}, "workspace 7 of old/shop, which has 25 people."),
        ({"cluster": "gone"}, "workspace 7 of team-a/shop of cluster gone, which has 25 people."),
    ],
)
def test_workspace_of_the_same_name_is_named_first(place: dict[str, str], status: str) -> None:
    orphan = Orphan(workspace=stored(owner=replace(OWNER, **place)), people=25)
    change = PlannedMigration(migration=DISABLING, preview=preview(people=PeopleCounts(total=1, without_id=1)))

    first, second = planned_resource(cluster=OWNER.cluster, orphans=(orphan,), identifiers=change).advice

    assert status in first
    assert first.endswith(f"assign 7 --to team-a/shop{' --cluster-id cluster-1' if 'cluster' in place else ''}`.")
    assert "no id" in second
