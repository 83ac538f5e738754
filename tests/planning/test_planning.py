"""What a plan tells of each manifest."""

import pytest

from tests.planning.scenes import applied, asked, manifest, planned, planner, worked, workspace_of
from tests.store.adapters import Store, memory_store
from workspace_operator.application.planning import NothingYet
from workspace_operator.errors import NotFound
from workspace_operator.identity.calls import identify_call
from workspace_operator.identity.references import reference_by_kind
from workspace_operator.identity.rules import Kind, Mode
from workspace_operator.migrations.records import OnConflict, Violation
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.forecasts import Forecast, Outcome
from workspace_operator.reconcile.intentions import Intention, Verb
from workspace_operator.reconcile.plan import TakeOver
from workspace_operator.reconcile.verdicts import Reason
from workspace_operator.resources.workspaces import ADOPT

BY_ID = {"mode": "IDOnly"}
BY_BOTH = {"mode": "EmailOrID"}
MERGING = {"mode": "EmailOrID", "onConflict": "Merge"}
CHANGE = Intention(verb=Verb.CHANGE_IDENTIFIERS, field="spec.identifiers.mode", before="IDOnly", after="EmailOrID")


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
    calls = [identify_call(reference_by_kind(id_, Kind.ID, Mode.ID_ONLY), {"email": email}) for id_ in ids]
    store.people.perform(workspace_of(store).workspace_id, calls, now=int(store.clock().timestamp()))


def verbs(forecast: Forecast) -> list[Verb]:
    return [each.verb for each in forecast.intentions]


def test_new_workspace_would_be_created(store: Store) -> None:
    [forecast] = planned(store, manifest())

    assert (forecast.title, forecast.workspace_id) == ("default/crm", None)
    assert forecast.outcome is Outcome.CHANGES
    assert forecast.intentions[0] == Intention(verb=Verb.CREATE, after="CRM")


def test_applied_manifest_needs_nothing(store: Store) -> None:
    applied(store, manifest())

    [forecast] = planned(store, manifest())

    assert forecast.outcome is Outcome.NOTHING
    assert (forecast.workspace_id, forecast.intentions) == (workspace_of(store).workspace_id, ())


def test_rename_and_settings_are_told(store: Store) -> None:
    applied(store, manifest())

    [forecast] = planned(store, manifest(displayName="Sales", color="FF0000"))

    assert forecast.intentions == (
        Intention(verb=Verb.SET, field="spec.displayName", before="CRM", after="Sales"),
        Intention(verb=Verb.SET, field="spec.color", before="6B7280", after="FF0000"),
    )


def test_second_holder_of_a_name_conflicts(store: Store) -> None:
    forecasts = planned(store, manifest("one", displayName="Same"), manifest("two", displayName="Same"))

    assert [each.outcome for each in forecasts] == [Outcome.CHANGES, Outcome.BLOCKED]
    assert forecasts[1].verdict.reason is Reason.NAME_CONFLICT


def test_name_that_becomes_free_can_be_taken(store: Store) -> None:
    applied(store, manifest("old", displayName="Same"))

    forecasts = planned(store, manifest("new", displayName="Same"), manifest("old", displayName="Other"))

    assert [each.outcome for each in forecasts] == [Outcome.CHANGES, Outcome.CHANGES]
    assert verbs(forecasts[0])[0] is Verb.CREATE


def test_adopting_is_told(store: Store) -> None:
    applied(store, manifest("old"))
    number = str(workspace_of(store, "old").workspace_id)

    [adopting] = planned(store, manifest("new", displayName="OLD", annotations={ADOPT: number}))
    [wrong] = planned(store, manifest("new", annotations={ADOPT: "77"}))

    assert adopting.intentions == (Intention(verb=Verb.TAKE_OVER, before="default/old", after="default/new"),)
    assert wrong.verdict.reason is Reason.OWNERSHIP_CONFLICT


def test_assigned_workspace_is_taken_over(store: Store) -> None:
    applied(store, manifest("old"))
    old = workspace_of(store, "old")
    given = TakeOver(
        workspace_id=old.workspace_id,
        row_version=old.row_version,
        owner=old.owner.__class__(cluster="local", namespace="default", name="new", uid=""),
    )
    store.workspaces.carry_out(given, now=store.clock())

    [forecast] = planned(store, manifest("new", displayName="OLD"))

    assert verbs(forecast) == [Verb.TAKE_OVER]


def test_uids_of_a_cluster_are_taken_as_they_are(store: Store) -> None:
    applied(store, manifest())
    crm = workspace_of(store)
    owner = crm.owner.__class__(cluster="c-1", namespace="default", name="crm", uid="made by a cluster")
    store.workspaces.carry_out(
        TakeOver(workspace_id=crm.workspace_id, row_version=crm.row_version, owner=owner), now=store.clock()
    )

    [forecast] = planned(store, manifest(), cluster="c-1")

    assert forecast.outcome is Outcome.NOTHING


def test_suspended_resource_would_wait(store: Store) -> None:
    applied(store, manifest())

    [forecast] = planned(store, manifest(displayName="Sales", suspend=True))
    [unchanged] = planned(store, manifest(suspend=True))

    assert (forecast.outcome, forecast.verdict.reason) == (Outcome.BLOCKED, Reason.SUSPENDED)
    assert unchanged.outcome is Outcome.NOTHING


def test_people_in_the_way_would_block(sharing: Store) -> None:
    [forecast] = planned(sharing, manifest(identifiers=BY_BOTH))

    assert forecast.outcome is Outcome.BLOCKED
    assert forecast.verdict.reason is Reason.MIGRATION_BLOCKED
    assert forecast.intentions == (CHANGE,)
    assert forecast.identifiers is not None
    assert (forecast.identifiers.stage, forecast.identifiers.is_allowed) == (None, False)
    assert forecast.identifiers.preview is not None
    [sample] = forecast.identifiers.preview.samples[Violation.DUPLICATE_EMAIL]
    assert (sample.id, sample.sharing) == ("1", 2)


def test_merging_would_go_through(sharing: Store) -> None:
    [forecast] = planned(sharing, manifest(identifiers=MERGING))

    assert forecast.outcome is Outcome.CHANGES
    assert forecast.identifiers is not None
    assert forecast.identifiers.is_allowed
    assert forecast.identifiers.preview is not None
    assert (forecast.identifiers.preview.people_merged, forecast.identifiers.preview.ids_given_up) == (1, 1)


def test_rules_of_the_new_mode_follow_its_switch(store: Store) -> None:
    applied(store, manifest(identifiers=BY_BOTH))

    [forecast] = planned(store, manifest(identifiers={**BY_ID, "emailUpdates": "ByCioID"}))

    assert [(each.verb, each.field) for each in forecast.intentions] == [
        (Verb.CHANGE_IDENTIFIERS, "spec.identifiers.mode"),
        (Verb.SET, "spec.identifiers.emailUpdates"),
    ]


def test_change_that_stays_blocked_is_told_as_such(sharing: Store) -> None:
    applied(sharing, manifest(identifiers=BY_BOTH))
    sharing.clock.forward(60)

    [forecast] = planned(sharing, manifest(identifiers=BY_BOTH))

    assert (forecast.outcome, verbs(forecast)) == (Outcome.BLOCKED, [Verb.CHECK_AGAIN])
    assert forecast.identifiers is not None
    assert forecast.identifiers.stage is Stage.BLOCKED


def test_other_way_with_conflicts_replaces_the_change(sharing: Store) -> None:
    applied(sharing, manifest(identifiers=BY_BOTH))
    sharing.clock.forward(60)

    [forecast] = planned(sharing, manifest(identifiers=MERGING))

    assert forecast.outcome is Outcome.CHANGES
    assert verbs(forecast) == [Verb.TAKE_BACK, Verb.CHANGE_IDENTIFIERS]
    assert forecast.identifiers is not None
    assert (forecast.identifiers.change.on_conflict, forecast.identifiers.stage) == (OnConflict.MERGE, None)


def test_change_that_is_taken_back_has_no_preview(sharing: Store) -> None:
    applied(sharing, manifest(identifiers=BY_BOTH))
    sharing.clock.forward(60)

    [forecast] = planned(sharing, manifest(identifiers=BY_ID))

    assert (forecast.outcome, verbs(forecast)) == (Outcome.CHANGES, [Verb.TAKE_BACK])
    assert forecast.identifiers is None


def test_running_change_is_told_as_such(store: Store) -> None:
    applied(store, manifest(identifiers=BY_ID))
    asked(store, manifest(identifiers=BY_BOTH))

    [forecast] = planned(store, manifest(identifiers=BY_BOTH))

    assert (forecast.outcome, forecast.intentions) == (Outcome.CHANGES, ())
    assert forecast.identifiers is not None
    assert (forecast.identifiers.stage, forecast.identifiers.is_allowed) == (Stage.REQUESTED, True)


@pytest.mark.parametrize("stage", [Stage.SWITCHED, Stage.FOLDING])
def test_switched_change_is_told_without_a_preview(sharing: Store, stage: Stage) -> None:
    asked(sharing, manifest(identifiers=MERGING))
    worked(sharing, until=stage)

    [forecast] = planned(sharing, manifest(identifiers=MERGING))

    assert (forecast.outcome, forecast.intentions, forecast.advice) == (Outcome.CHANGES, (), ())
    assert forecast.identifiers is not None
    assert (forecast.identifiers.stage, forecast.identifiers.preview) == (stage, None)


def test_next_change_follows_the_one_that_has_switched(sharing: Store) -> None:
    asked(sharing, manifest(identifiers=MERGING))
    worked(sharing, until=Stage.SWITCHED)

    [forecast] = planned(sharing, manifest(identifiers=BY_ID))

    assert verbs(forecast) == [Verb.CHANGE_IDENTIFIERS]
    assert forecast.identifiers is not None
    assert (forecast.identifiers.stage, forecast.identifiers.change.to_mode) == (None, Mode.ID_ONLY)


def test_paused_change_is_looked_at_all_the_same(sharing: Store) -> None:
    asked(sharing, manifest(identifiers=BY_BOTH))

    [forecast] = planned(sharing, manifest(identifiers=BY_BOTH, suspend=True))

    assert (forecast.outcome, verbs(forecast)) == (Outcome.BLOCKED, [Verb.PAUSE])
    assert forecast.verdict.reason is Reason.SUSPENDED
    assert forecast.identifiers is not None
    assert not forecast.identifiers.is_allowed


def test_blocked_change_of_a_broken_wish_rests(sharing: Store) -> None:
    applied(sharing, manifest(identifiers=BY_BOTH))
    sharing.clock.forward(60)

    [forecast] = planned(sharing, manifest(identifiers=BY_BOTH, annotations={ADOPT: "no number"}))

    assert (forecast.verdict.reason, forecast.intentions) == (Reason.INVALID_SPEC, ())
    assert forecast.identifiers is not None
    assert forecast.identifiers.change.stage is Stage.BLOCKED


def test_problems_are_those_beside_what_is_in_force(store: Store) -> None:
    applied(store, manifest(identifiers=BY_BOTH))

    problems = planner(store.previews, store).problems(manifest(accountName="acme", color="blue"))

    assert {each.path for each in problems} == {"spec.color", "spec.accountName"}


@pytest.mark.parametrize("metadata", [None, {}, {"name": 7}, "crm"])
def test_nameless_manifests_have_problems(store: Store, metadata: object) -> None:
    assert planner(store.previews, store).problems({**manifest(), "metadata": metadata})


def test_without_a_database_everything_is_new(store: Store) -> None:
    [forecast] = planner(NothingYet(), store).plan([manifest()])

    assert verbs(forecast)[0] is Verb.CREATE
    with pytest.raises(NotFound):
        NothingYet().preview(1, from_mode=Mode.ID_ONLY, to_mode=Mode.EMAIL_OR_ID, samples=3)
