"""Endpoints of rules: decisions about many groups at once (track-api.md §2)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from workspace_operator.application.ports import Actor
from workspace_operator.cleanups.rules import StoredRule
from workspace_operator.errors import NotFound
from workspace_operator.http_server.responses import Response
from workspace_operator.web.app_api.cleanups import bodies
from workspace_operator.web.app_api.cleanups.cleanup_routes import (
    not_found,
    of_cleanup,
    path_number,
    read_route,
    write_route,
)
from workspace_operator.web.app_api.cleanups.documents import rule_document
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.http import Request
from workspace_operator.web.core.router import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesAPI:
    """The endpoints; each is about a cleanup of the workspace of the caller's key."""

    dependencies: Dependencies

    def list_rules(self, request: Request) -> Response:
        """``GET /v1/cleanups/{n}/rules``: the rules, in the order in which they were added."""
        found = of_cleanup(request, self.dependencies.cleanup_rules.rules)
        return Response(document={"rules": [rule_document(stored) for stored in found]})

    def rule(self, request: Request) -> Response:
        """``GET /v1/cleanups/{n}/rules/{position}``: one rule."""
        return _answer(self._of_rule(request, self.dependencies.cleanup_rules.get), HTTPStatus.OK)

    def add(self, request: Request) -> Response:
        """``POST /v1/cleanups/{n}/rules``: have the worker count what a rule would decide."""
        rule, actor = bodies.parse_rule_body(request.body), Actor.app_key(request.caller.number)
        now = self.dependencies.clock()
        return _answer(of_cleanup(request, self.dependencies.cleanup_rules.add, rule, actor=actor, now=now))

    def confirm(self, request: Request) -> Response:
        """``POST /v1/cleanups/{n}/rules/{position}/confirm``: have the worker make the decisions of a rule."""
        seen, rule = bodies.parse_seen_rule(request.body)
        return _answer(self._change(request, partial(self.dependencies.cleanup_rules.confirm, rule=rule), seen))

    def remove(self, request: Request) -> Response:
        """``DELETE /v1/cleanups/{n}/rules/{position}``: have the worker take the decisions of a rule back."""
        return _answer(self._change(request, self.dependencies.cleanup_rules.remove))

    def _change(self, request: Request, change: Callable[..., StoredRule], *args: object) -> StoredRule:
        actor = Actor.app_key(request.caller.number)
        return self._of_rule(request, change, *args, actor=actor, now=self.dependencies.clock())

    def _of_rule(
        self, request: Request, call: Callable[..., StoredRule], *args: object, **options: object
    ) -> StoredRule:
        """Call a method of the port about the rule of the path. Raises NotFound if there is none."""
        workspace_id = request.caller.workspace_id
        number = of_cleanup(request, self.dependencies.cleanups.get).number
        listed_by = f"/v1/cleanups/{number}/rules"
        position = path_number(request, "rule", listed_by=listed_by, index=1)
        try:
            return call(workspace_id, number, position, *args, **options)
        except NotFound:
            raise not_found("rule", position, listed_by=listed_by) from None


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of rules."""
    api, root = RulesAPI(dependencies=dependencies), "/v1/cleanups/{cleanup_number}/rules"
    one = f"{root}/{{rule_position}}"
    return [
        read_route(root, api.list_rules),
        write_route("POST", root, api.add),
        read_route(one, api.rule),
        write_route("POST", f"{one}/confirm", api.confirm),
        write_route("DELETE", one, api.remove),
    ]


def _answer(stored: StoredRule, status: HTTPStatus = HTTPStatus.ACCEPTED) -> Response:
    return Response(status=status, document={"rule": rule_document(stored)})
