"""The settings of a workspace, and what to commit to change one. The console never writes a spec."""

from collections.abc import Sequence
from typing import Final

from workspace_operator.access.permissions import Permission
from workspace_operator.application.manifests.settings_changes import SETTINGS, SettingsPlan, settings_wanted
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest
from workspace_operator.console.core.routes import Route
from workspace_operator.console.texts import text
from workspace_operator.console.views.reports.settings import CHANGE, ChangeForm, change_form, newest, settings_view
from workspace_operator.errors import InvalidInput, StatementTimeout
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.migrations.model import Migration

RECENT: Final = 10
"""Newest identifier changes that say since when the mode is in force."""


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def show(request: PageRequest) -> Page:
        migrations = dependencies.cleanup_lists.migrations.recent(request.workspace_id, limit=RECENT)
        form = _form(dependencies, request, newest(migrations)) if CHANGE in request.query else None
        view = settings_view(request.workspace.workspace, migrations, form)
        return Page(template="settings.html", title=text("settings.title"), view=view, link="settings")

    return (
        Route(method="GET", pattern="/w/{workspace}/settings", access=Permission.VIEW, handler=show, is_costly=True),
    )


def _form(dependencies: Dependencies, request: PageRequest, migration: Migration | None) -> ChangeForm:
    """The form of the setting that a request names, with what the values in the request would do."""
    setting, workspace = request.query[CHANGE], request.workspace.workspace
    if setting not in SETTINGS:
        raise InvalidInput(f"{CHANGE} {quoted(setting)} is no setting: use one of {', '.join(SETTINGS)}", field=CHANGE)
    paths = [field.path for field in SETTINGS[setting]]
    changes = {path: request.query[path].strip() for path in paths if path in request.query}
    plan: SettingsPlan | None = None
    if changes:
        try:
            plan = dependencies.settings_planner.plan(workspace, migration, changes)
        except StatementTimeout:
            plan = None  # the page says so, and still shows what to commit
    return change_form(setting, settings_wanted(workspace, migration), plan, changes=changes)
