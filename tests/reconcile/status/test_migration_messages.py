"""What conditions say of an identifier change: what, how many, what next; and no number that moves by itself."""

from dataclasses import replace

import pytest

from tests.reconcile.builders import (
    LATER,
    blocked,
    desired,
    merging,
    message,
    migration,
    resource,
    status_for,
    stored,
)
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration, OnConflict, ViolationCounts
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import ObservedState
from workspace_operator.resources.workspaces import RECONCILE_REQUESTED_AT

ID_ONLY = stored(mode=Mode.ID_ONLY)
TO_BOTH = resource(desired=desired(Mode.EMAIL_OR_ID))
TO_MERGE = resource(desired=merging())
AFTER = (Stage.SWITCHED, Stage.MERGING)
MERGE = {"on_conflict": OnConflict.MERGE, "people_to_merge": 12, "ids_given_up": 3}
TO_IDS = {"from_mode": Mode.EMAIL_OR_ID, "to_mode": Mode.ID_ONLY, "people_without_id": 5}


def details(subject: Resource, change: Migration, mode: Mode = Mode.ID_ONLY) -> str:
    status = status_for(subject, ObservedState(workspace=stored(mode=mode), migration=change))
    return message(status, "IdentifiersApplied")


def test_ready_is_short_while_a_migration_is_open() -> None:
    running, stopped = (
        message(status_for(TO_BOTH, ObservedState(workspace=ID_ONLY, migration=each)))
        for each in (migration(Stage.PREPARING), blocked())
    )

    assert running == (
        "The identifiers change from IDOnly to EmailOrID; every other setting is in force. status.migration shows the "
        "progress."
    )
    assert stopped == ("3 of 100 people block the change to EmailOrID. Condition IdentifiersApplied says what to do.")


def test_blocked_message_stands_alone() -> None:
    words = details(resource(desired=desired(Mode.EMAIL_OR_ID), created_at="2026-01-01T00:00:00Z"), blocked())

    assert words.startswith(
        "3 of 100 people block the change to EmailOrID "
        "(duplicateEmail 2, idIsAnotherEmail 1; a person can have several violations). IDOnly and every other setting"
    )
    assert "`workspacectl exports get --workspace team-a/shop --latest -o FILE`" in words
    assert "within a minute" in words
    assert RECONCILE_REQUESTED_AT in words


def test_without_a_cluster_a_blocked_migration_waits_for_the_next_apply() -> None:
    words = details(TO_BOTH, blocked())

    assert words.endswith(" Then run `workspacectl apply` again.")
    assert "minute" not in words
    assert RECONCILE_REQUESTED_AT not in words


DEDUPE = "`workspacectl people dedupe --workspace team-a/shop --keep oldest --dry-run` counts the people to delete"
MERGING = "spec.identifiers.onConflict: Merge merges the people who share an address"


@pytest.mark.parametrize(
    ("change", "advised"),
    [
        (blocked(violations=ViolationCounts(duplicate_email=2, people_concerned=2)), (True, True)),
        (blocked(), (True, False)),
        (blocked(violations=ViolationCounts(invalid_email=2, people_concerned=2)), (False, False)),
        (blocked(on_conflict=OnConflict.MERGE), (False, False)),
    ],
    ids=["duplicates", "and others", "others", "merging"],
)
def test_blocked_message_advises_what_helps(change: Migration, advised: tuple[bool, bool]) -> None:
    wanting = TO_MERGE if change.on_conflict is OnConflict.MERGE else TO_BOTH

    words = details(wanting, change)

    assert (DEDUPE in words, MERGING in words) == advised


def test_merging_counts_no_duplicates_as_obstacles() -> None:
    words = details(TO_MERGE, blocked(on_conflict=OnConflict.MERGE))

    assert "(idIsAnotherEmail 1; a person can have several violations)" in words


PREPARING = "No person blocks the change; the cut-over is being prepared and waits for requests in progress."
COMPLETING = "The change is being completed."
TO_BE_MERGED = "12 people will become part of another person, and 3 ids will become free."
MERGED = "12 people became part of another person, and 1 id became free."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            migration(Stage.PREPARING, **MERGE),
            f"IDOnly is in force. {PREPARING} {TO_BE_MERGED}",
        ),
        (
            migration(Stage.MERGING, **MERGE | {"ids_given_up": 1}),
            f"EmailOrID is in force. People who share an address are being merged. {MERGED}",
        ),
        (migration(Stage.CHECKING, **MERGE), "IDOnly is in force. The people are being checked."),
        (
            migration(Stage.PREPARING, **TO_IDS),
            f"EmailOrID is in force. {PREPARING} 5 people without an id will be reached by cio_id only.",
        ),
        (
            migration(Stage.SWITCHED, **TO_IDS | {"people_without_id": 1}),
            f"IDOnly is in force. {COMPLETING} 1 person without an id can now be reached by cio_id only.",
        ),
        (migration(Stage.PREPARING, people_without_id=5), f"IDOnly is in force. {PREPARING}"),
    ],
    ids=["to merge", "merging", "uncounted", "to ids", "switched to ids", "by email"],
)
def test_running_message_says_what_it_means_for_people(change: Migration, words: str) -> None:
    in_force = change.to_mode if change.stage in AFTER else change.from_mode
    wanting = resource(desired=replace(desired(change.to_mode), on_conflict=change.on_conflict))

    assert details(wanting, change, in_force) == words


@pytest.mark.parametrize("stage", [Stage.CHECKING, Stage.PREPARING, Stage.MERGING])
def test_conditions_rest_while_numbers_move(stage: Stage) -> None:
    mode = Mode.EMAIL_OR_ID if stage is Stage.MERGING else Mode.ID_ONLY
    before = migration(stage, people_total=100, **MERGE)
    after = replace(before, people_checked=50, people_merged=6, estimated_completion=LATER, progress=1)

    first, second = (
        status_for(TO_MERGE, ObservedState(workspace=stored(mode=mode), migration=each)) for each in (before, after)
    )

    assert first["conditions"] == second["conditions"]
    assert first["migration"] != second["migration"]
