"""The observed state: what the store has for one Workspace resource."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Self, TypeAlias

from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import TERMINAL
from workspace_operator.reconcile.model.credentials import ObservedCredentials
from workspace_operator.reconcile.model.sending import ObservedSending
from workspace_operator.workspaces.model import Owner, PeopleCounts, Workspace

if TYPE_CHECKING:  # the models of resources take pydantic, which a command for people does not need
    from workspace_operator.reconcile.model.desired import Resource

MAX_LISTED_PLACES = 8
"""Workspaces of a full account that the message about it names, released ones first."""

MAX_CHECKED_OWNERS = 50
"""Workspaces of a full account whose owners one reconcile looks up, each with a request to the API server."""

OwnerIsGone: TypeAlias = Callable[[Owner], bool]
"""Whether the resource that owns a workspace is gone."""

KnownResources: TypeAlias = Callable[[], Collection[tuple[str, str]]]
"""Namespaces and names of Workspace resources of the cluster that exist, without a request to the API server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceQuery:
    """Query of one observation: the resource as owner, and the workspaces that its spec and status name.

    ``now`` is by the clock of the store: it tells which hand-overs and senders are still alive.
    """

    owner: Owner
    now: datetime
    account: str = "default"
    display_name: str = ""
    from_annotation: int | None = None
    from_status: int | None = None

    @classmethod
    def of(cls, resource: "Resource", cluster_id: str, *, now: datetime) -> Self:
        """The query for a resource; an invalid spec names no account and no display name."""
        desired = resource.valid_state
        return cls(
            owner=resource.owner(cluster_id),
            now=now,
            account=desired.account if desired else "",
            display_name=desired.settings.display_name if desired else "",
            from_annotation=resource.adopt_workspace_id,
            from_status=resource.previous.workspace_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A workspace that this resource does not own; ``owner_is_gone``: its owner's resource was deleted."""

    workspace: Workspace
    owner_is_gone: bool

    def is_in_namespace_of(self, owner: Owner) -> bool:
        """Whether it is in the same cluster and namespace; a message reveals nothing about others."""
        theirs = self.workspace.owner
        return (theirs.cluster, theirs.namespace) == (owner.cluster, owner.namespace)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPlaces:
    """The workspaces of an account with a limit, each of which takes a place (accounts §2.2)."""

    limit: int
    taken: tuple[Candidate, ...] = ()

    @property
    def is_full(self) -> bool:
        """Whether no further workspace may be created."""
        return len(self.taken) >= self.limit


class Liveness(StrEnum):
    """The liveness of another cluster's operator, from its heartbeat in the database."""

    UNKNOWN = "unknown"
    ALIVE = "alive"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Namesake:
    """A workspace of another cluster whose owner has the same namespace and name.

    Attributes:
        beats: the heartbeat counter of its cluster; None if that cluster never wrote one.
        liveness: unknown until the counter has moved, or has not moved for long enough.
    """

    workspace: Workspace
    beats: int | None = None
    liveness: Liveness = Liveness.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedState:
    """The state of the store that concerns one resource.

    Attributes:
        store_id: the identity of the database; empty in a plan.
        workspace: the one whose owner has the resource's cluster, namespace and name, whatever its UID.
        name_holder: another workspace of the account that has the desired display name.
        from_annotation: the workspace that the ``adopt`` annotation names; None if it does not exist.
        from_status: the workspace that the status names, if the resource does not own it (any more).
        namesakes: workspaces of other clusters with the same namespace and name; read if ``workspace`` is None.
        migration: the newest identifier change of ``workspace``, ended or not.
        credentials: those of ``workspace``, and its Secret; None if they were not read.
        people: None if they were not counted this time: the counts in the status stay.
        sending: the messages of ``workspace``, and the senders; None without a workspace.
        places: those of the account for a new workspace; None if there is no limit, or if ``workspace`` exists.
    """

    store_id: str = ""
    workspace: Workspace | None = None
    name_holder: Candidate | None = None
    from_annotation: Candidate | None = None
    from_status: Candidate | None = None
    namesakes: tuple[Namesake, ...] = ()
    migration: Migration | None = None
    credentials: ObservedCredentials | None = None
    people: PeopleCounts | None = field(default_factory=PeopleCounts)
    sending: ObservedSending | None = None
    places: AccountPlaces | None = None

    @property
    def open_migration(self) -> Migration | None:
        """The open identifier change, if there is one."""
        return None if self.migration is None or self.migration.stage in TERMINAL else self.migration

    @property
    def is_draining(self) -> bool:
        """Whether messages are being handed over under earlier sending rules."""
        return self.sending is not None and self.sending.draining > 0

    def owned_by(self, owner: Owner) -> Workspace | None:
        """The stored workspace, if it belongs to this owner (same UID)."""
        return self.workspace if self.workspace is not None and self.workspace.owner == owner else None

    def check_owners(self, owner: Owner, owner_is_gone: OwnerIsGone, known: KnownResources = frozenset) -> Self:
        """Check whether the owners of the candidates are gone, but only in the namespace of the resource's owner.

        The status must not reveal anything about other namespaces, and a Role covers only its own. Of a full account,
        only owners that are not ``known`` are looked up.
        """

        def checked(candidate: Candidate | None) -> Candidate | None:
            if candidate is None or not candidate.is_in_namespace_of(owner):
                return candidate
            return replace(candidate, owner_is_gone=owner_is_gone(candidate.workspace.owner))

        return replace(
            self,
            name_holder=checked(self.name_holder),
            from_annotation=checked(self.from_annotation),
            from_status=checked(self.from_status),
            places=self._checked_places(owner_is_gone, known),
        )

    def _checked_places(self, owner_is_gone: OwnerIsGone, known: KnownResources) -> AccountPlaces | None:
        """The places of a full account, with as many released workspaces marked as its message names."""
        if self.places is None or not self.places.is_full:
            return self.places
        names = known()
        owners = (candidate.workspace.owner for candidate in self.places.taken)
        unknown = islice((each for each in owners if (each.namespace, each.name) not in names), MAX_CHECKED_OWNERS)
        gone = frozenset(islice(filter(owner_is_gone, unknown), MAX_LISTED_PLACES))
        taken = (
            replace(candidate, owner_is_gone=True) if candidate.workspace.owner in gone else candidate
            for candidate in self.places.taken
        )
        return replace(self.places, taken=tuple(taken))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreUnreachable:
    """Takes the place of `ObservedState` while the store does not respond.

    It has no error text on purpose: the text of a database driver may contain secrets and differs from attempt to
    attempt, while the status is written only if the outcome differs.
    """


Observation: TypeAlias = ObservedState | StoreUnreachable
