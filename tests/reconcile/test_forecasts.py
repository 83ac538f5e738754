"""What a plan comes to, and what it advises."""

from dataclasses import replace
from typing import Any

import pytest

from tests.reconcile.builders import OWNER, blocked, migration, stored
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import Migration, OnConflict, ViolationCounts
from workspace_operator.reconcile.forecasts import Forecast, IdentifierForecast, Orphan, Outcome, outcome_of_all
from workspace_operator.reconcile.intentions import Intention, Verb
from workspace_operator.reconcile.observed import PeopleCounts
from workspace_operator.reconcile.previews import Preview
from workspace_operator.reconcile.verdicts import FOOTINGS, Footing, Reason, Verdict

CREATE = Intention(verb=Verb.CREATE, after="Shop")
SHARING = ViolationCounts(duplicate_email=5, people_concerned=5)
MIXED = ViolationCounts(duplicate_email=5, invalid_email=1, people_concerned=6)
MERGING = migration(on_conflict=OnConflict.MERGE)
DISABLING = migration(from_mode=Mode.EMAIL_OR_ID, to_mode=Mode.ID_ONLY)

LISTED = "exports get --workspace team-a/shop --latest -o FILE"
DEDUPE = "people dedupe --workspace team-a/shop --keep oldest --dry-run"
MERGE = "With spec.identifiers.onConflict: Merge it would go through: 3 people become part of somebody else, and 2 ids"


def forecast(reason: Reason = Reason.IN_FORCE, **values: Any) -> Forecast:
    return Forecast(title="team-a/shop", workspace_id=7, verdict=Verdict(reason=reason, message="It is so."), **values)


def preview(**values: Any) -> Preview:
    return Preview(**{"people": PeopleCounts(total=9)} | values)


def advice(change: Migration, **values: Any) -> tuple[str, ...]:
    return forecast(identifiers=IdentifierForecast(change=change, preview=preview(**values))).advice


@pytest.mark.parametrize("reason", [reason for reason, footing in FOOTINGS.items() if footing is Footing.STALLED])
def test_whatever_needs_a_person_is_blocked(reason: Reason) -> None:
    assert forecast(reason, intentions=(CREATE,)).outcome is Outcome.BLOCKED


@pytest.mark.parametrize(
    "values",
    [{"intentions": (CREATE,)}, {"identifiers": IdentifierForecast(change=migration())}],
    ids=["something to do", "something under way"],
)
def test_whatever_moves_is_a_change(values: dict[str, Any]) -> None:
    assert forecast(**values).outcome is Outcome.CHANGES


def test_all_in_force_is_nothing() -> None:
    assert forecast().outcome is Outcome.NOTHING


@pytest.mark.parametrize(
    ("forecasts", "outcome"),
    [
        ([], Outcome.NOTHING),
        ([forecast()], Outcome.NOTHING),
        ([forecast(), forecast(intentions=(CREATE,))], Outcome.CHANGES),
        ([forecast(Reason.NAME_CONFLICT), forecast(intentions=(CREATE,)), forecast()], Outcome.BLOCKED),
    ],
    ids=["none", "nothing", "changes", "blocked"],
)
def test_plan_comes_to_the_worst(forecasts: list[Forecast], outcome: Outcome) -> None:
    assert outcome_of_all(forecasts) is outcome


@pytest.mark.parametrize(
    ("change", "counts", "allowed"),
    [(blocked(), SHARING, False), (MERGING, SHARING, True), (migration(), ViolationCounts(), True)],
    ids=["block", "merge", "clean"],
)
def test_change_is_allowed_when_nobody_stands_in_the_way(
    change: Migration, counts: ViolationCounts, allowed: bool
) -> None:
    seen = IdentifierForecast(change=change, preview=preview(violations=counts))

    assert seen.is_allowed is allowed


def test_switched_change_is_allowed() -> None:
    assert IdentifierForecast(change=migration()).is_allowed


def test_no_change_needs_no_advice() -> None:
    assert forecast().advice == ()
    assert forecast(identifiers=IdentifierForecast(change=migration())).advice == ()
    assert advice(migration()) == ()


def test_sharers_may_be_merged_or_cleaned() -> None:
    told = advice(migration(), violations=SHARING, people_merged=3, ids_given_up=2)

    assert len(told) == 3
    assert told[0].startswith(MERGE)
    assert DEDUPE in told[1]
    assert LISTED in told[2]


def test_merging_is_said_not_to_be_enough() -> None:
    told = advice(migration(), violations=MIXED, people_merged=1, ids_given_up=1, people_concerned_beside_sharing=1)

    assert len(told) == 3
    assert "Merge, 1 person would still stand in the way" in told[0]
    assert "1 person becomes part of somebody else, and 1 id becomes free" in told[0]


def test_merging_says_how_to_undo_it() -> None:
    [told] = advice(MERGING, violations=SHARING, people_merged=3, ids_given_up=0)

    assert told.startswith("3 people become part of somebody else, and 0 ids become free. `workspacectl merges list`")


def test_merging_nobody_needs_no_words() -> None:
    assert advice(MERGING) == ()


def test_others_in_the_way_of_merging_are_listed() -> None:
    told = advice(MERGING, violations=MIXED, people_merged=3, people_concerned_beside_sharing=1)

    assert len(told) == 2
    assert LISTED in told[1]


def test_people_without_id_are_told_of() -> None:
    people = PeopleCounts(total=9, without_id=1)

    [told] = advice(DISABLING, people=people, people_without_usable_identifier=1)

    assert told.startswith("1 person has no id: they stay, and are reached by cio_id only")
    assert advice(DISABLING) == ()


def test_people_with_neither_are_told_of() -> None:
    [told] = advice(migration(), people_without_usable_identifier=2)

    assert told.startswith("2 people have neither an id nor an address: they stay")


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ({"namespace": "old"}, "workspace 7 of old/shop, which has 25 people."),
        ({"cluster": "gone"}, "workspace 7 of team-a/shop of cluster gone, which has 25 people."),
    ],
)
def test_workspace_of_the_same_name_is_named_first(place: dict[str, str], told: str) -> None:
    orphan = Orphan(workspace=stored(owner=replace(OWNER, **place)), people=25)
    change = IdentifierForecast(change=DISABLING, preview=preview(people=PeopleCounts(total=1, without_id=1)))

    first, second = forecast(cluster=OWNER.cluster, orphans=(orphan,), identifiers=change).advice

    assert told in first
    assert first.endswith(f"assign 7 --to team-a/shop{' --cluster-id cluster-1' if 'cluster' in place else ''}`.")
    assert "no id" in second
