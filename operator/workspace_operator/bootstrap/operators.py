"""Assembly of the operator of one cluster."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from workspace_operator.application.accounts.sweep import AccountSweep
from workspace_operator.application.accounts.usage import UsageReader
from workspace_operator.application.health.probes import ProbeEndpoint, ProbeHandlers, combined_probes, parse_endpoint
from workspace_operator.application.operator.account_reconciler import AccountReconciler
from workspace_operator.application.operator.controller import Controller, Observer, resource_key
from workspace_operator.application.operator.heartbeats import HeartbeatMonitor, HeartbeatSender
from workspace_operator.application.operator.orphan_log import OrphanLog
from workspace_operator.application.operator.orphans import ClusterResourceNames
from workspace_operator.application.operator.reconciler import Reconciler
from workspace_operator.application.operator.workqueue import Document, RateLimiter, WorkQueue
from workspace_operator.application.ports import Resources, ResourceWriter, Secrets
from workspace_operator.application.status.stalled import stalled_resources
from workspace_operator.bootstrap.repositories import Repositories
from workspace_operator.reconcile.model.actions import ChangeOwner, CreateWorkspace, DeleteWorkspace
from workspace_operator.reconcile.model.observed import KnownResources
from workspace_operator.resources.schema import ACCOUNT, WORKSPACE
from workspace_operator.settings import OperatorSettings
from workspace_operator.workspaces.model import Owner

if TYPE_CHECKING:
    from workspace_operator.cluster.resources import ClusterResources

logger = logging.getLogger(__name__)

PLACE_CHANGES = frozenset(action.__name__ for action in (CreateWorkspace, ChangeOwner, DeleteWorkspace))
"""Actions that change the workspaces of an account."""


def make_reconciler(
    store: Repositories,
    resources: Resources,
    cluster_id: str,
    *,
    secrets_of_cluster: Secrets | None = None,
    read_latest: Callable[[Document], Document] = lambda document: document,
    monitor: HeartbeatMonitor | None = None,
    known: KnownResources = frozenset,
) -> Reconciler:
    """Create the reconciler for the resources of a cluster, or for manifests.

    Without a cluster it manages no credentials, and treats every document as the newest: a manifest does not change
    while it is applied.
    """
    return Reconciler(
        workspaces=store.workspaces,
        resources=resources,
        credentials=store.credentials,
        secrets=secrets_of_cluster,
        read_latest=read_latest,
        count_people=store.people.count,
        cluster_id=cluster_id,
        clock=store.clock,
        random=secrets.token_bytes,
        monitor=monitor,
        known=known,
    )


def make_account_reconciler(store: Repositories, resources: ResourceWriter, cluster_id: str) -> AccountReconciler:
    """Create the reconciler for Account manifests, which do not change while they are applied."""
    return AccountReconciler(
        accounts=store.accounts,
        resources=resources,
        workspaces=None,
        read_latest=lambda document: document,
        cluster_id=cluster_id,
        clock=store.clock,
        usage=UsageReader(people=store.people, counters=store.message_counters),
    )


def list_cluster_names(kubeconfig: Path | None, context: str | None) -> ClusterResourceNames:
    """List the Workspace resources of a cluster. Raises InvalidInput, ClusterUnavailable or ClusterForbidden."""
    from workspace_operator.cluster import access
    from workspace_operator.cluster.resources import ClusterResources

    api = access.load_client(kubeconfig, context)
    cluster_id = access.cluster_id(api)
    return ClusterResourceNames(cluster_id=cluster_id, names=ClusterResources(api, cluster_id).names())


def run_operator(
    store: Repositories, settings: OperatorSettings, stopping: threading.Event, *other_probes: ProbeHandlers
) -> None:
    """Run the operator until ``stopping`` is set. Raises InvalidInput for the kubeconfig."""
    # Importing Kopf and the Kubernetes client takes 50 MB and half a second, which no other command needs.
    from workspace_operator.application.operator.metrics import OperatorMetrics
    from workspace_operator.cluster import access
    from workspace_operator.cluster.resources import ClusterResources
    from workspace_operator.cluster.secrets import ClusterSecrets
    from workspace_operator.handlers import operator

    api = access.load_client(settings.kubeconfig, settings.context)
    endpoint = parse_endpoint(settings.health_endpoint) if settings.health_endpoint else None
    probes = combined_probes(*other_probes)
    cluster_id = _with_probes(partial(access.wait_for_cluster_id, api, stopping.wait), endpoint, probes)
    if cluster_id is None:
        return
    _log_start(store, settings, cluster_id)
    resources = ClusterResources(api, cluster_id)
    metrics = OperatorMetrics()
    monitor = HeartbeatMonitor(monotonic=time.monotonic, silent_after=settings.cluster_silent_after)
    controller, accounts = _make_controllers(store, settings, resources, ClusterSecrets(api), monitor, metrics)
    options = operator.OperatorOptions(
        access=lambda: access.access_of(api),
        served=lambda: access.served_resources(api),
        probes=probes,
        metrics=lambda: metrics.text(controller, accounts),
        namespaces=settings.namespaces,
        health=endpoint,
    )
    sender = HeartbeatSender(
        heartbeats=store.heartbeats,
        monitor=monitor,
        cluster_id=cluster_id,
        clock=store.clock,
        stalled=partial(stalled_resources, (controller, accounts)),
    )
    orphans = _orphan_log(store, settings, controller, resources.owner_is_gone)
    with _run_in_threads(sender.run, orphans.run, _account_sweep(store, settings, accounts).run):
        operator.run_operator(operator.Controllers(workspaces=controller, accounts=accounts), options, stopping)


def _with_probes(wait: Callable[[], str | None], endpoint: ProbeEndpoint | None, probes: ProbeHandlers) -> str | None:
    """Wait for the cluster. Meanwhile the process is alive, and not ready."""
    from workspace_operator.handlers.health import run_with_probes

    if endpoint is None:
        return wait()
    return run_with_probes(wait, endpoint, replace(probes, is_ready=lambda: False))


def _make_controllers(
    store: Repositories,
    settings: OperatorSettings,
    resources: "ClusterResources",
    secrets_of_cluster: Secrets,
    monitor: HeartbeatMonitor,
    observer: Observer,
) -> tuple[Controller, Controller]:
    """Create the controllers of Workspaces and of Accounts, each of which follows what the other changes."""
    workspace_queue, account_queue = WorkQueue(), WorkQueue()

    def report_places(namespace: str, actions: Collection[str]) -> None:
        if PLACE_CHANGES.intersection(actions):
            account_queue.request(namespace)

    reconciler = make_reconciler(
        store,
        resources,
        resources.cluster_id,
        secrets_of_cluster=secrets_of_cluster,
        read_latest=lambda document: resources.get(*resource_key(document)),
        monitor=monitor,
        known=workspace_queue.keys,
    )
    limiter = RateLimiter(resync=settings.resync)
    make = partial(Controller, monotonic=time.monotonic, rate_limiter=limiter, observer=observer)
    workspaces = make(
        resource=WORKSPACE,
        reconciler=reconciler,
        workspaces=store.workspaces,
        read=resources.get,
        on_settled=report_places,
        queue=workspace_queue,
    )
    of_accounts = _cluster_account_reconciler(store, settings, resources, on_change=workspaces.requeue_failed)
    accounts = make(
        resource=ACCOUNT, reconciler=of_accounts, workspaces=None, read=of_accounts.read, queue=account_queue
    )
    return workspaces, accounts


def _cluster_account_reconciler(
    store: Repositories,
    settings: OperatorSettings,
    workspaces: "ClusterResources",
    *,
    on_change: Callable[[str], None],
) -> AccountReconciler:
    """Create the reconciler of the Accounts of a cluster."""
    resources = replace(workspaces, kind=ACCOUNT)
    return AccountReconciler(
        accounts=store.accounts,
        resources=resources,
        workspaces=workspaces,
        read_latest=lambda document: resources.get(*resource_key(document)),
        cluster_id=resources.cluster_id,
        clock=store.clock,
        usage=UsageReader(people=store.people, counters=store.message_counters),
        first_workspace_after=timedelta(seconds=settings.first_workspace_after),
        on_change=on_change,
    )


def _account_sweep(store: Repositories, settings: OperatorSettings, accounts: Controller) -> AccountSweep:
    return AccountSweep(
        accounts=store.accounts,
        known=accounts.keys,
        on_missing=accounts.on_missing,
        cluster_id=accounts.reconciler.cluster_id,
        namespaces=settings.namespaces,
    )


def _log_start(store: Repositories, settings: OperatorSettings, cluster_id: str) -> None:
    logger.info(
        "operator of workspacectl %s: database %s, cluster %s, namespaces %s",
        version("workspace-operator"),
        store.name,
        cluster_id,
        ", ".join(settings.namespaces) or "all",
    )


def _orphan_log(
    store: Repositories, settings: OperatorSettings, controller: Controller, owner_is_gone: Callable[[Owner], bool]
) -> OrphanLog:
    return OrphanLog(
        workspaces=store.workspaces,
        known=controller.keys,
        owner_is_gone=owner_is_gone,
        count_people=store.people.count,
        cluster_id=controller.reconciler.cluster_id,
        namespaces=settings.namespaces,
    )


@contextmanager
def _run_in_threads(*jobs: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run jobs inside the context, each in a thread of its own, so that a blocked job does not delay the others."""
    stopping = threading.Event()
    threads = [threading.Thread(target=job, args=(stopping,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(timeout=5)
