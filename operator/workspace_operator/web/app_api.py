"""The App API, the part that reads people back (track-api.md §2): each answer is made in a worker thread."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from anyio import to_thread

from workspace_operator.application.exporting import common_attributes
from workspace_operator.application.ports import Export, ReferenceAsk
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.identity.emails import email_key
from workspace_operator.identity.references import reference_by_kind
from workspace_operator.identity.rules import CIO_ID, ID, Kind, Mode
from workspace_operator.identity.texts import shown, stripped
from workspace_operator.web import app_api_documents as documents
from workspace_operator.web import downloads
from workspace_operator.web.activity_pages import ACTIVITY_PARAMETERS, ActivityQuery, read_page
from workspace_operator.web.bodies import json_object
from workspace_operator.web.exchanges import Handler, Inquiry, Reply
from workspace_operator.web.routes import Authentication, ErrorForm, Route
from workspace_operator.web.services import Services

MAX_IDS: Final = 100
"""How many people one call reads back."""
MAX_RESULTS: Final = 100
"""How many people with one address a look-up names: only where email is no identifier there can be several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppAPI:
    """What answers; each reads what the caller's key reaches, and nothing else."""

    services: Services

    def customers_with_email(self, inquiry: Inquiry) -> Reply:
        """``GET /v1/customers?email=``: who has an address."""
        said = inquiry.query.get("email", "")
        key = email_key(stripped(said))
        if key is None:
            message = f"email must be a valid email address, not {shown(said)}: send one as ?email="
            raise InvalidInput(message, field="email")
        found = self.services.people.having_email(inquiry.caller.workspace_id, key, limit=MAX_RESULTS)
        return Reply(document={"results": [documents.result_document(each) for each in found]})

    def attributes(self, inquiry: Inquiry) -> Reply:
        """``GET /v1/customers/{ref}/attributes?id_type=``: one person."""
        kind = _kind(inquiry.query)
        customers = self._customers(inquiry, {"customer_id": inquiry.parts[0]}, kind)
        if not customers:
            raise NotFound(f"nobody has the {kind} {shown(inquiry.parts[0])}")
        return Reply(document={"customer": customers[0]})

    def attributes_of_many(self, inquiry: Inquiry) -> Reply:
        """``POST /v1/customers/attributes?id_type=``: those of up to 100 people who are there."""
        ids = json_object(inquiry.body).get("ids")
        if not isinstance(ids, list) or len(ids) > MAX_IDS:
            raise InvalidInput(f"ids must be a list of at most {MAX_IDS} identifiers", field="ids")
        named = {f"ids[{position}]": raw for position, raw in enumerate(ids)}
        return Reply(document={"customers": self._customers(inquiry, named, _kind(inquiry.query))})

    def activities(self, inquiry: Inquiry) -> Reply:
        """``GET /v1/activities?type&name&deleted&customer_id&id_type&start&limit``: what happened, newest first."""
        workspace_id = inquiry.caller.workspace_id
        mode = self.services.people.rules(workspace_id).mode
        cio_id = self._concerned(workspace_id, inquiry.query, mode)
        query = ActivityQuery.of(inquiry.query, cio_id=cio_id)
        page = read_page(self.services.belongings, workspace_id, query)
        found = [documents.activity_document(each, mode) for each in page.activities]
        return Reply(document={"activities": found, "next": page.next})

    def list_exports(self, inquiry: Inquiry) -> Reply:
        """``GET /v1/exports``: newest first; none is null, as the vendor has it."""
        exports = self.services.exports.exports(inquiry.caller.workspace_id)
        return Reply(document={"exports": [documents.export_document(each) for each in exports] or None})

    def export(self, inquiry: Inquiry) -> Reply:
        """``GET /v1/exports/{id}``."""
        return Reply(document={"export": documents.export_document(self._export(inquiry))})

    def download(self, inquiry: Inquiry) -> Reply:
        """``GET /v1/exports/{id}/download?with&for_excel``: a link to the CSV that works for a while without a key."""
        options = downloads.CSVOptions.of(inquiry.query)
        end = downloads.link(inquiry.caller, self._export(inquiry).number, options, now=self.services.clock())
        return Reply(document={"url": f"{inquiry.base_url}/v1/downloads/{end}"})

    def file(self, inquiry: Inquiry) -> Reply:
        """``GET /v1/downloads/{token}?with&for_excel``: the CSV behind such a link."""
        services, options = self.services, downloads.CSVOptions.of(inquiry.query)
        opened = downloads.opened(inquiry.parts[0], services.credentials, options, now=services.clock())
        attributes = options.attributes
        if attributes is None:
            attributes = common_attributes(services.exports, services.people, *opened)
        rows = services.exports.violations(*opened, attributes=attributes)
        return downloads.csv_reply(rows, f"export-{opened[1]}.csv", attributes, for_excel=options.for_excel)

    def list_workspaces(self, inquiry: Inquiry) -> Reply:
        """``GET /v1/workspaces``: the key's own, since a key reaches no other."""
        number = inquiry.caller.workspace_id
        document = documents.workspace_document(
            self.services.workspaces.get(number), self.services.people.count(number)
        )
        return Reply(document={"workspaces": [document]})

    def _customers(self, inquiry: Inquiry, named: Mapping[str, object], kind: Kind) -> list[dict[str, Any]]:
        """Whoever of those named is there, by what their identifiers are called in errors."""
        workspace_id = inquiry.caller.workspace_id
        mode = self.services.people.rules(workspace_id).mode
        asks = [_ask(raw, kind, field) for field, raw in named.items()]
        people = self.services.people.find_many(workspace_id, asks)
        devices = self.services.belongings.devices(workspace_id, [each.cio_id for each in people])
        return [documents.customer_document(each, devices.get(each.cio_id, ()), mode) for each in people]

    def _concerned(self, workspace_id: int, query: Mapping[str, str], mode: Mode) -> str | None:
        """The cio_id of whom the activities are asked for: None is everybody, the empty one is nobody's.

        A cio_id need not be anybody's any more: what was recorded of a deletion can be read.
        """
        kind = _kind(query)
        if "customer_id" not in query:
            return None
        reference = reference_by_kind(query["customer_id"], kind, mode, field="customer_id")
        if reference.kind is CIO_ID:
            return reference.key
        found = self.services.people.find(workspace_id, reference)
        return "" if found is None else found.cio_id

    def _export(self, inquiry: Inquiry) -> Export:
        for each in self.services.exports.exports(inquiry.caller.workspace_id):
            if str(each.number) == inquiry.parts[0]:
                return each
        raise NotFound(f"there is no export {shown(inquiry.parts[0])}: GET /v1/exports lists those there are")


def routes(services: Services) -> Sequence[Route]:
    """The routes of this part; what a link ends in is its own credentials."""
    api = AppAPI(services=services)
    of_file = downloads.PARAMETERS
    return [
        _route("GET", "/v1/customers", api.customers_with_email, query=("email",)),
        _route("POST", "/v1/customers/attributes", api.attributes_of_many, query=("id_type",)),
        _route("GET", "/v1/customers/{customer_id}/attributes", api.attributes, query=("id_type",)),
        _route("GET", "/v1/activities", api.activities, query=ACTIVITY_PARAMETERS),
        _route("GET", "/v1/exports", api.list_exports),
        _route("GET", "/v1/exports/{export_id}", api.export),
        _route("GET", "/v1/exports/{export_id}/download", api.download, query=of_file),
        _route("GET", "/v1/downloads/{token}", api.file, query=of_file, authentication=Authentication.NONE),
        _route("GET", "/v1/workspaces", api.list_workspaces),
    ]


def threaded(answer: Callable[[Inquiry], Reply]) -> Handler:
    """A handler that makes its answer in a worker thread, since use cases wait for the store."""

    async def handle(inquiry: Inquiry) -> Reply:
        return await to_thread.run_sync(answer, inquiry)

    return handle


def _route(
    method: str,
    pattern: str,
    answer: Callable[[Inquiry], Reply],
    *,
    query: Sequence[str] = (),
    authentication: Authentication = Authentication.APP,
) -> Route:
    """A route that knows these parameters of a query, and refuses others: a filter that is ignored answers wrongly."""

    def checked(inquiry: Inquiry) -> Reply:
        for name in inquiry.query:
            if name not in query:
                known = f"use one of {', '.join(query)}" if query else "this path takes none"
                raise InvalidInput(f"the query parameter {shown(name)} is unknown: {known}", field=name)
        return answer(inquiry)

    return Route(method, pattern, threaded(checked), authentication=authentication, error_form=ErrorForm.APP)


def _ask(raw: object, kind: Kind, field: str) -> ReferenceAsk:
    return lambda mode: reference_by_kind(raw, kind, mode, field=field)


def _kind(query: Mapping[str, str]) -> Kind:
    text = query.get("id_type", ID.value)
    try:
        return Kind(text)
    except ValueError:
        message = f"id_type {shown(text)} is unknown: use one of {', '.join(Kind)}"
        raise InvalidInput(message, field="id_type") from None
