"""Cleanups as commands find them: by a number or the newest one, with their decisions counted."""

from workspace_operator.bootstrap import make_cleanup_worker
from workspace_operator.cleanups.model import DRAFTS, Cleanup
from workspace_operator.cli.support.workspace_context import WorkspaceContext
from workspace_operator.errors import NotFound


def find_cleanup(context: WorkspaceContext, number: int | None) -> Cleanup:
    """A cleanup by its number; None is the newest one. Raises NotFound."""
    if number is not None:
        return context.store.cleanups.get(context.workspace_id, number)
    cleanups = context.store.cleanups.cleanups(context.workspace_id)
    if not cleanups:
        raise NotFound(f"{context.name} has no cleanups: `workspacectl cleanups decide` begins one")
    return cleanups[0]


def counted(context: WorkspaceContext, cleanup: Cleanup) -> Cleanup:
    """The cleanup after its decisions are counted, which this process does if no other does."""
    worker = make_cleanup_worker(context.store, workspace_id=context.workspace_id)
    while True:
        found = context.store.cleanups.get(context.workspace_id, cleanup.number)
        if found.state not in DRAFTS or not worker.work_once():
            return found
