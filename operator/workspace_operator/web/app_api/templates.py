"""Endpoints of templates, the vendor's transactional messages (sending §5.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from workspace_operator.application.ports import DEFAULT_LANGUAGE, Template
from workspace_operator.application.sending.template_edits import edit_content
from workspace_operator.errors import NotFound
from workspace_operator.http_server.responses import Response
from workspace_operator.identity.values.text_limits import check_text, quoted
from workspace_operator.web.app_api.app_routes import app_route
from workspace_operator.web.app_api.message_documents import (
    DEFAULT_CONTENT,
    content_document,
    content_documents,
    template_document,
)
from workspace_operator.web.app_api.message_pages import PAGE_PARAMETERS
from workspace_operator.web.app_api.messages import MessagesAPI
from workspace_operator.web.app_api.template_metrics import METRIC_PARAMETERS, MetricSteps, metrics_document
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.http import Request
from workspace_operator.web.core.json_body import json_object
from workspace_operator.web.core.router import Route

MAX_REFERENCE_BYTES = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatesAPI:
    """The endpoints; the first segment of a path names a template by number or trigger name."""

    dependencies: Dependencies

    def list_templates(self, request: Request) -> Response:
        """``GET /v1/transactional``: all templates."""
        found = self.dependencies.sending.templates.list(request.caller.workspace_id)
        return Response(document={"messages": [template_document(template) for template in found]})

    def template(self, request: Request) -> Response:
        """``GET /v1/transactional/{id}``: one template."""
        return Response(document={"message": template_document(self._template(request))})

    def contents(self, request: Request) -> Response:
        """``GET /v1/transactional/{id}/contents``: the contents of a template in all languages."""
        return Response(document={"contents": content_documents(self._template(request))})

    def update_content(self, request: Request) -> Response:
        """``PUT /v1/transactional/{id}/content/{content id}``: a new version with one content changed."""
        template, sending = self._template(request), self.dependencies.sending
        language = _language(template, request.path_params[1])
        stored = edit_content(
            sending.templates,
            sending.template_parser,
            request.caller.workspace_id,
            template,
            language,
            json_object(request.body),
            now=self.dependencies.clock(),
        )
        return Response(document={"content": content_document(stored, language)})

    def messages(self, request: Request) -> Response:
        """``GET /v1/transactional/{id}/messages?…``: the messages of a template."""
        messages = MessagesAPI(dependencies=self.dependencies)
        return messages.messages_of_template(request, self._template(request).number)

    def metrics(self, request: Request) -> Response:
        """``GET /v1/transactional/{id}/metrics?period&steps``: numbers of messages by metric and time."""
        steps = MetricSteps.from_query(request.query, now=self.dependencies.clock())
        workspace_id, number = request.caller.workspace_id, self._template(request).number
        return Response(document=metrics_document(self.dependencies.sending.deliveries, workspace_id, number, steps))

    def _template(self, request: Request) -> Template:
        text = request.path_params[0]
        check_text(text, field="transactional_id", limit=MAX_REFERENCE_BYTES)
        template = self.dependencies.sending.templates.find(request.caller.workspace_id, text)
        if template is None:
            raise NotFound(f"there is no template {quoted(text)}: GET /v1/transactional lists the templates")
        return template


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of templates."""
    api, template = TemplatesAPI(dependencies=dependencies), "/v1/transactional/{transactional_id}"
    return [
        app_route("GET", "/v1/transactional", api.list_templates),
        app_route("GET", template, api.template),
        app_route("GET", f"{template}/contents", api.contents),
        app_route("PUT", f"{template}/content/{{content_id}}", api.update_content),
        app_route("GET", f"{template}/messages", api.messages, query=PAGE_PARAMETERS),
        app_route("GET", f"{template}/metrics", api.metrics, query=METRIC_PARAMETERS),
    ]


def _language(template: Template, content_id: str) -> str:
    """The language of a content. Raises NotFound."""
    language = DEFAULT_LANGUAGE if content_id == DEFAULT_CONTENT else content_id
    if language not in template.draft.contents:
        raise NotFound(f"the template {template.number} has no content {quoted(content_id)}: GET …/contents lists them")
    return language
