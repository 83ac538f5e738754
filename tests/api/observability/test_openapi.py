"""The document at /openapi.json says what the server does: the same routes, keys, limits and names."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import anyio
import httpx
import pytest
import schemathesis

from tests.api.threaded_server import ThreadedServer
from workspace_operator.application.cleanups import rules
from workspace_operator.application.imports.files import MAX_COLUMNS
from workspace_operator.application.people import search
from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.evaluation import OpenReason
from workspace_operator.cleanups.model import CleanupState, Outcome
from workspace_operator.cleanups.rules import RuleAction, RuleState
from workspace_operator.cleanups.undo import UndoReason
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.values.attributes import MAX_ATTRIBUTES
from workspace_operator.identity.values.email_keys import MAX_EMAIL_CHARACTERS
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.identity.values.text_limits import MAX_ID_BYTES, MAX_NAME_BYTES, MAX_VALUE_BYTES
from workspace_operator.identity.values.timestamps import time_of
from workspace_operator.identity.values.tracked_events import MAX_EVENT_NAME_BYTES, TrackedEventType
from workspace_operator.imports.model import ImportState
from workspace_operator.migrations.model import Violation
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.sending.deliveries import Channel, Metric
from workspace_operator.sending.requests import parts, send_requests
from workspace_operator.store.repositories.cleanups.undo_previews import MAX_EXAMINED
from workspace_operator.web.app import all_routes, make_app
from workspace_operator.web.app_api import activity_pages, endpoints, message_pages, suppressions
from workspace_operator.web.app_api.cleanups import bodies
from workspace_operator.web.core.router import Authentication, Route
from workspace_operator.web.openapi import document
from workspace_operator.web.track_api import v1, v2

METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}
SECURITY: Mapping[Authentication, list[dict[str, list[str]]]] = {
    Authentication.NONE: [],
    Authentication.TRACK: [{"trackKey": []}],
    Authentication.APP: [{"appKey": []}],
}
DOCUMENT = document()
SCHEMAS = DOCUMENT["components"]["schemas"]


def operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Method, path and description of everything that is described."""
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS & set(item):
            yield method.upper(), path, item[method]


def routes() -> Sequence[Route]:
    return all_routes(ThreadedServer().services())


def described(route: Route) -> Mapping[str, Any]:
    operation: Mapping[str, Any] = DOCUMENT["paths"][route.pattern][route.method.lower()]
    return operation


def test_every_route_is_described_and_nothing_else() -> None:
    assert sorted((method, path) for method, path, _ in operations()) == sorted(
        (route.method, route.pattern) for route in routes()
    )


def test_routes_ask_for_the_keys_that_are_described() -> None:
    told = {route.pattern: described(route)["security"] for route in routes()}

    assert told == {route.pattern: SECURITY[route.authentication] for route in routes()}


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]

    assert len(set(names)) == len(names)


def test_errors_are_described_wherever_there_is_a_key() -> None:
    errors = {"400", "401", "408", "413", "415", "503"}
    described_errors = [errors - set(described(each)["responses"]) for each in routes() if described(each)["security"]]

    assert described_errors == [set()] * len(described_errors)


def test_document_is_valid_openapi() -> None:
    schema = schemathesis.openapi.from_dict(DOCUMENT)

    schema.validate()

    assert DOCUMENT["openapi"] == "3.1.0"


def test_server_serves_the_document() -> None:
    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app=make_app(ThreadedServer().services()))
        async with httpx.AsyncClient(transport=transport, base_url="http://people") as client:
            return await client.get("/openapi.json")

    response = anyio.run(get)

    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.json() == DOCUMENT


def ids_schema(content: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = content["application/json"]["schema"]["properties"]["ids"]
    return schema


PARAMETERS, BODIES, PATHS = (
    DOCUMENT["components"]["parameters"],
    DOCUMENT["components"]["requestBodies"],
    DOCUMENT["paths"],
)
EMAIL = SCHEMAS["Email"]["properties"]
FOUND = PATHS["/v1/people"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
LIMIT = PATHS["/v1/activities"]["get"]["parameters"][-1]["schema"]

# What the document says, and what the code says.
LIMITS: Mapping[str, tuple[object, object]] = {
    "id": (SCHEMAS["IdentifierText"]["maxLength"], MAX_ID_BYTES),
    "email": (SCHEMAS["Identifiers"]["properties"]["email"]["maxLength"], MAX_EMAIL_CHARACTERS),
    "attribute": (SCHEMAS["AttributeValue"]["anyOf"][0]["maxLength"], MAX_VALUE_BYTES),
    "device": (SCHEMAS["DeviceText"]["maxLength"], MAX_VALUE_BYTES),
    "attributes": (SCHEMAS["Attributes"]["maxProperties"], MAX_ATTRIBUTES),
    "attribute name": (SCHEMAS["Attributes"]["propertyNames"]["maxLength"], MAX_NAME_BYTES),
    "event name": (SCHEMAS["EventName"]["maxLength"], MAX_EVENT_NAME_BYTES),
    "event type": (SCHEMAS["Event"]["properties"]["type"]["enum"], [*(each.value for each in TrackedEventType), None]),
    "activity type": (SCHEMAS["ActivityType"]["enum"], [each.value for each in ActivityType]),
    "id type": (PARAMETERS["IDType"]["schema"]["enum"], [each.value for each in IdentifierKind]),
    "ids of a segment": (ids_schema(BODIES["SegmentIDs"]["content"])["maxItems"], v1.MAX_IDS),
    "ids read": (
        ids_schema(PATHS["/v1/customers/attributes"]["post"]["requestBody"]["content"])["maxItems"],
        endpoints.MAX_IDS,
    ),
    "people found": (FOUND["people"]["maxItems"], search.PAGE),
    "beginning of an identifier": (
        PATHS["/v1/people"]["get"]["parameters"][2]["schema"]["minLength"],
        search.MIN_PREFIX,
    ),
    "decisions": (
        PATHS["/v1/cleanups/{cleanup_number}/decisions"]["put"]["requestBody"]["content"]["application/json"]["schema"][
            "properties"
        ]["decisions"]["maxItems"],
        bodies.MAX_DECISIONS,
    ),
    "people whose decisions are removed": (SCHEMAS["CioIDs"]["maxItems"], bodies.MAX_DECISIONS),
    "actions": (SCHEMAS["DecisionAction"]["enum"], [each.value for each in DecisionKind]),
    "violations": (SCHEMAS["Violation"]["enum"], [each.value for each in Violation]),
    "reasons": (SCHEMAS["OpenReasons"]["items"]["enum"], [each.value for each in OpenReason]),
    "states of a cleanup": (
        SCHEMAS["Cleanup"]["properties"]["state"]["enum"],
        [each.value for each in CleanupState],
    ),
    "actions of rules": (SCHEMAS["RuleAction"]["enum"], [each.value for each in RuleAction]),
    "states of a rule": (SCHEMAS["StoredRule"]["properties"]["state"]["enum"], [each.value for each in RuleState]),
    "people of a group": (SCHEMAS["Rule"]["properties"]["max_people"]["maximum"], rules.MAX_PEOPLE),
    "attributes of a rule": (SCHEMAS["Rule"]["properties"]["equal_attributes"]["maxItems"], rules.MAX_ATTRIBUTES),
    "suffix": (SCHEMAS["Rule"]["properties"]["suffix"]["maxLength"], MAX_EMAIL_CHARACTERS),
    "time of calls": (SCHEMAS["Rule"]["properties"]["not_called_since"]["maximum"], rules.MAX_TIME),
    "parts of a rule": (tuple(SCHEMAS["Rule"]["properties"]), rules.PARTS),
    "decisions of a preview": (SCHEMAS["UndoPreview"]["properties"]["examined"]["maximum"], MAX_EXAMINED),
    "reasons against an undo": (
        SCHEMAS["UndoPreview"]["properties"]["reasons"]["propertyNames"]["enum"],
        [each.value for each in UndoReason],
    ),
    "states of an import": (SCHEMAS["Import"]["properties"]["state"]["enum"], [each.value for each in ImportState]),
    "columns of an import": (
        PATHS["/v1/imports/{import_number}/mapping"]["post"]["requestBody"]["content"]["application/json"]["schema"][
            "properties"
        ]["columns"]["maxItems"],
        MAX_COLUMNS,
    ),
    "outcomes": (
        SCHEMAS["StoredDecision"]["properties"]["outcome"]["enum"],
        [*(each.value for each in Outcome), None],
    ),
    "stages": (
        sorted(SCHEMAS["Migration"]["properties"]["stage"]["enum"]),
        sorted(each.value for each in Stage),
    ),
    "addresses of suppressions": (PARAMETERS["SuppressionType"]["schema"]["enum"], list(suppressions.KINDS)),
    "attachments": (EMAIL["attachments"]["anyOf"][0]["maxProperties"], parts.MAX_ATTACHMENTS),
    "idempotency key": (EMAIL["idempotency_key"]["maxLength"], send_requests.MAX_KEY_CHARACTERS),
    "body of a message": (SCHEMAS["MessageText"]["maxLength"], send_requests.MAX_PART_BYTES),
    "message metric": (
        sorted(PARAMETERS["MessageMetric"]["schema"]["enum"]),
        sorted({*(each.value for each in Metric), *message_pages.OTHER_METRICS}),
    ),
    "message type": (
        sorted(PARAMETERS["MessageType"]["schema"]["enum"]),
        sorted({*(each.value for each in Channel), *message_pages.OTHER_TYPES}),
    ),
    "largest page of messages": (PARAMETERS["PageLimit"]["schema"]["maximum"], message_pages.MAX_PAGE),
    "usual page of messages": (PARAMETERS["PageLimit"]["schema"]["default"], message_pages.DEFAULT_PAGE),
    "largest page": (LIMIT["maximum"], activity_pages.MAX_PAGE),
    "usual page": (LIMIT["default"], activity_pages.DEFAULT_PAGE),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_are_those_of_the_code(name: str) -> None:
    told, limit = LIMITS[name]

    assert told == limit


@pytest.mark.parametrize("form", SCHEMAS["Time"]["anyOf"][:3])
def test_numbers_that_are_times_are_those_of_the_code(form: Mapping[str, Any]) -> None:
    least = form["minimum"]
    most = form.get("maximum", form.get("exclusiveMaximum", 0) - 1)

    assert (time_of(least) is None, time_of(most) is None) == (False, False)
    assert (time_of(least - 1), time_of(most + 1)) == (None, None)


def test_actions_are_those_of_the_code() -> None:
    kinds = [SCHEMAS[each["$ref"].rpartition("/")[2]] for each in SCHEMAS["Operation"]["anyOf"]]
    actions = [kind["properties"]["action"] for kind in kinds]

    assert {name for each in actions for name in each.get("enum", [each.get("const")])} == set(v2.OPERATIONS)
