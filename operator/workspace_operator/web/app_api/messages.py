"""Endpoints that read messages back (sending §5.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from workspace_operator.application.ports import DeliveryRecord
from workspace_operator.errors import NotFound
from workspace_operator.http_server.responses import Response
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.web.app_api.app_routes import app_route
from workspace_operator.web.app_api.delivery_ids import stored_id, unknown_message
from workspace_operator.web.app_api.message_documents import archived_document, message_document
from workspace_operator.web.app_api.message_pages import LIST_PARAMETERS, PAGE_PARAMETERS, MessagePage, MessagePages
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.http import Request, id_type_of
from workspace_operator.web.core.router import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesAPI:
    """The endpoints; each reads only the workspace of the caller's key."""

    dependencies: Dependencies

    def list_messages(self, request: Request) -> Response:
        """``GET /v1/messages?…``: messages, newest first."""
        return self._page(request, self._pages(request).read(request.query))

    def messages_of_customer(self, request: Request) -> Response:
        """``GET /v1/customers/{ref}/messages?id_type&…``: the messages of one person."""
        kind, raw = id_type_of(request.query), request.path_params[0]
        workspace_id, people = request.caller.workspace_id, self.dependencies.people
        reference = reference_of_kind(raw, kind, people.rules(workspace_id).mode, field="customer_id")
        person = people.find(workspace_id, reference)
        if person is None:
            raise NotFound(f"no person has the {kind} {quoted(raw)}")
        return self._page(request, self._pages(request).read(request.query, cio_id=person.cio_id))

    def messages_of_template(self, request: Request, number: int) -> Response:
        """The messages of one template."""
        return self._page(request, self._pages(request).read(request.query, template=number))

    def message(self, request: Request) -> Response:
        """``GET /v1/messages/{id}``: one message."""
        workspace_id, key = request.caller.workspace_id, self.dependencies.sending.root_key
        mode = self.dependencies.people.rules(workspace_id).mode
        return Response(document={"message": message_document(self._record(request), workspace_id, mode, key)})

    def archived_message(self, request: Request) -> Response:
        """``GET /v1/messages/{id}/archived_message``: a message as it was handed over."""
        record = self._record(request)
        content = self.dependencies.sending.deliveries.archived(
            request.caller.workspace_id, record.delivery.delivery_id
        )
        return Response(document={"archived_message": archived_document(record, content)})

    def _pages(self, request: Request) -> MessagePages:
        sending = self.dependencies.sending
        return MessagePages(
            deliveries=sending.deliveries,
            key=sending.root_key,
            workspace_id=request.caller.workspace_id,
            now=self.dependencies.clock(),
        )

    def _page(self, request: Request, page: MessagePage) -> Response:
        workspace_id, key = request.caller.workspace_id, self.dependencies.sending.root_key
        mode = self.dependencies.people.rules(workspace_id).mode
        messages = [message_document(record, workspace_id, mode, key) for record in page.records]
        return Response(document={"messages": messages, "next": page.next})

    def _record(self, request: Request) -> DeliveryRecord:
        workspace_id, text = request.caller.workspace_id, request.path_params[0]
        delivery_id = stored_id(workspace_id, text, self.dependencies.sending.root_key)
        try:
            return self.dependencies.sending.deliveries.get(workspace_id, delivery_id)
        except NotFound:  # a deleted message is told like one that never was
            raise unknown_message(text) from None


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes that read messages."""
    api = MessagesAPI(dependencies=dependencies)
    return [
        app_route("GET", "/v1/messages", api.list_messages, query=LIST_PARAMETERS),
        app_route("GET", "/v1/messages/{message_id}", api.message),
        app_route("GET", "/v1/messages/{message_id}/archived_message", api.archived_message),
        app_route(
            "GET", "/v1/customers/{customer_id}/messages", api.messages_of_customer, query=(*PAGE_PARAMETERS, "id_type")
        ),
    ]
