"""What a plan tells of each manifest."""

from typing import Any

import pytest

from tests.manifests.fixtures import applied, manifest, migrated, planned, planner, ready, requested, workspace_of
from tests.store.backends import Store, memory_store
from tests.store.workspaces.sending_rows import add_attempt, add_message, add_sender
from workspace_operator.application.manifests.planner import EmptyPreviews
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.errors import NotFound
from workspace_operator.identity.model.commands import identify_from_fields
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode
from workspace_operator.migrations.model import OnConflict, Violation
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import ChangeOwner
from workspace_operator.reconcile.model.outcomes import Reason
from workspace_operator.reconcile.plan.diff import ChangeKind, PlannedChange
from workspace_operator.reconcile.plan.results import PlannedResource, PlanResult
from workspace_operator.reconcile.plan.sending import SendingPreview
from workspace_operator.resources.workspaces import ADOPT
from workspace_operator.sending.rules import SendMode

BY_ID = {"mode": "IDOnly"}
BY_BOTH = {"mode": "EmailOrID"}
MERGING = {"mode": "EmailOrID", "onConflict": "Merge"}
CHANGE = PlannedChange(
    kind=ChangeKind.CHANGE_IDENTIFIERS, field="spec.identifiers.mode", before="IDOnly", after="EmailOrID"
)


@pytest.fixture
def store() -> Store:
    """A store in memory with nothing in it."""
    return memory_store()


@pytest.fixture
def sharing(store: Store) -> Store:
    """default/crm, IDOnly, with two people of one address."""
    applied(store, manifest(identifiers=BY_ID))
    join(store, "1", "2")
    return store


def join(store: Store, *ids: str, email: str = "a@example.com") -> None:
    calls = [
        identify_from_fields(reference_of_kind(id_, IdentifierKind.ID, Mode.ID_ONLY), {"email": email}) for id_ in ids
    ]
    execute_commands(store.people, workspace_of(store).workspace_id, calls, now=int(store.clock().timestamp()))


def verbs(forecast: PlannedResource) -> list[ChangeKind]:
    return [each.kind for each in forecast.changes]


def test_new_workspace_would_be_created(store: Store) -> None:
    [forecast] = planned(store, manifest())

    assert (forecast.namespaced_name, forecast.workspace_id) == ("default/crm", None)
    assert forecast.result is PlanResult.CHANGES
    assert forecast.changes[0] == PlannedChange(kind=ChangeKind.CREATE, after="CRM")


def test_applied_manifest_needs_nothing(store: Store) -> None:
    applied(store, manifest())

    [forecast] = planned(store, manifest())

    assert forecast.result is PlanResult.NOTHING
    assert (forecast.workspace_id, forecast.changes) == (workspace_of(store).workspace_id, ())


def test_rename_and_settings_are_reported(store: Store) -> None:
    applied(store, manifest())

    [forecast] = planned(store, manifest(displayName="Sales", color="FF0000"))

    assert forecast.changes == (
        PlannedChange(kind=ChangeKind.SET, field="spec.displayName", before="CRM", after="Sales"),
        PlannedChange(kind=ChangeKind.SET, field="spec.color", before="6B7280", after="FF0000"),
    )


def test_second_holder_of_a_name_conflicts(store: Store) -> None:
    forecasts = planned(store, manifest("one", displayName="Same"), manifest("two", displayName="Same"))

    assert [each.result for each in forecasts] == [PlanResult.CHANGES, PlanResult.BLOCKED]
    assert forecasts[1].outcome.reason is Reason.NAME_CONFLICT


def test_name_that_becomes_free_can_be_taken(store: Store) -> None:
    applied(store, manifest("old", displayName="Same"))

    forecasts = planned(store, manifest("new", displayName="Same"), manifest("old", displayName="Other"))

    assert [each.result for each in forecasts] == [PlanResult.CHANGES, PlanResult.CHANGES]
    assert verbs(forecasts[0])[0] is ChangeKind.CREATE


def test_adopting_is_reported(store: Store) -> None:
    applied(store, manifest("old"))
    number = str(workspace_of(store, "old").workspace_id)

    [adopting] = planned(store, manifest("new", displayName="OLD", annotations={ADOPT: number}))
    [wrong] = planned(store, manifest("new", annotations={ADOPT: "77"}))

    assert adopting.changes == (PlannedChange(kind=ChangeKind.CHANGE_OWNER, before="default/old", after="default/new"),)
    assert wrong.outcome.reason is Reason.OWNERSHIP_CONFLICT


def test_assigned_workspace_is_taken_over(store: Store) -> None:
    applied(store, manifest("old"))
    old = workspace_of(store, "old")
    given = ChangeOwner(
        workspace_id=old.workspace_id,
        row_version=old.row_version,
        owner=old.owner.__class__(cluster="local", namespace="default", name="new", uid=""),
    )
    store.workspaces.apply(given, now=store.clock())

    [forecast] = planned(store, manifest("new", displayName="OLD"))

    assert verbs(forecast) == [ChangeKind.CHANGE_OWNER]


def test_uids_of_a_cluster_are_taken_as_they_are(store: Store) -> None:
    applied(store, manifest())
    crm = workspace_of(store)
    owner = crm.owner.__class__(cluster="c-1", namespace="default", name="crm", uid="made by a cluster")
    store.workspaces.apply(
        ChangeOwner(workspace_id=crm.workspace_id, row_version=crm.row_version, owner=owner), now=store.clock()
    )

    [forecast] = planned(store, manifest(), cluster="c-1")

    assert forecast.result is PlanResult.NOTHING


def test_suspended_resource_would_wait(store: Store) -> None:
    applied(store, manifest())

    [forecast] = planned(store, manifest(displayName="Sales", suspend=True))
    [unchanged] = planned(store, manifest(suspend=True))

    assert (forecast.result, forecast.outcome.reason) == (PlanResult.BLOCKED, Reason.SUSPENDED)
    assert unchanged.result is PlanResult.NOTHING


def test_people_in_the_way_would_block(sharing: Store) -> None:
    [forecast] = planned(sharing, manifest(identifiers=BY_BOTH))

    assert forecast.result is PlanResult.BLOCKED
    assert forecast.outcome.reason is Reason.MIGRATION_BLOCKED
    assert forecast.changes == (CHANGE,)
    assert forecast.identifiers is not None
    assert (forecast.identifiers.stage, forecast.identifiers.is_allowed) == (None, False)
    assert forecast.identifiers.preview is not None
    [sample] = forecast.identifiers.preview.samples[Violation.DUPLICATE_EMAIL]
    assert (sample.id, sample.sharing) == ("1", 2)


def test_merging_would_go_through(sharing: Store) -> None:
    [forecast] = planned(sharing, manifest(identifiers=MERGING))

    assert forecast.result is PlanResult.CHANGES
    assert forecast.identifiers is not None
    assert forecast.identifiers.is_allowed
    assert forecast.identifiers.preview is not None
    assert (forecast.identifiers.preview.people_to_merge, forecast.identifiers.preview.ids_given_up) == (1, 1)


def test_rules_of_the_new_mode_follow_its_cut_over(store: Store) -> None:
    applied(store, manifest(identifiers=BY_BOTH))

    [forecast] = planned(store, manifest(identifiers={**BY_ID, "emailUpdates": "ByCioID"}))

    assert [(each.kind, each.field) for each in forecast.changes] == [
        (ChangeKind.CHANGE_IDENTIFIERS, "spec.identifiers.mode"),
        (ChangeKind.SET, "spec.identifiers.emailUpdates"),
    ]


def test_migration_that_stays_blocked_is_reported(sharing: Store) -> None:
    applied(sharing, manifest(identifiers=BY_BOTH))
    sharing.clock.advance(60)

    [forecast] = planned(sharing, manifest(identifiers=BY_BOTH))

    assert (forecast.result, verbs(forecast)) == (PlanResult.BLOCKED, [ChangeKind.RETRY])
    assert forecast.identifiers is not None
    assert forecast.identifiers.stage is Stage.BLOCKED


def test_other_way_with_conflicts_replaces_the_migration(sharing: Store) -> None:
    applied(sharing, manifest(identifiers=BY_BOTH))
    sharing.clock.advance(60)

    [forecast] = planned(sharing, manifest(identifiers=MERGING))

    assert forecast.result is PlanResult.CHANGES
    assert verbs(forecast) == [ChangeKind.CANCEL, ChangeKind.CHANGE_IDENTIFIERS]
    assert forecast.identifiers is not None
    assert (forecast.identifiers.migration.on_conflict, forecast.identifiers.stage) == (OnConflict.MERGE, None)


def test_migration_that_is_taken_back_has_no_preview(sharing: Store) -> None:
    applied(sharing, manifest(identifiers=BY_BOTH))
    sharing.clock.advance(60)

    [forecast] = planned(sharing, manifest(identifiers=BY_ID))

    assert (forecast.result, verbs(forecast)) == (PlanResult.CHANGES, [ChangeKind.CANCEL])
    assert forecast.identifiers is None


def test_running_migration_is_reported(store: Store) -> None:
    applied(store, manifest(identifiers=BY_ID))
    requested(store, manifest(identifiers=BY_BOTH))

    [forecast] = planned(store, manifest(identifiers=BY_BOTH))

    assert (forecast.result, forecast.changes) == (PlanResult.CHANGES, ())
    assert forecast.identifiers is not None
    assert (forecast.identifiers.stage, forecast.identifiers.is_allowed) == (Stage.REQUESTED, True)


@pytest.mark.parametrize("stage", [Stage.SWITCHED, Stage.MERGING])
def test_migration_after_cut_over_has_no_preview(sharing: Store, stage: Stage) -> None:
    requested(sharing, manifest(identifiers=MERGING))
    migrated(sharing, until=stage)

    [forecast] = planned(sharing, manifest(identifiers=MERGING))

    assert (forecast.result, forecast.changes, forecast.advice) == (PlanResult.CHANGES, (), ())
    assert forecast.identifiers is not None
    assert (forecast.identifiers.stage, forecast.identifiers.preview) == (stage, None)


def test_next_migration_follows_the_one_that_has_cut_over(sharing: Store) -> None:
    requested(sharing, manifest(identifiers=MERGING))
    migrated(sharing, until=Stage.SWITCHED)

    [forecast] = planned(sharing, manifest(identifiers=BY_ID))

    assert verbs(forecast) == [ChangeKind.CHANGE_IDENTIFIERS]
    assert forecast.identifiers is not None
    assert (forecast.identifiers.stage, forecast.identifiers.migration.to_mode) == (None, Mode.ID_ONLY)


def test_paused_migration_is_planned_all_the_same(sharing: Store) -> None:
    requested(sharing, manifest(identifiers=BY_BOTH))

    [forecast] = planned(sharing, manifest(identifiers=BY_BOTH, suspend=True))

    assert (forecast.result, verbs(forecast)) == (PlanResult.BLOCKED, [ChangeKind.PAUSE])
    assert forecast.outcome.reason is Reason.SUSPENDED
    assert forecast.identifiers is not None
    assert not forecast.identifiers.is_allowed


def test_blocked_migration_of_an_invalid_spec_rests(sharing: Store) -> None:
    applied(sharing, manifest(identifiers=BY_BOTH))
    sharing.clock.advance(60)

    [forecast] = planned(sharing, manifest(identifiers=BY_BOTH, annotations={ADOPT: "no number"}))

    assert (forecast.outcome.reason, forecast.changes) == (Reason.INVALID_SPEC, ())
    assert forecast.identifiers is not None
    assert forecast.identifiers.migration.stage is Stage.BLOCKED


def test_problems_are_those_beside_what_is_in_force(store: Store) -> None:
    applied(store, manifest(identifiers=BY_BOTH))

    problems = planner(store.previews, store).problems(manifest(accountName="acme", color="blue"))

    assert {each.path for each in problems} == {"spec.color", "spec.accountName"}


@pytest.mark.parametrize("metadata", [None, {}, {"name": 7}, "crm"])
def test_nameless_manifests_have_problems(store: Store, metadata: object) -> None:
    assert planner(store.previews, store).problems({**manifest(), "metadata": metadata})


def test_without_a_database_everything_is_new(store: Store) -> None:
    [forecast] = planner(EmptyPreviews(), store).plan([manifest()])

    assert verbs(forecast)[0] is ChangeKind.CREATE
    with pytest.raises(NotFound):
        EmptyPreviews().preview(1, from_mode=Mode.ID_ONLY, to_mode=Mode.EMAIL_OR_ID, samples=3)


def test_change_of_sending_is_previewed(store: Store) -> None:
    applied(store, manifest(sendBehavior={"mode": "Test", "testAddress": "qa@example.com"}))
    workspace = workspace_of(store)
    add_message(store, workspace, due_at=store.clock(), accepted_mode=SendMode.TEST)
    add_attempt(store, workspace)

    [forecast] = planned(store, manifest())

    assert forecast.sending is not None
    assert forecast.sending.preview == SendingPreview(waiting=1, next_due_at=store.clock(), in_flight=1)
    assert [effect.split(":")[0] for effect in forecast.sending.effects] == ["Test → Normal"]


@pytest.mark.parametrize("changes", [{}, {"color": "FF0000"}, {"sending": {"from": "hello@shop.example"}}])
def test_other_changes_preview_no_messages(store: Store, changes: dict[str, Any]) -> None:
    applied(store, manifest())

    [forecast] = planned(store, manifest(**changes))

    assert forecast.sending is None


def test_transport_that_nobody_offers_is_foreseen(store: Store) -> None:
    applied(store, manifest())
    add_sender(store, "w1", offers=())

    [forecast] = planned(store, manifest(sending={"transport": "bulk"}))
    [document] = applied(store, manifest(sending={"transport": "bulk"}))

    assert (forecast.result, forecast.outcome.reason) == (PlanResult.BLOCKED, Reason.TRANSPORT_UNKNOWN)
    assert ready(document) == (forecast.outcome.reason, forecast.outcome.message)


def test_apply_waits_until_nothing_is_handed_over(store: Store) -> None:
    applied(store, manifest())
    add_attempt(store, workspace_of(store), seconds=2)
    began = store.clock()

    [document] = applied(store, manifest(sendBehavior={"mode": "Never"}), sleep=store.clock.advance)

    assert ready(document)[0] == Reason.IN_FORCE
    assert (store.clock() - began).total_seconds() == pytest.approx(2, abs=0.3)


def test_absent_database_has_no_messages(store: Store) -> None:
    with pytest.raises(NotFound):
        EmptyPreviews().preview_sending(1, now=store.clock())
