"""Log of orphans: workspaces that no resource of the cluster owns. Administrators find them in the operator's log.

The people of an orphan are kept, but no client can reach them. Renaming a namespace in Git leaves such a workspace
behind, and creates a new, empty one for the resource of the same name. No status mentions an orphan, since its readers
may have no access to the other namespace.
"""

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from workspace_operator.application.ports import Workspaces
from workspace_operator.errors import WorkspaceOperatorError
from workspace_operator.log_lines import LogLine
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import Liveness, ObservedState
from workspace_operator.workspaces.model import Owner, PeopleCounts, Workspace

logger = logging.getLogger(__name__)

ResourceKey = tuple[str, str]

INTERVAL_SECONDS = 60.0
MAX_SAMPLES = 5
"""Number of owners to look up in the cluster before all unknown owners count as gone."""

MAX_LINES = 20
"""Maximum number of workspaces that one check logs; the next check continues."""


@dataclass(slots=True, kw_only=True)
class OrphanLog:
    """Logs each orphan of this cluster once.

    Attributes:
        known: namespaces and names of the resources that the operator knows.
        owner_is_gone: queries the cluster whether the resource of an owner is gone.
        namespaces: the watched namespaces; empty for all.
    """

    workspaces: Workspaces
    known: Callable[[], Collection[ResourceKey]]
    owner_is_gone: Callable[[Owner], bool]
    count_people: Callable[[int], PeopleCounts]
    cluster_id: str
    namespaces: Collection[str] = ()
    _logged: set[int] = field(default_factory=set)
    _is_first: bool = True

    def run(self, stopping: threading.Event) -> None:
        """Check every minute until ``stopping`` is set."""
        while not stopping.wait(INTERVAL_SECONDS):
            self.check()

    def check(self) -> None:
        """Log the orphans that are new since the last check; a failed check is made up for by the next."""
        try:
            known = self.known()
            orphans = [workspace for workspace in self.workspaces.list() if self._may_be_orphan(workspace.owner, known)]
            self._logged &= {orphan.workspace_id for orphan in orphans}
            new = [orphan for orphan in orphans if orphan.workspace_id not in self._logged]
            remaining = self._log_existing(new, known) if self._is_first else new
            for orphan in remaining[:MAX_LINES]:
                if self.owner_is_gone(orphan.owner):
                    self._log(orphan, known)
        except WorkspaceOperatorError as error:
            logger.debug("the check for orphans failed: %s", error)
        except Exception:
            logger.exception("the check for orphans failed")

    def _may_be_orphan(self, owner: Owner, known: Collection[ResourceKey]) -> bool:
        is_ours = owner.cluster == self.cluster_id and (not self.namespaces or owner.namespace in self.namespaces)
        return is_ours and (owner.namespace, owner.name) not in known

    def _log_existing(self, orphans: Sequence[Workspace], known: Collection[ResourceKey]) -> Sequence[Workspace]:
        """Log only the number of orphans that are older than the process; returns those with a namesake."""
        names = {name for _, name in known}
        plain = [orphan for orphan in orphans if orphan.owner.name not in names]
        if not all(self.owner_is_gone(orphan.owner) for orphan in plain[:MAX_SAMPLES]):
            return []  # the list of resources is not complete yet
        if plain:
            logger.info(
                "workspaces without a resource: %d; `workspacectl workspaces list --orphans --kubeconfig FILE` lists "
                "them",
                len(plain),
            )
        self._logged |= {orphan.workspace_id for orphan in plain}
        self._is_first = False
        return [orphan for orphan in orphans if orphan.owner.name in names]

    def _log(self, orphan: Workspace, known: Collection[ResourceKey]) -> None:
        owner, people = orphan.owner, self.count_people(orphan.workspace_id).total
        namesakes = sorted(f"{namespace}/{name}" for namespace, name in known if name == owner.name)
        assign = f"`workspacectl workspaces assign {orphan.workspace_id} --to {''.join(namesakes[:1])} --replace-empty`"
        advice = f"; if its namespace was renamed: {assign}" if namesakes else ""
        logger.log(
            logging.WARNING if namesakes else logging.INFO,
            LogLine(
                f"the workspace is kept, and no resource owns it{advice}",
                namespace=owner.namespace,
                name=owner.name,
                workspace=orphan.workspace_id,
                people=people,
            ),
        )
        self._logged.add(orphan.workspace_id)


def log_silent_namesakes(
    resource: Resource, observed: ObservedState, cluster_id: str, count_people: Callable[[int], PeopleCounts]
) -> None:
    """Log which workspaces of silent clusters keep a resource waiting, since its status must not name them."""
    for namesake in observed.namesakes:
        if namesake.liveness is not Liveness.SILENT:
            continue
        workspace = namesake.workspace
        logger.warning(
            LogLine(
                f"the resource waits, and the cluster {workspace.owner.cluster} of the workspace is silent: "
                f"`workspacectl workspaces move --from-cluster {workspace.owner.cluster} --to-cluster {cluster_id} "
                f"--namespace {resource.namespace}` moves it here",
                namespace=resource.namespace,
                name=resource.name,
                workspace=workspace.workspace_id,
                people=count_people(workspace.workspace_id).total,
            )
        )
