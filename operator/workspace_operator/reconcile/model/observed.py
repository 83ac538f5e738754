"""What a reconcile has seen before it decides: the store's side of one Workspace resource."""

from dataclasses import dataclass, field
from enum import StrEnum

from workspace_operator.migrations.model import Migration
from workspace_operator.reconcile.model.credentials import ObservedCredentials
from workspace_operator.workspaces.model import Owner, PeopleCounts, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A workspace that is not ours yet. ``released`` says that its owner's resource is gone."""

    workspace: Workspace
    owner_is_gone: bool

    def is_in_namespace_of(self, owner: Owner) -> bool:
        """Whether it is of an owner's own cluster and namespace: of all others a resource is told nothing."""
        theirs = self.workspace.owner
        return (theirs.cluster, theirs.namespace) == (owner.cluster, owner.namespace)


class Liveness(StrEnum):
    """What is known of the operator of another cluster, from its heartbeat in the database."""

    UNKNOWN = "unknown"
    ALIVE = "alive"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Namesake:
    """A workspace of another cluster whose owner has our namespace and name.

    Attributes:
        beats: the heartbeat of its cluster as a count; None if that cluster never had one.
        pulse: unknown until its heartbeat has moved, or has not moved for long enough.
    """

    workspace: Workspace
    beats: int | None = None
    liveness: Liveness = Liveness.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedState:
    """The store's side of one resource.

    Attributes:
        store_id: the identity of the database; empty where there is none, as in a plan.
        workspace: the one whose owner has our cluster, namespace and name, whatever its UID.
        name_holder: the workspace of our account that has the wanted display name, if it is not ours.
        adoptable: the workspace that the ``adopt`` annotation names; None if it does not exist.
        remembered: the workspace that our status names, if it is not ours (any more).
        namesakes: workspaces of other clusters that have our namespace and name; looked for while we have none.
        migration: our workspace's newest identifier change, ended or not.
        credentials: those of our workspace, and its Secret; None where nobody has looked.
        people: None when they were not counted this time: what the status says stays.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreUnreachable:
    """Seen instead of `ObservedState` while the store does not answer.

    It carries no error text on purpose: what a database driver says may hold secrets and changes with
    every attempt, and the status is written only when the outcome differs.
    """
