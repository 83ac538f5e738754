"""Reconciling one Workspace resource: gather, decide, carry out, look again, and tell.

The decision is pure (``reconcile.deciding``); here it is fed and carried out. Status is written with the
resourceVersion that the decision was made of, so that nobody's edit is answered with an older look.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from workspace_operator.application.key_making import Random
from workspace_operator.application.keyrings import Keyring
from workspace_operator.application.ports import Credentials, Resources, Secrets, Sought, Workspaces
from workspace_operator.application.reading import resource_of
from workspace_operator.errors import Moved, NameTaken, StoreUnavailable, WorkspaceOperatorError
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.credentials import CredentialsSeen
from workspace_operator.reconcile.deciding import decide
from workspace_operator.reconcile.observed import Candidate, Observed, StoreAway
from workspace_operator.reconcile.plan import (
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

MOST_ROUNDS = 12
"""Each round brings the store one action nearer; others may move it meanwhile, but not for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How a reconcile ended.

    Attributes:
        document: the resource as it is now, with what was written to it; None if it is gone or was edited
            meanwhile, in which case the cluster will tell.
        retry: look again before long, since somebody else has to act first.
        status: the whole status, written or not.
    """

    document: Mapping[str, Any] | None
    retry: bool = False
    status: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Brings the store to what resources say, and resources to what the store has.

    Attributes:
        secrets: None where there is no cluster to keep credentials in.
        random: where keys come from.
    """

    workspaces: Workspaces
    resources: Resources
    credentials: Credentials
    secrets: Secrets | None
    cluster_id: str
    clock: Callable[[], datetime]
    random: Random

    def reconcile(self, document: Mapping[str, Any]) -> Told:
        """Reconcile one resource. Raises ClusterUnavailable, and Moved if it was edited meanwhile."""
        resource = resource_of(document)
        observed, plan = self._settle(resource)
        document, status = self._write(document, resource, plan)
        for event in plan.events:
            self.resources.emit(resource.namespace, resource.name, resource.uid, event)
        self._report(observed)
        return Told(document=document, retry=plan.retry, status=status)

    def _settle(self, resource: Resource) -> tuple[Observed | StoreAway, Plan]:
        """Carry actions out until none is left to do; the plan then has their events, too."""
        keyring, events = self._keyring(resource), tuple[Event, ...]()
        for _ in range(MOST_ROUNDS):
            observed, plan = self._decided(resource, keyring, count_people=False)
            if not plan.actions and isinstance(observed, Observed) and not _is_told_of_progress(resource, observed):
                # Counting is by far the dearest part of a look, so it is done when there is nothing else left to do.
                observed, plan = self._decided(resource, keyring, count_people=True)
            if not plan.actions:
                return observed, replace(plan, events=events + plan.events)
            try:
                for action in plan.actions:
                    self._carry_out(action, keyring)
            except (Moved, NameTaken):
                continue  # the next look sees what came between
            except StoreUnavailable:  # it may answer reads still; waiting here would hold up the others
                plan = decide(resource, StoreAway(), cluster_id=self.cluster_id, now=self.clock())
                return StoreAway(), replace(plan, events=events + plan.events)
            events += plan.events
        raise WorkspaceOperatorError(
            f"{resource.title} does not come to rest: others change its workspace all the time"
        )

    def _carry_out(self, action: Action | SecretAction, keyring: Keyring) -> None:
        if isinstance(action, RotateCredentials | ClaimSecret | RemoveSecret):
            keyring.carry_out(action, now=self.clock())
        else:
            self.workspaces.carry_out(action, now=self.clock())

    def _decided(
        self, resource: Resource, keyring: Keyring, *, count_people: bool
    ) -> tuple[Observed | StoreAway, Plan]:
        observed = self._observe(resource, keyring, count_people=count_people)
        return observed, decide(resource, observed, cluster_id=self.cluster_id, now=self.clock())

    def _observe(self, resource: Resource, keyring: Keyring, *, count_people: bool) -> Observed | StoreAway:
        try:
            observed = self.workspaces.observe(self._sought(resource), count_people=count_people)
            credentials = self._credentials(resource, keyring, observed)
        except StoreUnavailable:
            return StoreAway()
        return replace(
            observed,
            name_holder=self._candidate(observed.name_holder),
            adoptable=self._candidate(observed.adoptable),
            remembered=self._candidate(observed.remembered),
            credentials=credentials,
        )

    def _credentials(self, resource: Resource, keyring: Keyring, observed: Observed) -> CredentialsSeen | None:
        """Those of the workspace; of one that was destroyed, there may be a Secret left."""
        if observed.workspace is not None:
            return keyring.seen(observed.workspace.workspace_id, now=self.clock())
        return keyring.seen(None, now=self.clock()) if resource.deleting and resource.holds_people else None

    def _keyring(self, resource: Resource) -> Keyring:
        return Keyring(credentials=self.credentials, secrets=self.secrets, random=self.random, resource=resource)

    def _sought(self, resource: Resource) -> Sought:
        wish = resource.wish if isinstance(resource.wish, Wish) else None
        return Sought(
            owner=resource.owner(self.cluster_id),
            account=wish.account if wish else "",
            display_name=wish.settings.display_name if wish else "",
            adopt=resource.adopts_number,
            remembered=resource.previous.workspace_id,
        )

    def _candidate(self, candidate: Candidate | None) -> Candidate | None:
        if candidate is None:
            return None
        return replace(candidate, released=self.resources.is_released(candidate.workspace.owner))

    def _write(
        self, document: Mapping[str, Any], resource: Resource, plan: Plan
    ) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
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

    def _report(self, observed: Observed | StoreAway) -> None:
        """Note what was told of an identifier change."""
        if isinstance(observed, Observed) and observed.migration is not None:
            self.workspaces.reported(observed.migration)


def _is_told_of_progress(resource: Resource, observed: Observed) -> bool:
    """Whether a change goes on, so that there is a look every few seconds: millions are not counted in each."""
    change = open_migration(observed)
    return change is not None and change.stage is not Stage.BLOCKED and resource.previous.people is not None
