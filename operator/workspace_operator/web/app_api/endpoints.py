"""The endpoints of the App API (track-api.md §2); each runs in a worker thread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from workspace_operator.application.audit.entries import download_entry
from workspace_operator.application.people.csv_export import common_attributes
from workspace_operator.application.ports import Actor, Export
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.http_server.responses import Response
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import CIO_ID, IdentifierKind, Mode
from workspace_operator.identity.values.text_limits import MAX_ID_BYTES, check_text, quoted, stripped
from workspace_operator.web.app_api import documents, downloads
from workspace_operator.web.app_api.activity_pages import ACTIVITY_PARAMETERS, ActivityQuery, read_page
from workspace_operator.web.app_api.app_routes import app_route
from workspace_operator.web.app_api.delivery_ids import wire_id
from workspace_operator.web.app_api.message_pages import number_of
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.http import Request, id_type_of
from workspace_operator.web.core.json_body import json_object
from workspace_operator.web.core.router import Authentication, Route
from workspace_operator.workspaces.usage import month_of

MAX_IDS: Final = 100
"""Maximum number of people that a request reads."""
MAX_RESULTS: Final = 100
"""Maximum number of people in a lookup by email, if email is not an identifier."""
MAX_AUDIT_PAGE: Final = 100
"""Maximum number, and the default, of entries of the audit log in a response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppAPI:
    """The endpoints; each reads only the workspace of the caller's key."""

    dependencies: Dependencies

    def customers_with_email(self, request: Request) -> Response:
        """``GET /v1/customers?email=``: the people with an address."""
        address = request.query.get("email", "")
        key = email_key(stripped(address))
        if key is None:
            message = f"email must be a valid email address, not {quoted(address)}: send one as ?email="
            raise InvalidInput(message, field="email")
        found = self.dependencies.people.find_by_email(request.caller.workspace_id, key, limit=MAX_RESULTS)
        return Response(document={"results": [documents.result_document(person) for person in found]})

    def attributes(self, request: Request) -> Response:
        """``GET /v1/customers/{ref}/attributes?id_type=``: one person."""
        kind = id_type_of(request.query)
        customers = self._customers(request, {"customer_id": request.path_params[0]}, kind)
        if not customers:
            raise NotFound(f"no person has the {kind} {quoted(request.path_params[0])}")
        return Response(document={"customer": customers[0]})

    def attributes_of_many(self, request: Request) -> Response:
        """``POST /v1/customers/attributes?id_type=``: the existing ones of up to 100 people."""
        ids = json_object(request.body).get("ids")
        if not isinstance(ids, list) or len(ids) > MAX_IDS:
            raise InvalidInput(f"ids must be a list of at most {MAX_IDS} identifiers", field="ids")
        raws = {f"ids[{position}]": raw for position, raw in enumerate(ids)}
        return Response(document={"customers": self._customers(request, raws, id_type_of(request.query))})

    def activities(self, request: Request) -> Response:
        """``GET /v1/activities?type&name&deleted&customer_id&id_type&start&limit``: activities, newest first."""
        workspace_id = request.caller.workspace_id
        mode = self.dependencies.people.rules(workspace_id).mode
        cio_id = self._cio_id_filter(workspace_id, request.query, mode)
        query = ActivityQuery.from_query(request.query, cio_id=cio_id)
        page = read_page(self.dependencies.person_records, workspace_id, query)
        message_id = partial(self._message_id, workspace_id)
        found = [documents.activity_document(activity, mode, message_id) for activity in page.activities]
        return Response(document={"activities": found, "next": page.next})

    def list_exports(self, request: Request) -> Response:
        """``GET /v1/exports``: exports, newest first; null if none, as the vendor does."""
        exports = self.dependencies.exports.exports(request.caller.workspace_id)
        return Response(document={"exports": [documents.export_document(export) for export in exports] or None})

    def export(self, request: Request) -> Response:
        """``GET /v1/exports/{id}``: one export."""
        return Response(document={"export": documents.export_document(self._requested_export(request))})

    def download(self, request: Request) -> Response:
        """``GET /v1/exports/{id}/download?with&for_excel``: a temporary link to the CSV."""
        options = downloads.CSVOptions.from_query(request.query)
        signed = downloads.sign(
            request.caller, self._requested_export(request).number, options, now=self.dependencies.clock()
        )
        return Response(document={"url": f"{request.base_url}/v1/downloads/{signed}"})

    def file(self, request: Request) -> Response:
        """``GET /v1/downloads/{token}?with&for_excel``: the CSV of a link."""
        dependencies, options = self.dependencies, downloads.CSVOptions.from_query(request.query)
        now = dependencies.clock()
        link = downloads.verify(request.path_params[0], dependencies.credentials, options, now=now)
        export = self._export(link.workspace_id, str(link.export))
        if (attributes := options.attributes) is None:
            attributes = common_attributes(dependencies.exports, dependencies.people, link.workspace_id, link.export)
        rows = dependencies.exports.violations(link.workspace_id, link.export, attributes=attributes)
        if request.method != "HEAD":
            actor = Actor.app_key(link.credentials)
            dependencies.audit_log.record(download_entry(link.workspace_id, export, actor=actor, at=now))
        return downloads.csv_response(rows, f"export-{link.export}.csv", attributes, for_excel=options.for_excel)

    def audit(self, request: Request) -> Response:
        """``GET /v1/audit?after&limit``: the audit log, newest first."""
        limit = _audit_limit(request.query)
        check_text(after := request.query.get("after", ""), field="after", limit=MAX_ID_BYTES)
        entries = self.dependencies.audit_log.entries(
            request.caller.workspace_id, before=after or None, limit=limit + 1
        )
        page = entries[:limit]
        following = page[-1].entry_id if len(entries) > limit else ""
        return Response(document={"entries": [documents.audit_document(entry) for entry in page], "next": following})

    def list_workspaces(self, request: Request) -> Response:
        """``GET /v1/workspaces``: the workspace of the key."""
        number, dependencies = request.caller.workspace_id, self.dependencies
        workspace, people = dependencies.workspaces.get(number), dependencies.people.count(number)
        sent = dependencies.sending.counters.messages_sent([number], month_of(dependencies.clock()))
        return Response(document={"workspaces": [documents.workspace_document(workspace, people, sent[number])]})

    def _customers(self, request: Request, raws: Mapping[str, object], kind: IdentifierKind) -> list[dict[str, Any]]:
        """Read the existing people; the keys of ``raws`` name the identifiers in errors."""
        workspace_id = request.caller.workspace_id
        mode = self.dependencies.people.rules(workspace_id).mode
        references = [reference_of_kind(raw, kind, field=field) for field, raw in raws.items()]
        people = self.dependencies.people.find_many(workspace_id, references)
        devices = self.dependencies.person_records.devices(workspace_id, [person.cio_id for person in people])
        return [documents.customer_document(person, devices.get(person.cio_id, ()), mode) for person in people]

    def _message_id(self, workspace_id: int, delivery_id: str) -> str | None:
        """The id of a delivery on the wire; None on a server without the root key."""
        key = self.dependencies.sending.stored_key
        return None if key is None else wire_id(workspace_id, delivery_id, key)

    def _cio_id_filter(self, workspace_id: int, query: Mapping[str, str], mode: Mode) -> str | None:
        """The cio_id to filter activities by: None for all people, empty for an unknown person.

        A cio_id is used without a lookup, so the activities of a deleted person can be read.
        """
        kind = id_type_of(query)
        if "customer_id" not in query:
            return None
        reference = reference_of_kind(query["customer_id"], kind, mode, field="customer_id")
        if reference.kind is CIO_ID:
            return reference.key
        found = self.dependencies.people.find(workspace_id, reference)
        return "" if found is None else found.cio_id

    def _requested_export(self, request: Request) -> Export:
        return self._export(request.caller.workspace_id, request.path_params[0])

    def _export(self, workspace_id: int, number: str) -> Export:
        for export in self.dependencies.exports.exports(workspace_id):
            if str(export.number) == number:
                return export
        raise NotFound(f"there is no export {quoted(number)}: GET /v1/exports lists all exports")


def _audit_limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(MAX_AUDIT_PAGE))
    limit = number_of(text)
    if limit is None or not 1 <= limit <= MAX_AUDIT_PAGE:
        raise InvalidInput(f"limit {quoted(text)} must be a number from 1 to {MAX_AUDIT_PAGE}", field="limit")
    return limit


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of the App API; the token of a download link replaces the key."""
    api = AppAPI(dependencies=dependencies)
    file_parameters = downloads.PARAMETERS
    return [
        app_route("GET", "/v1/customers", api.customers_with_email, query=("email",)),
        app_route("POST", "/v1/customers/attributes", api.attributes_of_many, query=("id_type",)),
        app_route("GET", "/v1/customers/{customer_id}/attributes", api.attributes, query=("id_type",)),
        app_route("GET", "/v1/activities", api.activities, query=ACTIVITY_PARAMETERS),
        app_route("GET", "/v1/exports", api.list_exports),
        app_route("GET", "/v1/exports/{export_id}", api.export),
        app_route("GET", "/v1/exports/{export_id}/download", api.download, query=file_parameters),
        app_route("GET", "/v1/downloads/{token}", api.file, query=file_parameters, authentication=Authentication.NONE),
        app_route("GET", "/v1/audit", api.audit, query=("after", "limit")),
        app_route("GET", "/v1/workspaces", api.list_workspaces),
    ]
