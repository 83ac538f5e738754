"""What an operator logs of workspaces that no resource of its cluster owns: administrators find them there.

Their people are kept, but nobody reaches them. A namespace that is renamed in Git leaves such a workspace behind, and a
resource of the same name elsewhere with a new, empty one. Statuses say nothing of that, since whoever reads the one may
have no business in the other namespace.
"""

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from workspace_operator.application.ports import Workspaces
from workspace_operator.errors import WorkspaceOperatorError
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import Liveness, ObservedState
from workspace_operator.workspaces.model import Owner, PeopleCounts, Workspace

logger = logging.getLogger(__name__)

ResourceKey = tuple[str, str]

INTERVAL_SECONDS = 60.0
MAX_SAMPLES = 5
"""Owners of whom the cluster is asked before all are taken for gone."""

MAX_LINES = 20
"""Workspaces that are logged in one round; the next one goes on."""


@dataclass(slots=True, kw_only=True)
class OrphanLog:
    """Logs each workspace of our cluster once that no resource owns.

    Attributes:
        known: namespaces and names of the resources that the operator knows.
        owner_is_gone: asks the cluster whether the resource of an owner is gone.
        namespaces: those that the operator watches; none means all.
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
        """Look every minute until told to stop; the first time when the list of resources is complete."""
        while not stopping.wait(INTERVAL_SECONDS):
            self.check()

    def check(self) -> None:
        """Log what has become an orphan since the last look; one that fails is made up for by the next."""
        try:
            known = self.known()
            orphans = [each for each in self.workspaces.list() if self._may_be_orphan(each.owner, known)]
            self._logged &= {each.workspace_id for each in orphans}
            news = [each for each in orphans if each.workspace_id not in self._logged]
            remaining = self._log_many(news, known) if self._is_first else news
            for each in remaining[:MAX_LINES]:
                if self.owner_is_gone(each.owner):
                    self._log(each, known)
        except WorkspaceOperatorError as error:
            logger.debug("orphans could not be looked for: %s", error)
        except Exception:
            logger.exception("orphans could not be looked for")

    def _may_be_orphan(self, owner: Owner, known: Collection[ResourceKey]) -> bool:
        is_ours = owner.cluster == self.cluster_id and (not self.namespaces or owner.namespace in self.namespaces)
        return is_ours and (owner.namespace, owner.name) not in known

    def _log_many(self, orphans: Sequence[Workspace], known: Collection[ResourceKey]) -> Sequence[Workspace]:
        """Say of those that have waited since before the start only how many there are; the rest is returned."""
        names = {name for _, name in known}
        plain = [each for each in orphans if each.owner.name not in names]
        if not all(self.owner_is_gone(each.owner) for each in plain[:MAX_SAMPLES]):
            return []  # the list of resources is not complete yet
        if plain:
            logger.info(
                "workspaces without a resource: %d; `workspacectl workspaces list --orphans --kubeconfig FILE` lists "
                "them",
                len(plain),
            )
        self._logged |= {each.workspace_id for each in plain}
        self._is_first = False
        return [each for each in orphans if each.owner.name in names]

    def _log(self, orphan: Workspace, known: Collection[ResourceKey]) -> None:
        owner, people = orphan.owner, self.count_people(orphan.workspace_id).total
        namesakes = sorted(f"{namespace}/{name}" for namespace, name in known if name == owner.name)
        assign = f"`workspacectl workspaces assign {orphan.workspace_id} --to {''.join(namesakes[:1])} --replace-empty`"
        logger.log(
            logging.WARNING if namesakes else logging.INFO,
            "namespace=%s name=%s workspace=%d people=%d: the workspace is kept, and no resource owns it%s",
            owner.namespace,
            owner.name,
            orphan.workspace_id,
            people,
            f"; if its namespace was renamed: {assign}" if namesakes else "",
        )
        self._logged.add(orphan.workspace_id)


def log_silent_namesakes(
    resource: Resource, observed: ObservedState, cluster_id: str, count_people: Callable[[int], PeopleCounts]
) -> None:
    """Log which workspaces of silent clusters keep a resource waiting; its status may not say."""
    for each in observed.namesakes:
        if each.liveness is not Liveness.SILENT:
            continue
        workspace = each.workspace
        logger.warning(
            "namespace=%s name=%s workspace=%d people=%d waits, and its cluster %s is silent: `workspacectl workspaces "
            "move --from-cluster %s --to-cluster %s --namespace %s` moves it here",
            resource.namespace,
            resource.name,
            workspace.workspace_id,
            count_people(workspace.workspace_id).total,
            workspace.owner.cluster,
            workspace.owner.cluster,
            cluster_id,
            resource.namespace,
        )
