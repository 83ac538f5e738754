"""A plan of one resource in words: the line of the change, of its identifiers, and of the people who block it."""

from typing import Any

import pytest

from tests.reconcile.builders import blocked, migration
from workspace_operator.migrations.model import Migration, OnConflict, Violation, ViolationCounts
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.plan.descriptions import resource_lines
from workspace_operator.reconcile.plan.diff import ChangeKind, PlannedChange
from workspace_operator.reconcile.plan.previews import Preview, ViolationSample
from workspace_operator.reconcile.plan.results import PlannedMigration, PlannedResource
from workspace_operator.reconcile.plan.sending import PlannedSending, SendingPreview
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.model import PeopleCounts, Settings

SHARED = ViolationSample(cio_id="a1", id="1", email="a@shop.example", sharing=4, shares_with=("b2", "c3"))
ALL_NAMED = ViolationSample(cio_id="a1", id=None, email="a@shop.example", sharing=2, shares_with=("b2",))
ALONE = ViolationSample(cio_id="d4", id="1", email="not an address", sharing=1)


def lines(reason: Reason = Reason.IN_FORCE, **values: Any) -> list[str]:
    outcome = Outcome(reason=reason, message="It is so.")
    planned = PlannedResource(namespaced_name="team-a/shop", workspace_id=7, outcome=outcome, **values)
    return list(resource_lines(planned))


def migration_lines(change: Migration, **preview: Any) -> list[str]:
    values = Preview(**{"people": PeopleCounts(total=9)} | preview)
    return lines(identifiers=PlannedMigration(migration=change, stage=Stage.CHECKING, preview=values))[1:]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (PlannedChange(kind=ChangeKind.CREATE, after="Shop"), '  create "Shop"'),
        (PlannedChange(kind=ChangeKind.SET, field="spec.color", after="blue"), "  set spec.color to blue"),
        (
            PlannedChange(kind=ChangeKind.SET, field="spec.color", before="red", after="blue"),
            "  set spec.color red → blue",
        ),
        (PlannedChange(kind=ChangeKind.SET, field="spec.color", before="red"), "  set spec.color red → nothing"),
    ],
    ids=["creation", "new value", "other value", "no value"],
)
def test_change_has_a_line_with_the_old_and_the_new_value(change: PlannedChange, line: str) -> None:
    assert lines(changes=(change,)) == ["team-a/shop: would change", line]


def test_change_of_identifiers_has_the_lines_of_its_migration_only() -> None:
    change = PlannedChange(kind=ChangeKind.CHANGE_IDENTIFIERS, field="spec.identifiers.mode")
    planned = PlannedMigration(migration=migration())
    assert lines(changes=(change,), identifiers=planned) == [
        "team-a/shop: would change",
        "  identifiers IDOnly → EmailOrID, onConflict Block: would be requested",
    ]


def test_migration_after_its_cutover_has_no_forecast() -> None:
    planned = PlannedMigration(migration=migration(), stage=Stage.MERGING)
    assert lines(identifiers=planned)[1:] == ["  identifiers IDOnly → EmailOrID, onConflict Block: is in stage Merging"]


def test_migration_that_nobody_blocks_is_allowed_for_everyone() -> None:
    assert migration_lines(migration())[1:] == ["    allowed for 9 people"]


@pytest.mark.parametrize(
    ("sample", "line"),
    [
        (SHARED, 'cio_a1, id "1", email "a@shop.example", shares it with cio_b2, cio_c3 and 1 more'),
        (ALL_NAMED, 'cio_a1, email "a@shop.example", shares it with cio_b2'),
        (ALONE, 'cio_d4, id "1", email "not an address"'),
    ],
    ids=["more than are named", "all are named", "nobody"],
)
def test_sample_names_the_person_and_those_who_share_the_address(sample: ViolationSample, line: str) -> None:
    violations = ViolationCounts(invalid_email=1, people_concerned=1)
    samples = {Violation.INVALID_EMAIL: (sample,)}
    assert migration_lines(blocked(), violations=violations, samples=samples)[1:4] == [
        "    blocked by 1 of 9 people",
        "    invalidEmail: 1 person",
        f"      {line}",
    ]


@pytest.mark.parametrize(
    ("on_conflict", "groups", "line"),
    [
        (OnConflict.BLOCK, 1, "    duplicateEmail: 5 people share 1 address"),
        (OnConflict.BLOCK, 2, "    duplicateEmail: 5 people share 2 addresses"),
        (OnConflict.MERGE, 2, "    duplicateEmail: 5 people share 2 addresses, and would be merged"),
    ],
)
def test_shared_addresses_are_counted(on_conflict: OnConflict, groups: int, line: str) -> None:
    violations = ViolationCounts(duplicate_email=5, people_concerned=5)
    found = migration_lines(migration(on_conflict=on_conflict), violations=violations, groups=groups)
    assert line in found


def test_effects_on_messages_that_wait_have_lines() -> None:
    before, after = Settings(display_name="Shop"), Settings(display_name="Shop", send_mode=SendMode.NEVER)
    sending = PlannedSending(before=before, after=after, preview=SendingPreview(waiting=2))
    assert lines(sending=sending)[1:] == [f"  {effect}" for effect in sending.effects]


def test_blocked_resource_says_why() -> None:
    assert lines(Reason.NAME_CONFLICT) == ["team-a/shop: would be blocked (NameConflict)", "  It is so."]


def test_people_who_block_are_not_said_twice() -> None:
    assert "  It is so." not in lines(Reason.MIGRATION_BLOCKED)
