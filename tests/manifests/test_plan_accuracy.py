"""Whatever is planned is what an apply then does: any manifests, on any store that earlier ones have left."""

from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from tests.manifests.fixtures import (
    Document,
    applied,
    in_force,
    manifest,
    migrated,
    planned,
    planner,
    ready,
    requested,
)
from tests.store.backends import Store, memory_store
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.identity.model.commands import identify_from_fields
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.outcomes import Reason
from workspace_operator.reconcile.plan.results import PlanResult
from workspace_operator.resources.workspaces import ADOPT


def seldom(rare: Any, usual: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([usual, usual, usual, usual, rare])


identifiers = st.fixed_dictionaries(
    {"mode": st.sampled_from(["EmailOrID", "IDOnly"])},
    optional={
        "emailUpdates": st.sampled_from(["ByIDOrCioID", "ByCioID"]),
        "onConflict": st.sampled_from(["Block", "Merge"]),
    },
)
specs = st.fixed_dictionaries(
    {"identifiers": identifiers},
    optional={
        "displayName": st.sampled_from(["CRM", "SHOP", "Other"]),
        "color": st.sampled_from(["6B7280", "FF0000"]),
        "accountName": seldom("acme", "default"),
        "openTracking": st.sampled_from(["Enabled", "Disabled"]),
        "credentials": st.fixed_dictionaries({"appKeyMay": st.sampled_from(["Read", "Clean"])}),
        "suspend": seldom(True, False),
    },
)
annotations = seldom({ADOPT: "1"}, {}) | seldom({ADOPT: "seven"}, {})


@st.composite
def sets_of_manifests(draw: st.DrawFn) -> list[Document]:
    names = draw(st.lists(st.sampled_from(["crm", "shop"]), min_size=1, max_size=2, unique=True))
    return [manifest(name, annotations=draw(annotations), **draw(specs)) for name in names]


emails = st.sampled_from([None, "a@example.com", "A@example.com", "b@example.com", "nowhere"])
populations = st.dictionaries(st.sampled_from(["1", "2", "3", "a@example.com"]), emails, min_size=1)


def valid(store: Store, manifests: list[Document]) -> list[Document]:
    """Those that an API server would take."""
    planning = planner(store.previews, store)
    return [each for each in manifests if not planning.problems(each)]


def join(store: Store, people: dict[str, str | None]) -> None:
    for workspace in store.workspaces.list():
        calls = [
            identify_from_fields(
                reference_of_kind(id_, IdentifierKind.ID, workspace.mode), {} if email is None else {"email": email}
            )
            for id_, email in people.items()
        ]
        if workspace.mode is not Mode.EMAIL_ONLY:
            execute_commands(store.people, workspace.workspace_id, calls, now=int(store.clock().timestamp()))


@given(
    first=sets_of_manifests(),
    people=populations,
    then=sets_of_manifests(),
    worked_until=st.none() | st.sampled_from(Stage),
    last=sets_of_manifests(),
)
def test_plan_comes_true(
    first: list[Document],
    people: dict[str, str | None],
    then: list[Document],
    worked_until: Stage | None,
    last: list[Document],
) -> None:
    store = memory_store()
    applied(store, *valid(store, first))
    join(store, people)
    store.clock.advance(60)
    requested(store, *valid(store, then))
    if worked_until is not None:
        migrated(store, until=worked_until)
    store.clock.advance(60)
    manifests = valid(store, last)
    names = [each["metadata"]["name"] for each in manifests]
    before, of_these = in_force(store), in_force(store, *names)

    forecasts = planned(store, *manifests)

    assert in_force(store) == before
    documents = applied(store, *manifests)
    for forecast, document in zip(forecasts, documents, strict=True):
        reason, message = ready(document)
        event(reason)
        event(f"told at {forecast.identifiers.stage if forecast.identifiers else None}")
        assert forecast.outcome.reason == reason
        assert reason == Reason.IN_FORCE or forecast.outcome.message == message
        assert_migration_matches_plan(store, forecast.identifiers, document)
    if names and all(each.result is PlanResult.NOTHING for each in forecasts):
        assert in_force(store, *names) == of_these


def assert_migration_matches_plan(store: Store, foreseen: Any, document: Document) -> None:
    number = document["status"].get("workspaceID")
    migration = None if number is None else store.migrations.newest(number)
    if foreseen is None:
        assert migration is None or migration.stage in {Stage.COMPLETED, Stage.CANCELLED, Stage.BLOCKED}
        return
    assert migration is not None
    assert foreseen.migration.number == migration.number
    assert foreseen.migration.stage is migration.stage or foreseen.migration.paused
    if not foreseen.migration.paused and foreseen.preview is not None:
        assert migration.violations == foreseen.preview.blocking_violations(migration.on_conflict)
