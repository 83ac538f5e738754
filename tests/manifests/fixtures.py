"""Manifests beside a store: planned, asked for, and applied."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tests.reconciler.fixtures import counting_random
from tests.store.backends import Store
from workspace_operator.application.accounts.usage import UsageReader
from workspace_operator.application.manifests.applier import ManifestApplier, ManifestResources, as_resource
from workspace_operator.application.manifests.planner import Planner
from workspace_operator.application.migrations.worker import MigrationWorker
from workspace_operator.application.operator.account_reconciler import AccountReconciler
from workspace_operator.application.operator.reconciler import Reconciler
from workspace_operator.application.ports import Previews
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.plan.results import PlannedResource
from workspace_operator.resources.manifests import namespace_and_name
from workspace_operator.resources.workspaces import API_VERSION, KIND
from workspace_operator.workspaces.model import Workspace

Document = Mapping[str, Any]
CLUSTER = "local"


def manifest(name: str = "crm", *, annotations: Mapping[str, str] | None = None, **spec: Any) -> Document:
    metadata = {"name": name, "annotations": dict(annotations or {})}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": metadata,
        "spec": {"displayName": name.upper()} | spec,
    }


def planner(previews: Previews, store: Store, *, cluster: str = CLUSTER, samples: int = 3) -> Planner:
    return Planner(previews, cluster_id=cluster, now=store.clock(), samples=samples)


def planned(store: Store, *manifests: Document, cluster: str = CLUSTER) -> list[PlannedResource]:
    return list(planner(store.previews, store, cluster=cluster).plan(manifests))


def reconciler(store: Store, manifests: Iterable[Document], *, cluster: str = CLUSTER) -> Reconciler:
    return Reconciler(
        workspaces=store.workspaces,
        resources=ManifestResources(cluster_id=cluster, names=frozenset(map(namespace_and_name, manifests))),
        credentials=store.credentials,
        secrets=None,
        read_latest=lambda document: document,
        count_people=store.people.count,
        cluster_id=cluster,
        clock=store.clock,
        random=counting_random(),
    )


def account_reconciler(store: Store, *, cluster: str = CLUSTER) -> AccountReconciler:
    return AccountReconciler(
        accounts=store.accounts,
        resources=ManifestResources(cluster_id=cluster, names=()),
        workspaces=None,
        read_latest=lambda document: document,
        cluster_id=cluster,
        clock=store.clock,
        usage=UsageReader(people=store.people, counters=store.message_counters),
    )


def account_manifest(name: str = "crm", **spec: Any) -> Document:
    wanted = {"displayName": name.upper()} | spec
    return {"apiVersion": API_VERSION, "kind": "Account", "metadata": {"name": name}, "spec": wanted}


def requested(store: Store, *manifests: Document) -> None:
    """Reconcile, and carry no identifier change out: the store as an operator without a worker leaves it."""
    reconciling = reconciler(store, manifests)
    for each in manifests:
        reconciling.reconcile(as_resource(each, cluster=CLUSTER, now=store.clock().isoformat()))


def migrated(store: Store, *, until: Stage) -> None:
    """Carry identifier changes out until one comes to a stage, where its worker is stopped."""

    def stopping() -> bool:
        return any(each.stage is until for each in store.previews.snapshot(now=store.clock()).migrations.values())

    worker = MigrationWorker(migrations=store.migrations, worker="w", clock=store.clock, stopping=stopping)
    while not stopping() and worker.work_once():
        pass


def no_sleep(seconds: float) -> None:
    raise AssertionError(f"waits for {seconds} seconds for a worker elsewhere: there is none")


def applied(
    store: Store, *manifests: Document, cluster: str = CLUSTER, sleep: Callable[[float], None] = no_sleep
) -> list[Document]:
    worker = MigrationWorker(migrations=store.migrations, worker="w", clock=store.clock)
    applying = ManifestApplier(
        reconciler=reconciler(store, manifests, cluster=cluster),
        accounts=account_reconciler(store, cluster=cluster),
        worker=worker,
        clock=store.clock,
        sleep=sleep,
    )
    return list(applying.run(manifests))


def ready(document: Document) -> tuple[str, str]:
    """Reason and message of condition Ready."""
    [found] = [each for each in document["status"]["conditions"] if each["type"] == "Ready"]
    return found["reason"], found["message"]


def workspace_of(store: Store, name: str = "crm") -> Workspace:
    return store.workspaces.find("default", name, cluster=CLUSTER)


def in_force(store: Store, *names: str) -> Sequence[object]:
    """Everything of the directory that a plan may speak of; of the resources of these names only, if any are given."""
    snapshot = store.previews.snapshot(now=store.clock())
    named = {number: each for number, each in snapshot.workspaces.items() if not names or each.owner.name in names}
    changes = [each for each in snapshot.migrations.values() if each.workspace_id in named]
    return (
        [(each.owner, each.account, each.mode, each.settings) for each in named.values()],
        [(each.workspace_id, each.number, each.stage, each.paused, each.on_conflict) for each in changes],
    )
