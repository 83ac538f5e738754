"""Rules: added, counted, looked at, confirmed and removed."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http import HTTPStatus

from workspace_operator.access.permissions import Permission
from workspace_operator.cleanups.model import Cleanup
from workspace_operator.cleanups.rules import RuleCounts, StoredRule
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest, Redirect
from workspace_operator.console.core.routes import Route
from workspace_operator.console.pages.cleanups.content import LINK, CleanupReader
from workspace_operator.console.pages.cleanups.rule_forms import add_rule, typed_form
from workspace_operator.console.texts import text
from workspace_operator.console.views.cleanups.marks import mark_of_rule
from workspace_operator.console.views.cleanups.rules import GROUPS, RuleForm, rule_view, rules_view
from workspace_operator.errors import InvalidInput, NotFound, StaleRevision

RULE = "rule"


def routes(dependencies: Dependencies) -> tuple[Route, ...]:
    """The routes of this module."""

    def add(request: PageRequest) -> Page | Redirect:
        try:
            stored = add_rule(dependencies, request)
        except InvalidInput as error:
            page = _all(dependencies, request, typed_form(request, error))
            return replace(page, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        return Redirect(location=f"{_root(request)}/{stored.position}")

    root = "/w/{workspace}/cleanup/rules"
    one = f"{root}/{{{RULE}}}"
    return (
        Route(method="GET", pattern=root, access=Permission.VIEW, handler=partial(_all, dependencies)),
        Route(method="POST", pattern=f"{root}/add", access=Permission.PREPARE, handler=add),
        Route(method="GET", pattern=one, access=Permission.VIEW, handler=partial(_one, dependencies), is_costly=True),
        Route(
            method="POST", pattern=f"{one}/confirm", access=Permission.PREPARE, handler=partial(_confirm, dependencies)
        ),
        Route(
            method="POST", pattern=f"{one}/remove", access=Permission.PREPARE, handler=partial(_remove, dependencies)
        ),
    )


def _confirm(dependencies: Dependencies, request: PageRequest) -> Page | Redirect:
    seen = RuleCounts(_number(request, "groups"), _number(request, "people"))
    change = partial(dependencies.cleanup_rules.confirm, seen=seen)
    return _change(dependencies, request, change, leads_to=f"{_root(request)}/{request.numbers[RULE]}")


def _remove(dependencies: Dependencies, request: PageRequest) -> Page | Redirect:
    return _change(dependencies, request, dependencies.cleanup_rules.remove, leads_to=_root(request))


def _change(
    dependencies: Dependencies, request: PageRequest, change: Callable[..., StoredRule], *, leads_to: str
) -> Page | Redirect:
    """Change the rule that a form has shown; else show the rule that has its number now."""
    of, cleanup, position = request.workspace_id, _number(request, "cleanup"), request.numbers[RULE]
    draft = _draft(dependencies, request)
    rule = dependencies.cleanup_rules.get(of, draft.number, position).rule
    if draft.number != cleanup or mark_of_rule(rule) != request.field("seen"):
        return _stale_page(dependencies, request, "rule.another")
    try:
        change(of, cleanup, position, rule=rule, actor=request.actor, now=dependencies.cleanup_lists.clock())
    except StaleRevision:
        return _stale_page(dependencies, request, "rule.stale")
    return Redirect(location=leads_to)


def _stale_page(dependencies: Dependencies, request: PageRequest, key: str) -> Page:
    return replace(_one(dependencies, request, note=text(key)), status=HTTPStatus.CONFLICT)


def _root(request: PageRequest) -> str:
    return f"/w/{request.workspace_id}/cleanup/rules"


def _draft(dependencies: Dependencies, request: PageRequest) -> Cleanup:
    draft = dependencies.cleanup_lists.status(request.workspace_id).draft
    if draft is None:
        raise NotFound("there is no draft of decisions")
    return draft


def _number(request: PageRequest, name: str) -> int:
    """A number that the page itself wrote into its form. Raises InvalidInput."""
    value = request.field(name)
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise InvalidInput(f"the form has {name} as something else than a number", field=name)
    return int(value)


def _all(dependencies: Dependencies, request: PageRequest, form: RuleForm | None = None) -> Page:
    reader = CleanupReader.of(dependencies, request)
    status = reader.status
    can_add = status.at_work is None and (status.blocked is not None or status.draft is not None)
    view = rules_view(
        request.workspace_id,
        reader.rules(),
        form or RuleForm(),
        may_decide=reader.right(Permission.PREPARE),
        refusal="" if can_add else text("rules.not_now"),
    )
    refreshes = _root(request) if view.is_moving else ""
    return Page(template="cleanup_rules.html", title=text("rules.title"), view=view, link=LINK, refreshes=refreshes)


def _one(dependencies: Dependencies, request: PageRequest, *, note: str = "") -> Page:
    reader = CleanupReader.of(dependencies, request)
    number, draft, rule = request.workspace_id, _draft(dependencies, request), request.numbers[RULE]
    stored = dependencies.cleanup_rules.get(number, draft.number, rule)
    listed = None
    if request.query.get("groups"):
        after = request.query.get("after", "")
        listed = dependencies.cleanup_rules.groups(number, draft.number, rule, after=after, limit=GROUPS)
    view = rule_view(draft, stored, listed, may_decide=reader.right(Permission.PREPARE), note=note)
    refreshes = view.line.href if view.is_moving else ""
    return Page(template="cleanup_rule.html", title=view.line.number, view=view, link=LINK, refreshes=refreshes)
