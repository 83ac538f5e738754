"""Apply of manifests without a cluster: the same reconciles, on resources that exist in memory for one run.

An apply is a reconcile request, so it retries a blocked migration at once. It runs migrations in this process unless
another worker has leased them.
"""

import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workspace_operator.application.manifests.accounts import accounts_of, workspaces_of
from workspace_operator.application.migrations.worker import MigrationWorker
from workspace_operator.application.operator.account_reconciler import AccountReconciler
from workspace_operator.application.operator.reconcile_loop import ReconcileRequest
from workspace_operator.application.operator.reconciler import Reconciler
from workspace_operator.application.ports import Workspaces
from workspace_operator.errors import NotFound
from workspace_operator.identity.values.rules import IDUpdates, Mode
from workspace_operator.reconcile.model.actions import Event
from workspace_operator.reconcile.model.outcomes import Reason
from workspace_operator.resources.kinds import manifest_problems as manifest_problems_of_kind
from workspace_operator.resources.manifests import namespace_and_name
from workspace_operator.resources.parsing import validate_manifest
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import KIND, RECONCILE_REQUESTED_AT
from workspace_operator.workspaces.model import Owner, Workspace

Document = Mapping[str, Any]

UID_NAMESPACE = uuid.UUID("5d0c4e4e-54d4-4b67-9f4e-1f0f6a2a2d1b")
"""Namespace of the UIDs of resources without a cluster: a name has the same UID in every run."""

POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestResources:
    """Implements the port ``Resources`` for manifests. It writes nothing: the reconcile returns the document."""

    cluster_id: str
    names: Collection[tuple[str, str]]

    def write_status(self, namespace: str, name: str, status: Document, *, resource_version: str) -> str:  # noqa: ARG002 - the port's signature
        """Accept a status."""
        return str(int(resource_version) + 1)

    def write_finalizers(self, namespace: str, name: str, finalizers: Sequence[str], *, resource_version: str) -> str:  # noqa: ARG002 - the port's signature
        """Accept finalizers."""
        return str(int(resource_version) + 1)

    def emit(self, namespace: str, name: str, uid: str, event: Event) -> None:
        """Discard the event."""

    def owner_is_gone(self, owner: Owner) -> bool:
        """Whether no manifest of this run has the owner's name."""
        return owner.cluster == self.cluster_id and (owner.namespace, owner.name) not in self.names


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestApplier:
    """Applies manifests until their migrations have ended or are blocked."""

    reconciler: Reconciler
    accounts: AccountReconciler
    worker: MigrationWorker
    clock: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep

    def run(self, manifests: Iterable[Document]) -> Iterator[Document]:
        """Reconcile each manifest; yields it with its final status: Accounts first, else in the order given.

        Accounts are reconciled before the Workspaces that they limit, and again after them, which are their usage.
        """
        now = self.clock().isoformat()
        documents = [as_resource(manifest, cluster=self.reconciler.cluster_id, now=now) for manifest in manifests]
        accounts = [self.accounts.reconcile(account).document for account in accounts_of(documents)]
        reconciled = [self._reconcile(document) for document in workspaces_of(documents)]
        while self.worker.work_once():
            pass
        workspaces = [self._await_migration(document) for document in reconciled]
        yield from (self.accounts.reconcile(account).document for account in accounts)
        yield from workspaces

    def _await_migration(self, document: Document) -> Document:
        """Reconcile again while a migration runs, here or in another worker, or messages are being handed over."""
        document = self._reconcile(document)
        while reason_of(document) in {Reason.MIGRATION_RUNNING, Reason.DRAINING}:
            if not self.worker.work_once():
                self.sleep(POLL_SECONDS)
            document = self._reconcile(document)
        return document

    def _reconcile(self, document: Document) -> Document:
        return self.reconciler.reconcile(document, ReconcileRequest(is_fresh=True)).document


def as_resource(manifest: Document, *, cluster: str, now: str) -> Document:
    """Convert a manifest to a document as of an API server, with a reconcile request.

    As an API server does, it drops the fields that only the server sets: a manifest that was read from a cluster has a
    status, and may have finalizers and a deletion timestamp.
    """
    given = manifest["metadata"]
    namespace, name = namespace_and_name(manifest)
    metadata = {
        "name": name,
        "namespace": namespace,
        "labels": given.get("labels") or {},
        "annotations": {**(given.get("annotations") or {}), RECONCILE_REQUESTED_AT: now},
        "uid": str(uuid.uuid5(UID_NAMESPACE, f"{cluster}/{namespace}/{name}")),
        "generation": 1,
        "resourceVersion": "1",
    }
    kept = {field: value for field, value in manifest.items() if field != "status"}
    return {**kept, "metadata": {field: value for field, value in metadata.items() if value != {}}}


def manifest_problems(manifest: Document, workspaces: Workspaces, *, cluster: str) -> list[Problem]:
    """Problems for which an API server would reject a manifest, given the stored workspace."""
    return manifest_problems_beside(manifest, _stored_workspace(manifest, workspaces, cluster))


def manifest_problems_beside(manifest: Document, stored: Workspace | None) -> list[Problem]:
    """Problems for which an API server would reject a manifest of any kind, given its workspace, or None."""
    if stored is None or manifest.get("kind") != KIND:
        return list(manifest_problems_of_kind(manifest))
    status = {"identifiers": {"mode": stored.mode.value}}
    return validate_manifest(manifest, {**manifest, "spec": _spec_of(stored), "status": status})


def reason_of(document: Document) -> str:
    """The reason of condition Ready; empty without that condition."""
    conditions = document.get("status", {}).get("conditions", ())
    return next((str(condition["reason"]) for condition in conditions if condition["type"] == "Ready"), "")


def _stored_workspace(manifest: Document, workspaces: Workspaces, cluster: str) -> Workspace | None:
    metadata = manifest.get("metadata")
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str):
        return None
    try:
        return workspaces.find(*namespace_and_name(manifest), cluster=cluster)
    except NotFound:
        return None


def _spec_of(stored: Workspace) -> Document:
    """The fields of a stored workspace's spec that transition rules read."""
    identifiers = {"mode": stored.mode.value}
    if stored.mode is Mode.ID_ONLY and stored.settings.id_updates is not IDUpdates.NEVER:
        identifiers["idUpdates"] = stored.settings.id_updates.value
    return {"displayName": stored.settings.display_name, "accountName": stored.account, "identifiers": identifiers}
