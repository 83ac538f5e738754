"""Reconciling one Workspace resource: observe, plan, carry out, observe again, and report.

The plan is pure (``reconcile.deciding``); here it is fed and carried out. Before a reconcile writes anything, it makes
sure that its document is the newest, and before anything that cannot be taken back it does so again (design §4, Newest
only). The status is written with the resourceVersion that the plan was made of, so an edit in between is a conflict.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from workspace_operator.application.heartbeats import HeartbeatMonitor
from workspace_operator.application.key_making import Random
from workspace_operator.application.keyrings import Keyring
from workspace_operator.application.orphan_log import log_silent_namesakes
from workspace_operator.application.ports import Credentials, Resources, Secrets, Sought, Workspaces
from workspace_operator.application.reading import resource_of
from workspace_operator.errors import Moved, NameTaken, StoreUnavailable, WorkspaceOperatorError
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.credentials import CredentialsSeen
from workspace_operator.reconcile.deciding import decide
from workspace_operator.reconcile.observed import Candidate, Observed, Owner, PeopleCounts, StoreAway
from workspace_operator.reconcile.plan import (
    IRREVERSIBLE,
    AcceptLowerGeneration,
    Action,
    ClaimSecret,
    Event,
    Plan,
    RemoveSecret,
    RotateCredentials,
    SecretAction,
)
from workspace_operator.reconcile.situations import open_migration
from workspace_operator.reconcile.wishes import Resource, Wish

MAX_ITERATIONS = 16
"""Each iteration brings the store one action nearer; others may move it meanwhile, but not for ever."""

READ_AT_MOST = timedelta(seconds=2)
"""A read that took longer says nothing of now: the process may have been stopped in the middle of it."""

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileResult:
    """How a reconcile ended.

    Attributes:
        document: the resource as it is now, with what was written to it.
        requeue: reconcile again before long, since something else has to happen first.
        status: the whole status, written or not.
        actions: what was carried out, in order.
        is_news: whether reason or status of condition Ready changed.
    """

    document: Document
    requeue: bool = False
    status: Mapping[str, Any]
    actions: tuple[str, ...] = ()
    is_news: bool = False


@dataclass(slots=True)
class _Subject:
    """The resource of one reconcile: its document, and how much is known of there being no newer one.

    Attributes:
        was_read: the API server was asked in this reconcile.
        is_newest: it was asked after the newest observation of the store, so of two operators the late one loses:
            what it observed is what the store compares.
    """

    document: Document
    resource: Resource
    keyring: Keyring
    was_read: bool
    is_newest: bool = False
    done: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Brings the store to what resources say, and resources to what the store has.

    Attributes:
        secrets: None where there is no cluster to keep credentials in.
        newest: reads the newest version of a document from where it is edited. Raises NotFound.
        count_people: counts the people of a workspace; an index scan, 0.2 to 0.4 s for a million.
        random: where keys come from.
        monitor: tells which other clusters are alive; None where nobody may wait for that, as without a cluster.
    """

    workspaces: Workspaces
    resources: Resources
    credentials: Credentials
    secrets: Secrets | None
    newest: Callable[[Document], Document]
    count_people: Callable[[int], PeopleCounts]
    cluster_id: str
    clock: Callable[[], datetime]
    random: Random
    monitor: HeartbeatMonitor | None = None

    def reconcile(self, document: Document, *, is_fresh: bool = False, check_secret: bool = True) -> ReconcileResult:
        """Reconcile one resource.

        Args:
            document: the newest that is known.
            is_fresh: it was just read from the API server.
            check_secret: read the Secret even if the status says that it holds the newest credentials.

        Raises:
            NotFound: the resource is gone.
            Moved: it was edited meanwhile.
            ClusterUnavailable: the API server does not answer.
        """
        resource = resource_of(document)
        keyring = self._keyring(resource, check_secret=check_secret)
        subject = _Subject(document=document, resource=resource, keyring=keyring, was_read=is_fresh)
        observed, plan = self._converge(subject)
        document, status = self._write(subject, plan)
        for event in plan.events:
            self.resources.emit(subject.resource.namespace, subject.resource.name, subject.resource.uid, event)
        self._mark_reported(observed)
        if plan.status is not None and isinstance(observed, Observed):
            log_silent_namesakes(subject.resource, observed, self.cluster_id, self.count_people)
        return ReconcileResult(
            document=document,
            requeue=plan.retry,
            status=status,
            actions=tuple(subject.done),
            is_news=ready_of(status) != ready_of(subject.document.get("status") or {}),
        )

    def _converge(self, subject: _Subject) -> tuple[Observed | StoreAway, Plan]:
        """Carry actions out until none is left; the plan then has their events, too."""
        events = tuple[Event, ...]()
        for _ in range(MAX_ITERATIONS):
            observed, plan = self._observe_and_plan(subject)
            if self._needs_newest(subject, plan) and self._read_newest(subject):
                continue
            if not plan.actions:
                return observed, replace(plan, events=events + plan.events)
            try:
                for action in plan.actions:
                    self._carry_out(action, subject)
            except (Moved, NameTaken):
                continue  # the next observation sees what came between
            except StoreUnavailable:  # it may answer reads still; waiting here would hold up the others
                plan = decide(subject.resource, StoreAway(), cluster_id=self.cluster_id, now=self.clock())
                return StoreAway(), replace(plan, events=events + plan.events)
            events += plan.events
        raise WorkspaceOperatorError(
            f"{subject.resource.title} does not come to rest: others change its workspace all the time"
        )

    def _needs_newest(self, subject: _Subject, plan: Plan) -> bool:
        if any(isinstance(action, IRREVERSIBLE) for action in plan.actions):
            return not subject.is_newest
        writes = plan.actions or plan.status is not None or plan.finalizers is not None
        return bool(writes) and not subject.was_read

    def _read_newest(self, subject: _Subject) -> bool:
        """Ask the API server for the resource; whether the plan has to be made again."""
        began = self.clock()
        document = self.newest(subject.document)
        subject.was_read = True
        if self.clock() - began > READ_AT_MOST:
            return True
        subject.is_newest = True
        if is_same(document, subject.document):
            return False
        subject.document, subject.resource = document, resource_of(document)
        subject.keyring = self._keyring(subject.resource, check_secret=subject.keyring.check_secret)
        return True

    def _carry_out(self, action: Action | SecretAction, subject: _Subject) -> None:
        if isinstance(action, RotateCredentials | ClaimSecret | RemoveSecret):
            subject.keyring.carry_out(action, now=self.clock())
        else:
            self.workspaces.carry_out(action, now=self.clock(), spec=subject.resource.spec_version)
        if isinstance(action, AcceptLowerGeneration):
            subject.was_read = False  # the store no longer refuses this document, even if it is late by now
        subject.done.append(type(action).__name__)

    def _observe_and_plan(self, subject: _Subject) -> tuple[Observed | StoreAway, Plan]:
        subject.is_newest = False
        observed = self._observe(subject)
        plan = self._plan(subject, observed)
        if plan.actions or not isinstance(observed, Observed) or observed.workspace is None:
            return observed, plan
        if _is_migrating(subject.resource, observed):
            return observed, plan
        # Counting is by far the dearest part of a visit, so it is done when there is nothing else left to do.
        observed = replace(observed, people=self.count_people(observed.workspace.workspace_id))
        return observed, self._plan(subject, observed)

    def _plan(self, subject: _Subject, observed: Observed | StoreAway) -> Plan:
        return decide(subject.resource, observed, cluster_id=self.cluster_id, now=self.clock())

    def _observe(self, subject: _Subject) -> Observed | StoreAway:
        try:
            observed = self.workspaces.observe(self._query(subject.resource))
            credentials = self._credentials(subject, observed)
        except StoreUnavailable:
            return StoreAway()
        owner = subject.resource.owner(self.cluster_id)
        return replace(
            observed,
            name_holder=self._candidate(observed.name_holder, owner),
            adoptable=self._candidate(observed.adoptable, owner),
            remembered=self._candidate(observed.remembered, owner),
            credentials=credentials,
            namesakes=self.monitor.pulses(observed, owner) if self.monitor else (),
        )

    def _credentials(self, subject: _Subject, observed: Observed) -> CredentialsSeen | None:
        """Those of the workspace; of one that was destroyed, there may be a Secret left."""
        keyring, resource = subject.keyring, subject.resource
        if observed.workspace is not None:
            return keyring.seen(observed.workspace.workspace_id, now=self.clock())
        return keyring.seen(None, now=self.clock()) if resource.deleting and resource.holds_people else None

    def _keyring(self, resource: Resource, *, check_secret: bool) -> Keyring:
        return Keyring(
            credentials=self.credentials,
            secrets=self.secrets,
            random=self.random,
            resource=resource,
            check_secret=check_secret,
        )

    def _query(self, resource: Resource) -> Sought:
        wish = resource.wish if isinstance(resource.wish, Wish) else None
        return Sought(
            owner=resource.owner(self.cluster_id),
            account=wish.account if wish else "",
            display_name=wish.settings.display_name if wish else "",
            adopt=resource.adopts_number,
            remembered=resource.previous.workspace_id,
        )

    def _candidate(self, candidate: Candidate | None, owner: Owner) -> Candidate | None:
        """Ask the cluster whether the owner is gone, but only in the resource's own namespace.

        Of others the resource is told nothing, and a Role of one namespace does not allow the question.
        """
        if candidate is None or not candidate.is_near(owner):
            return candidate
        return replace(candidate, released=self.resources.is_released(candidate.workspace.owner))

    def _write(self, subject: _Subject, plan: Plan) -> tuple[Document, Mapping[str, Any]]:
        document, resource = subject.document, subject.resource
        metadata, status = dict(document["metadata"]), document.get("status", {})
        where = (resource.namespace, resource.name)
        if plan.finalizers is not None:
            version = metadata.get("resourceVersion", "")
            metadata["resourceVersion"] = self.resources.write_finalizers(
                *where, plan.finalizers, resource_version=version
            )
            metadata["finalizers"] = list(plan.finalizers)
        if plan.status is not None:
            version = metadata.get("resourceVersion", "")
            metadata["resourceVersion"] = self.resources.write_status(*where, plan.status, resource_version=version)
            status = plan.status
        return {**document, "metadata": metadata, "status": status}, status

    def _mark_reported(self, observed: Observed | StoreAway) -> None:
        """Note what was reported of an identifier change."""
        if isinstance(observed, Observed) and observed.migration is not None:
            self.workspaces.reported(observed.migration)


def version_of(document: Document) -> str:
    """The resourceVersion."""
    return str(document["metadata"].get("resourceVersion", ""))


def ready_of(status: Mapping[str, Any]) -> tuple[str, str]:
    """Status and reason of condition Ready; empty before the first visit."""
    conditions = status.get("conditions") or ()
    return next(((each["status"], each["reason"]) for each in conditions if each["type"] == "Ready"), ("", ""))


def is_same(document: Document, known: Document) -> bool:
    """Whether two documents say the same; a resourceVersion alone may come again after a restore of etcd."""
    one, other = ({**each["metadata"], "managedFields": None} for each in (document, known))
    return one == other and all(document.get(part) == known.get(part) for part in ("spec", "status"))


def _is_migrating(resource: Resource, observed: Observed) -> bool:
    """Whether a change goes on, so that there is a visit every few seconds: millions are not counted in each."""
    change = open_migration(observed)
    return change is not None and change.stage is not Stage.BLOCKED and resource.previous.people is not None
