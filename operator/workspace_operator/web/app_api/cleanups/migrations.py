"""Endpoints of identifier changes and of the people that block them (track-api.md §2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from workspace_operator.application.ports import Actor
from workspace_operator.cleanups.model import DRAFTS, Cleanup
from workspace_operator.errors import NotFound
from workspace_operator.http_server.responses import Response
from workspace_operator.migrations.model import Migration
from workspace_operator.web.app_api.cleanups.cleanup_routes import (
    not_found,
    path_number,
    read_route,
    write_route,
)
from workspace_operator.web.app_api.cleanups.documents import group_document, migration_document, seconds
from workspace_operator.web.app_api.cleanups.violation_pages import (
    VIOLATION_PARAMETERS,
    ViolationPage,
    ViolationSelection,
    no_such_group,
    read_page,
)
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.http import Request
from workspace_operator.web.core.router import Route

MAX_MIGRATIONS: Final = 100
"""Number of identifier changes in a list: the newest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationsAPI:
    """The endpoints; each is about the workspace of the caller's key."""

    dependencies: Dependencies

    def list_migrations(self, request: Request) -> Response:
        """``GET /v1/migrations``: the identifier changes, newest first."""
        found = self.dependencies.migrations.recent(request.caller.workspace_id, limit=MAX_MIGRATIONS)
        return Response(document={"migrations": [migration_document(migration) for migration in found]})

    def migration(self, request: Request) -> Response:
        """``GET /v1/migrations/{n}``: one identifier change."""
        return Response(document={"migration": migration_document(self._migration(request))})

    def violations(self, request: Request) -> Response:
        """``GET /v1/migrations/{n}/violations?kind&group&after&limit&with``: the people that block a change."""
        selection, migration = ViolationSelection.from_query(request.query), self._migration(request)
        draft = self._draft(migration)
        page = self._page(migration, draft, selection)
        return Response(
            document={
                "export": migration.export,
                "cleanup": None if draft is None else draft.number,
                "calls_recorded_since": seconds(self.dependencies.listed_calls.recorded_since(migration.workspace_id)),
                "groups": [group_document(group, selection.attributes, draft) for group in page.groups],
                "next": page.next,
            }
        )

    def retry(self, request: Request) -> Response:
        """``POST /v1/migrations/{n}/retry``: check a blocked change again now."""
        number, caller = _number(request), request.caller
        try:
            migration = self.dependencies.migrations.retry(
                caller.workspace_id, number, actor=Actor.app_key(caller.number), now=self.dependencies.clock()
            )
        except NotFound:
            raise _no_migration(number) from None
        return Response(status=202, document={"migration": migration_document(migration)})

    def _migration(self, request: Request) -> Migration:
        number = _number(request)
        try:
            return self.dependencies.migrations.get(request.caller.workspace_id, number)
        except NotFound:
            raise _no_migration(number) from None

    def _draft(self, migration: Migration) -> Cleanup | None:
        """The draft about a migration: the newest cleanup, if decisions can be made in it."""
        newest = self.dependencies.cleanups.cleanups(migration.workspace_id, limit=1)
        return next(
            (each for each in newest if each.migration_number == migration.number and each.state in DRAFTS), None
        )

    def _page(self, migration: Migration, draft: Cleanup | None, selection: ViolationSelection) -> ViolationPage:
        if migration.export is not None:
            number = None if draft is None else draft.number
            listings = self.dependencies.listings
            return read_page(listings, migration.workspace_id, migration.export, number, selection)
        if selection.group is not None:
            raise no_such_group(selection.group)
        return ViolationPage(groups=(), next="")


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of identifier changes."""
    api, one = MigrationsAPI(dependencies=dependencies), "/v1/migrations/{migration_number}"
    return [
        read_route("/v1/migrations", api.list_migrations),
        read_route(one, api.migration),
        read_route(f"{one}/violations", api.violations, query=VIOLATION_PARAMETERS),
        write_route("POST", f"{one}/retry", api.retry),
    ]


def _number(request: Request) -> int:
    return path_number(request, "identifier change", listed_by="/v1/migrations")


def _no_migration(number: int) -> NotFound:
    return not_found("identifier change", number, listed_by="/v1/migrations")
