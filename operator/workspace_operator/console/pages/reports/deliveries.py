"""The deliveries of a workspace, one of them with its attempts, and its HTML for a frame."""

from collections.abc import Sequence

from workspace_operator.access.permissions import Permission
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import ForeignPage, Page, PageRequest
from workspace_operator.console.core.routes import Route
from workspace_operator.console.security.headers import FRAMING_CONTENT_POLICY
from workspace_operator.console.texts import text
from workspace_operator.console.views.reports.deliveries import (
    MAX_TEMPLATES,
    DeliveryAddress,
    deliveries_view,
    delivery_id_of,
)
from workspace_operator.console.views.reports.delivery import body_of, delivery_view
from workspace_operator.errors import NotFound


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""
    deliveries, templates = dependencies.deliveries, dependencies.templates

    def show(request: PageRequest) -> Page:
        number = request.workspace_id
        address = DeliveryAddress.parse(number, request.query)
        records = deliveries.list(number, address.query)
        view = deliveries_view(address, records, templates.names(number, limit=MAX_TEMPLATES))
        return Page(template="deliveries.html", title=text("deliveries.title"), view=view, link="deliveries")

    def show_one(request: PageRequest) -> Page:
        number, delivery_id = request.workspace_id, delivery_id_of(request.query)
        view = delivery_view(
            number,
            deliveries.get(number, delivery_id),
            deliveries.attempts(number, delivery_id),
            deliveries.archived(number, delivery_id),
            templates.names(number, limit=MAX_TEMPLATES),
        )
        headers = {"content-security-policy": FRAMING_CONTENT_POLICY}
        return Page(template="delivery.html", title=view.subject, view=view, link="deliveries", headers=headers)

    def show_body(request: PageRequest) -> ForeignPage:
        body = body_of(deliveries.archived(request.workspace_id, delivery_id_of(request.query)))
        if not body:
            raise NotFound("the message has no HTML that is kept")
        return ForeignPage(html=body)

    view, root = Permission.VIEW, "/w/{workspace}/deliveries"
    return (
        Route(method="GET", pattern=root, access=view, handler=show, is_costly=True),
        Route(method="GET", pattern=f"{root}/message", access=view, handler=show_one),
        Route(method="GET", pattern=f"{root}/body", access=view, handler=show_body),
    )
