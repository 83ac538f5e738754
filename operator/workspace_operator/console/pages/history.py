"""What was done in a workspace: the audit log, and the identifier changes."""

from collections.abc import Sequence

from workspace_operator.access.permissions import Permission
from workspace_operator.application.cleanups.lists import RECENT
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest
from workspace_operator.console.core.routes import Route
from workspace_operator.console.texts import text
from workspace_operator.console.views.history import ENTRIES, history_view
from workspace_operator.console.views.migrations import SHOWN, migrations_view


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""
    clock = dependencies.cleanup_lists.clock

    def show_history(request: PageRequest) -> Page:
        number, before = request.workspace_id, request.query.get("before") or None
        entries = dependencies.audit_log.entries(number, before=before, limit=ENTRIES + 1)
        cleanups = dependencies.cleanups.cleanups(number, limit=RECENT)
        imports = dependencies.import_preparation.imports.recent(number, limit=RECENT)
        view = history_view(entries, cleanups, imports, root=f"/w/{number}", now=clock())
        return Page(template="history.html", title=text("history.title"), view=view, link="history")

    def show_migrations(request: PageRequest) -> Page:
        number = request.workspace_id
        migrations = dependencies.cleanup_lists.migrations.recent(number, limit=SHOWN)
        view = migrations_view(migrations, root=f"/w/{number}", now=clock())
        return Page(template="migrations.html", title=text("migrations.title"), view=view, link="migrations")

    view, root = Permission.VIEW, "/w/{workspace}"
    return (
        Route(method="GET", pattern=f"{root}/history", access=view, handler=show_history, is_costly=True),
        Route(method="GET", pattern=f"{root}/migrations", access=view, handler=show_migrations),
    )
