"""What holds for every status of an Account that can be written, as for Workspaces (accounts §3)."""

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.reconcile.accounts.builders import account_plan, stored_account
from tests.reconcile.builders import LATER, stored
from tests.reconcile.status_readers import flux_refusals, kstatus
from tests.reconcile.strategies import garbage, invalid_specs
from workspace_operator.reconcile.model.account_resources import (
    AccountPlan,
    AccountResource,
    DesiredAccount,
    FirstWorkspaceState,
)
from workspace_operator.reconcile.model.accounts import AccountSettings, Notices, ObservedAccount
from workspace_operator.reconcile.model.observed import StoreUnreachable
from workspace_operator.reconcile.model.outcomes import KSTATUSES, KStatus, Reason
from workspace_operator.reconcile.model.sending import LiveSenders
from workspace_operator.resources.parsing import status_problems
from workspace_operator.resources.schema import ACCOUNT
from workspace_operator.resources.statuses import DEFAULT_STATUS, AccountStatus
from workspace_operator.resources.workspaces import RECONCILE_REQUESTED_AT, RECREATE

READINGS = {KStatus.SETTLED: "Current", KStatus.RECONCILING: "InProgress", KStatus.STALLED: "Failed"}

settings = st.builds(
    AccountSettings,
    display_name=st.sampled_from(["Acme", "Läden \u202e\x1b[31m"]),
    workspace_limit=st.none() | st.integers(1, 9),
    notices=st.none() | st.just(Notices(transport="bulk", sender="a@shop.example")),
)
desired_accounts = st.builds(DesiredAccount, settings=settings, creates_first_workspace=st.booleans())
earlier = st.sampled_from(
    [
        {},
        DEFAULT_STATUS,
        {"storeID": "store-9", "usage": {"workspaces": 1}},
        {"firstWorkspaceTime": "2026-05-01T11:02:00Z", "usage": {"workspaces": 2}, "observedGeneration": 2},
    ]
)
resources = st.builds(
    AccountResource,
    namespace=st.just("team-a"),
    name=st.just("acme"),
    uid=st.sampled_from(["uid-1", "uid-2"]),
    generation=st.integers(1, 9),
    created_at=st.sampled_from(["", "2026-05-01T11:00:00Z", "2026-05-01T12:09:00Z"]),
    deleting=st.booleans(),
    desired=desired_accounts | invalid_specs,
    annotations=st.sampled_from([{}, {RECONCILE_REQUESTED_AT: "now"}, {RECREATE: "store-9"}]),
    status=earlier | garbage,
)
observations = st.builds(
    ObservedAccount,
    store_id=st.just("store-1"),
    account=st.none() | st.builds(stored_account, settings=settings),
    workspaces=st.lists(st.builds(stored), max_size=2).map(tuple),
    senders=st.builds(LiveSenders, with_key=st.integers(0, 1)),
) | st.just(StoreUnreachable())
first_states = st.builds(
    FirstWorkspaceState,
    is_named=st.booleans(),
    is_taken=st.booleans(),
    refusal=st.sampled_from(["", "403 \x1b[31m", "x" * 2000]),
)
cases = given(resources, observations, first_states)


def written(resource: AccountResource, observed: Any, first: FirstWorkspaceState) -> tuple[AccountPlan, dict[str, Any]]:
    plan = account_plan(resource, observed, first, now=LATER)
    assume(plan.status is not None)
    return plan, dict(plan.status or {})


def reason_of(status: dict[str, Any]) -> Reason:
    return Reason(status["conditions"][0]["reason"])


@cases
def test_kstatus_and_flux_read_what_is_meant(
    resource: AccountResource, observed: Any, first: FirstWorkspaceState
) -> None:
    _, status = written(resource, observed, first)

    assert kstatus(resource.generation, status, deleting=False) == READINGS[KSTATUSES[reason_of(status)]]
    assert list(flux_refusals(resource.generation, status)) == []


@cases
def test_schema_takes_every_status(resource: AccountResource, observed: Any, first: FirstWorkspaceState) -> None:
    _, status = written(resource, observed, first)

    assert status_problems(status, ACCOUNT) == []
    assert AccountStatus.model_validate(status).as_document() == status


@cases
def test_own_status_is_never_rewritten(resource: AccountResource, observed: Any, first: FirstWorkspaceState) -> None:
    plan, status = written(resource, observed, first)
    values = {name: getattr(resource, name) for name in AccountResource.__dataclass_fields__} | {"status": status}

    second = account_plan(AccountResource(**values), observed, first, now=LATER)

    assert (second.status, second.events, second.requeue) == (None, (), plan.requeue)


@cases
def test_messages_are_short_single_lines(resource: AccountResource, observed: Any, first: FirstWorkspaceState) -> None:
    plan, status = written(resource, observed, first)

    words = [each["message"] for each in status["conditions"]] + [event.message for event in plan.events]
    assert all(each.isprintable() and len(each) > 0 for each in words)
    assert all(len(each["message"]) <= 1000 for each in status["conditions"])


def test_unseen_account_is_in_progress() -> None:
    assert kstatus(1, DEFAULT_STATUS, deleting=False) == "InProgress"
