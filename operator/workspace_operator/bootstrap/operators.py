"""The operator of one cluster."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from workspace_operator.application.controller import Controller, Document, RateLimiter, key_of
from workspace_operator.application.heartbeats import Heart, HeartbeatMonitor
from workspace_operator.application.orphan_log import OrphanLog
from workspace_operator.application.orphans import ClusterNames
from workspace_operator.application.ports import (
    Resources,
    Secrets,
)
from workspace_operator.application.probes import Probes, endpoint_of, together
from workspace_operator.application.reconciling import Reconciler
from workspace_operator.bootstrap.stores import Store
from workspace_operator.reconcile.observed import Owner
from workspace_operator.settings import OperatorSettings

logger = logging.getLogger(__name__)


def reconciler(
    store: Store,
    resources: Resources,
    cluster_id: str,
    *,
    secrets_of_cluster: Secrets | None = None,
    newest: Callable[[Document], Document] = lambda document: document,
    monitor: HeartbeatMonitor | None = None,
) -> Reconciler:
    """What reconciles one resource, of a cluster or of manifests.

    Without a cluster no credentials are made, and a document is always the newest: a manifest does not change while
    it is applied.
    """
    return Reconciler(
        workspaces=store.workspaces,
        resources=resources,
        credentials=store.credentials,
        secrets=secrets_of_cluster,
        newest=newest,
        count_people=store.people.count,
        cluster_id=cluster_id,
        clock=store.clock,
        random=secrets.token_bytes,
        monitor=monitor,
    )


def cluster_names(kubeconfig: Path | None, context: str | None) -> ClusterNames:
    """Ask a cluster for its Workspace resources. Raises InvalidInput, ClusterUnavailable or ClusterRefused."""
    from workspace_operator.cluster import access
    from workspace_operator.cluster.resources import ClusterResources

    api = access.load_client(kubeconfig, context)
    cluster_id = access.cluster_id(api)
    return ClusterNames(cluster_id=cluster_id, names=ClusterResources(api, cluster_id).names())


def run_operator(store: Store, settings: OperatorSettings, stopping: threading.Event, *beside: Probes) -> None:
    """Attend to the Workspace resources of a cluster until told to stop. Raises InvalidInput for the kubeconfig."""
    # Kopf and the Kubernetes client are 50 MB and half a second that no other command needs.
    from workspace_operator.cluster import access
    from workspace_operator.cluster.resources import ClusterResources
    from workspace_operator.cluster.secrets import ClusterSecrets
    from workspace_operator.handlers import operator

    endpoint = None if settings.health_endpoint is None else endpoint_of(settings.health_endpoint)
    api = access.load_client(settings.kubeconfig, settings.context)
    cluster_id = access.awaited_cluster_id(api, stopping.wait)
    if cluster_id is None:
        return
    _log_start(store, settings, cluster_id)
    resources = ClusterResources(api, cluster_id)
    monitor = HeartbeatMonitor(monotonic=time.monotonic, silent_after=settings.cluster_silent_after)
    controller = Controller(
        reconciler=reconciler(
            store,
            resources,
            cluster_id,
            secrets_of_cluster=ClusterSecrets(api),
            newest=lambda document: resources.get(*key_of(document)),
            monitor=monitor,
        ),
        workspaces=store.workspaces,
        read=resources.get,
        monotonic=time.monotonic,
        rate_limiter=RateLimiter(resync=settings.resync),
    )
    options = operator.OperatorOptions(
        access=lambda: access.access_of(api),
        probes=together(*beside),
        namespaces=settings.namespaces,
        health=endpoint,
    )
    heart = Heart(heartbeats=store.heartbeats, monitor=monitor, cluster_id=cluster_id, clock=store.clock)
    orphans = _orphan_log(store, settings, controller, resources.is_released)
    with _beside(heart.run, orphans.run):
        operator.run_operator(controller, options, stopping)


def _log_start(store: Store, settings: OperatorSettings, cluster_id: str) -> None:
    logger.info(
        "operator of workspacectl %s: database %s, cluster %s, namespaces %s",
        version("workspace-operator"),
        store.name,
        cluster_id,
        ", ".join(settings.namespaces) or "all",
    )


def _orphan_log(
    store: Store, settings: OperatorSettings, controller: Controller, is_released: Callable[[Owner], bool]
) -> OrphanLog:
    return OrphanLog(
        workspaces=store.workspaces,
        known=controller.keys,
        is_released=is_released,
        count_people=store.people.count,
        cluster_id=controller.reconciler.cluster_id,
        namespaces=settings.namespaces,
    )


@contextmanager
def _beside(*jobs: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run jobs meanwhile, each in a thread that a database which is away holds up alone."""
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
