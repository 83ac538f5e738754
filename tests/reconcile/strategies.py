"""Any resource beside any observation, likely or not, drawn from few values so that they meet."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from tests.reconcile.builders import CLUSTER, NOW, plan_for
from workspace_operator.identity.values.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.migrations.model import Migration, OnConflict, ViolationCounts
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.credentials import ObservedCredentials, SecretState
from workspace_operator.reconcile.model.desired import DesiredState, InvalidSpec, Resource
from workspace_operator.reconcile.model.observed import (
    Candidate,
    Liveness,
    Namesake,
    ObservedState,
    StoreUnreachable,
)
from workspace_operator.reconcile.model.sending import LiveSenders, ObservedSending
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import (
    ADOPT,
    CONFIRM_DELETE,
    FINALIZER,
    RECONCILE_REQUESTED_AT,
    RECREATE,
    ROTATE_CREDENTIALS_AT,
    DeletionPolicy,
)
from workspace_operator.sending.rules import SendMode
from workspace_operator.sending.transports import TransportOffer
from workspace_operator.workspaces.app_keys import AppKeyMay
from workspace_operator.workspaces.model import Owner, PeopleCounts, Settings, Workspace

SECRET = "s3cr3t"
STORES = ["store-1", "store-2"]

display_names = st.sampled_from(["Shop", "Store", "Shop", "Store", "Läden \u202e\x1b[31m"])  # mostly valid ones
accounts = st.sampled_from(["default", "acme"])
modes = st.sampled_from(Mode)
counts = st.integers(0, 10**9)

settings = st.builds(
    Settings,
    display_name=display_names,
    color=st.sampled_from(["6B7280", "FF0000"]),
    email_updates=st.sampled_from(EmailUpdates),
    id_updates=st.sampled_from(IDUpdates),
    merge_multi_identifier=st.booleans(),
    send_mode=st.sampled_from(SendMode),
    test_address=st.sampled_from([None, "qa@example.com"]),
    open_tracking=st.booleans(),
    transport=st.sampled_from([None, "bulk"]),
    sender=st.sampled_from([None, f"{SECRET}@example.com"]),
    app_key_may=st.sampled_from(AppKeyMay),
)
desired_states = st.builds(
    DesiredState, account=accounts, settings=settings, mode=st.none() | modes, on_conflict=st.sampled_from(OnConflict)
)
problems = st.builds(Problem, path=st.sampled_from(["", "spec.color"]), message=st.text(max_size=500))
invalid_specs = st.builds(InvalidSpec, problems=st.lists(problems, min_size=1, max_size=9).map(tuple))
annotations = st.fixed_dictionaries(
    {"kubectl.kubernetes.io/last-applied-configuration": st.just(SECRET)},
    optional={
        ADOPT: st.sampled_from(["1", "2", "3", "seven"]),
        CONFIRM_DELETE: st.sampled_from(["Shop", "Store", "nothing"]),
        RECONCILE_REQUESTED_AT: st.sampled_from(["", "first", "second", "x" * 300]),
        RECREATE: st.sampled_from(["1", " 2 ", "3", "new", "seven"]),
        ROTATE_CREDENTIALS_AT: st.sampled_from(["", "first", "\0second", "x" * 300]),
    },
)
garbage = st.fixed_dictionaries(
    {},
    optional={
        "conditions": st.just([{"type": "Ready", "status": "True"}]),
        "observedGeneration": st.integers(-1, 9),
        "workspaceID": st.integers(1, 3),
        "storeID": st.sampled_from(STORES),
        "lastHandledRecreate": st.sampled_from(["1", "2", "new"]),
        "lastHandledReconcileAt": st.sampled_from(["first", "x" * 256]),
        "credentials": st.just({"secretName": "shop-credentials"}),
        "people": st.just({"total": 3}),
    },
)


def resources(wanted: st.SearchStrategy[Any], statuses: st.SearchStrategy[Any]) -> st.SearchStrategy[Resource]:
    return st.builds(
        Resource,
        namespace=st.just("team-a"),
        name=st.just("shop"),
        uid=st.just("uid-1"),
        generation=st.integers(1, 4),
        desired=wanted,
        suspended=st.sampled_from([False, False, True]),
        deletion_policy=st.sampled_from(DeletionPolicy),
        deleting=st.booleans(),
        annotations=annotations,
        finalizers=st.sampled_from([(), (FINALIZER,), ("foreign",), ("foreign", FINALIZER)]),
        status=statuses,
    )


def owners(*, names: list[str], namespaces: list[str], clusters: list[str]) -> st.SearchStrategy[Owner]:
    return st.builds(
        Owner,
        cluster=st.sampled_from(clusters),
        namespace=st.sampled_from(namespaces),
        name=st.sampled_from(names),
        uid=st.sampled_from(["uid-1", "uid-2", ""]),
    )


any_owner = owners(names=["shop", "other"], namespaces=["team-a", "team-b"], clusters=[CLUSTER, "cluster-2"])
namesakes = owners(names=["shop"], namespaces=["team-a"], clusters=[CLUSTER])


def workspaces(owner: st.SearchStrategy[Owner]) -> st.SearchStrategy[Workspace]:
    return st.builds(
        Workspace,
        workspace_id=st.integers(1, 3),
        account=accounts,
        owner=owner,
        mode=modes,
        settings=settings,
        row_version=st.integers(1, 9),
        knows_send_mode=st.sampled_from([True, True, False]),
    )


moments = st.integers(0, 6 * 10**16).map(lambda age: NOW - timedelta(microseconds=age))  # one draw, not seven


def migrations(workspace_id: st.SearchStrategy[int]) -> st.SearchStrategy[Migration]:
    violations = st.builds(
        ViolationCounts,
        duplicate_email=counts,
        invalid_email=counts,
        suppressed_email=counts,
        id_is_another_email=counts,
        people_concerned=counts,
    )
    return st.builds(
        Migration,
        workspace_id=workspace_id,
        number=st.integers(1, 9),
        from_mode=modes,
        to_mode=modes,
        on_conflict=st.sampled_from(OnConflict),
        stage=st.sampled_from(Stage),
        paused=st.booleans(),
        requested_at=moments,
        started_at=st.none() | moments,
        completed_at=st.none() | moments,
        estimated_completion=st.none() | moments,
        people_total=counts,
        people_checked=counts,
        people_without_id=counts,
        people_without_identifier=counts,
        people_to_merge=counts,
        people_merged=counts,
        ids_given_up=counts,
        violations=violations,
        export=st.none() | counts,
        retry_token=st.sampled_from(["", "first"]),
    )


credentials = st.builds(
    ObservedCredentials,
    secret=st.sampled_from(SecretState),
    is_current=st.booleans(),
    rotated_at=st.none() | moments,
    previous_valid_until=st.none() | moments,
    request=st.sampled_from(["", "first"]),
)
candidates = st.builds(Candidate, workspace=workspaces(any_owner), owner_is_gone=st.booleans())
namesakes_elsewhere = st.builds(
    Namesake,
    workspace=workspaces(owners(names=["shop"], namespaces=["team-a"], clusters=["cluster-2", "cluster-3"])),
    beats=st.none() | counts,
    liveness=st.sampled_from(Liveness),
)
offers = st.builds(
    TransportOffer,
    name=st.sampled_from(["default", "bulk"]),
    sender_domains=st.just(frozenset("*")),
    namespaces=st.sampled_from([frozenset("*"), frozenset({"team-b"})]),
)
sending = st.builds(
    ObservedSending,
    has_waiting=st.booleans(),
    waiting=st.none() | counts,
    in_flight=counts,
    draining=st.integers(0, 3),
    drained_by=st.none() | moments,
    senders=st.builds(
        LiveSenders,
        with_key=st.integers(0, 2),
        with_other_key=st.integers(0, 2),
        offers=st.lists(offers, max_size=2).map(tuple),
    ),
)
observations = st.builds(
    ObservedState,
    store_id=st.sampled_from(STORES),
    workspace=st.none() | workspaces(namesakes),
    name_holder=st.none() | candidates,
    from_annotation=st.none() | candidates,
    from_status=st.none() | candidates,
    namesakes=st.lists(namesakes_elsewhere, max_size=2).map(tuple),
    migration=st.none() | migrations(st.integers(1, 3)),
    credentials=st.none() | credentials,
    people=st.none() | st.builds(PeopleCounts, total=counts, with_email=counts, without_id=counts),
    sending=st.none() | sending,
)
observation_results = observations | st.builds(StoreUnreachable)
reconciles = st.tuples(resources(desired_states | invalid_specs, garbage), observation_results)


def with_earlier_status(visit: tuple[Resource, ObservedState | StoreUnreachable]) -> Any:
    """A status that was really written once, or what was there before."""
    resource, look = visit
    return plan_for(resource, look).status or resource.status


statuses = garbage | reconciles.map(with_earlier_status)
