"""docs/api.md says what the API does: routes, operations, limits, metrics, fields, flags."""

import json
import re
from datetime import UTC, datetime
from io import StringIO

import yaml

from tests.api.threaded_server import ThreadedServer
from tests.cli.command_tree import command_tree
from tests.docs.pages import names, rows, text_of
from workspace_operator.application.cleanups import rules
from workspace_operator.application.health import probes, write_monitor
from workspace_operator.application.imports import files
from workspace_operator.application.operator import credential_sync
from workspace_operator.application.people import search
from workspace_operator.application.people.command_batcher import BatcherLimits
from workspace_operator.application.sending import acceptance
from workspace_operator.http_server import protocol
from workspace_operator.http_server import server as http_server
from workspace_operator.http_server.access_log import AccessLog
from workspace_operator.http_server.access_records import AccessRecord
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.values import (
    attributes,
    devices,
    email_keys,
    json_limits,
    text_limits,
    tracked_events,
)
from workspace_operator.sending import addresses, headers
from workspace_operator.sending.requests import parts, send_requests
from workspace_operator.store.repositories.cleanups import rules as stored_rules
from workspace_operator.store.repositories.cleanups import undo_previews
from workspace_operator.web.app import all_routes
from workspace_operator.web.app_api import (
    activity_pages,
    downloads,
    endpoints,
    message_pages,
    send,
    template_metrics,
)
from workspace_operator.web.app_api.cleanups import bodies, cleanups, migrations, violation_pages
from workspace_operator.web.app_api.imports import imports
from workspace_operator.web.core import authentication, dispatcher, json_body
from workspace_operator.web.core.dependencies import ACCEPTANCE_LIMITS, TRACKING_LIMITS
from workspace_operator.web.core.limits import Limits
from workspace_operator.web.core.router import DEFAULT_BODY_LIMIT
from workspace_operator.web.track_api import responses, v1, v2

PAGE = "docs/api.md"
SERVED, WAITING = Limits(), BatcherLimits()

LIMITS = {
    "an id, an anonymous_id, the id of an event": f"{text_limits.MAX_ID_BYTES} bytes",
    "the name of an attribute": f"{text_limits.MAX_NAME_BYTES} bytes",
    "the value of an attribute, as JSON if it is not text": f"{text_limits.MAX_VALUE_BYTES} bytes",
    "attributes of a command, and of a person": attributes.MAX_ATTRIBUTES,
    "labels of an internationalized domain": (
        f"{email_keys.MAX_INTERNATIONAL_LABELS}, of at most {email_keys.MAX_LABEL_CHARACTERS} characters each as sent"
    ),
    "an address that identifies": f"{email_keys.MAX_EMAIL_CHARACTERS} characters",
    "the token and the platform of a device": f"{text_limits.MAX_VALUE_BYTES} bytes",
    "devices of a person": devices.MAX_DEVICES,
    "the name of an event": f"{tracked_events.MAX_EVENT_NAME_BYTES} bytes",
    "the data of an event, as JSON": f"{tracked_events.MAX_DATA_BYTES} bytes",
    "nesting of lists and objects in a value or an event's data": json_limits.MAX_DEPTH,
    "nesting of lists and objects in a body": json_body.MAX_DEPTH,
    "people per request about a segment": v1.MAX_IDS,
    "people per request of the App API": endpoints.MAX_IDS,
    "activities per page": activity_pages.MAX_PAGE,
    "activities that a request with `name` or `deleted=false` examines": activity_pages.MAX_EXAMINED,
    "people in a lookup by email": endpoints.MAX_RESULTS,
    "people per page of `/v1/people`": search.PAGE,
    "characters of `prefix` of `/v1/people`, at least": search.MIN_PREFIX,
    "identifier changes, cleanups, and imports, in a list": migrations.MAX_MIGRATIONS,
    "groups per page of those who block a change, and people per page of one group": violation_pages.MAX_PAGE,
    "people of each group in a page of groups": violation_pages.MAX_MEMBERS,
    "attributes in `with` of those who block a change": violation_pages.MAX_ATTRIBUTES,
    "decisions per request, and per page": bodies.MAX_DECISIONS,
    "rules of a cleanup": stored_rules.MAX_RULES,
    "attributes that a rule compares": rules.MAX_ATTRIBUTES,
    "decisions that a preview of an undo examines": undo_previews.MAX_EXAMINED,
    "entries of X-Refused-Changes, and of X-Ignored": responses.MAX_HEADER_ENTRIES,
    "a body of v1 or the App API": f"{DEFAULT_BODY_LIMIT} bytes",
    "a body about cleanups and retries": f"{bodies.BODY_LIMIT} bytes",
    "a file to import": f"{files.MAX_FILE_BYTES} bytes",
    "columns of a file to import": files.MAX_COLUMNS,
    "people at whom an import looks to say what its undo could do": imports.MAX_FORECAST,
    "files that a process takes in at once": imports.UPLOADS,
    "a body of `/v1/send/…`": f"{send.SEND_BODY_LIMIT} bytes",
    "a body of `/api/v2/entity`, and each operation of a batch": f"{v2.ENTITY_BYTES} bytes",
    "a body of `/api/v2/batch`": f"{v2.BATCH_BYTES} bytes",
    "addresses of a message, in `to`, `cc` and `bcc`": addresses.MAX_RECIPIENTS,
    "each body of a message, and its `message_data` as JSON": f"{send_requests.MAX_PART_BYTES} bytes",
    "`subject`, `preheader`, `from` and `reply_to` of a message": f"{send_requests.MAX_LINE_BYTES} bytes",
    "custom headers of a message": headers.MAX_HEADERS,
    "attachments of a message, decoded": f"{parts.MAX_ATTACHMENT_BYTES} bytes",
    "files of a message": parts.MAX_ATTACHMENTS,
    "how far ahead `send_at` can be": f"{send_requests.MAX_DELAY.days} days",
    "an idempotency key": f"{send_requests.MAX_KEY_CHARACTERS} characters",
    "messages per page": message_pages.MAX_PAGE,
    "messages of a template that a request for metrics counts": template_metrics.MAX_COUNTED,
    f"messages that a key sends per second to a process, after {SERVED.sends_at_once} at once": (
        f"{SERVED.sends_per_second:g}"
    ),
    "queued messages per process": ACCEPTANCE_LIMITS.max_queue,
    "time to answer a request to send": f"{acceptance.ANSWER_SECONDS:g} s",
    "opened messages and clicks that wait to be counted, per process": TRACKING_LIMITS.max_queue,
    "query parameters": dispatcher.MAX_QUERY_PARAMETERS,
    "operations per batch": v2.MAX_OPERATIONS,
    "bodies of unanswered requests that arrive in several chunks, per process": (f"{SERVED.body_budget} bytes"),
    "the path with its query": f"{SERVED.path} bytes",
    "all headers": f"{SERVED.headers} bytes",
    "number of headers": SERVED.header_count,
    "time until the headers have arrived": f"{SERVED.header_seconds:g} s",
    "time until the body has arrived": f"{SERVED.body_seconds:g} s",
    "time for a client to receive a chunk of the response": f"{SERVED.write_seconds:g} s",
    "time between two requests of a connection": f"{SERVED.idle_seconds:g} s",
    "time for a TLS handshake": f"{http_server.HANDSHAKE_SECONDS:g} s",
    "pipelined requests per connection": protocol.MAX_PIPELINED_REQUESTS,
    "connections per process": SERVED.connections,
    "queued commands per process": WAITING.max_queue,
    "time that a command is queued": f"{WAITING.queue_timeout:g} s",
    "time to carry out a command": f"{WAITING.write_timeout:g} s",
    "overhead of a chunked body: chunk sizes beyond 32 bytes each, extensions, trailers": (f"{SERVED.headers} bytes"),
    "different credentials that wait for a lookup, per process": authentication.MAX_PENDING_LOOKUPS,
    "time to look up credentials": f"{authentication.LOOKUP_TIMEOUT_SECONDS:g} s",
    "wrong keys per address and minute": SERVED.wrong_keys,
}


def with_commas(limit: object) -> str:
    """A limit as pages print it."""
    return re.sub(r"\d+", lambda found: f"{int(found[0]):,}", str(limit))


def test_every_route_is_listed_once() -> None:
    listed = [(method, names(path)[0]) for method, path, *_ in rows(PAGE, "method")]

    assert sorted(listed) == sorted((each.method, each.pattern) for each in all_routes(ThreadedServer().services()))


def test_every_operation_is_listed_with_what_it_must_have() -> None:
    listed = {names(action)[0]: tuple(names(required)) for action, required, _ in rows(PAGE, "action")}

    assert listed == {name: action.required for name, action in v2.OPERATIONS.items()}


def test_limits_are_those_of_the_code() -> None:
    listed = {what: limit for what, limit, _ in rows(PAGE, "what") if what in LIMITS}

    assert listed == {what: with_commas(limit) for what, limit in LIMITS.items()}
    assert [what for what, *_ in rows(PAGE, "what")] == list(LIMITS)


def test_times_in_the_text_are_those_of_the_code() -> None:
    text = text_of(PAGE)

    assert f"works for {downloads.LIFETIME.seconds // 60} minutes without a key" in text
    assert f"for up to {http_server.GRACE_SECONDS} seconds" in text
    assert f"up to {WAITING.max_part:,} in one transaction" in text
    assert f"400; the default is {activity_pages.DEFAULT_PAGE}" in text
    assert f"400; the default is {message_pages.DEFAULT_PAGE}" in text
    assert (bodies.MAX_DECISIONS, migrations.MAX_MIGRATIONS) == (cleanups.MAX_PAGE, cleanups.MAX_CLEANUPS)
    assert imports.MAX_IMPORTS == migrations.MAX_MIGRATIONS
    assert f"400; the default of a page is {cleanups.DEFAULT_PAGE}" in text
    assert f"messages of the last {message_pages.REACH.days} days" in text


def test_delay_of_wrong_keys_is_that_of_the_code() -> None:
    assert f"| delayed by {SERVED.wrong_key_seconds:g} s |" in text_of(PAGE)


def test_health_endpoint_is_that_of_the_code() -> None:
    listed = [names(path)[0] for path, _ in rows(PAGE, "path")]

    assert listed == ["/healthz", probes.READY_PATH, probes.METRICS_PATH]
    assert f"every {write_monitor.CHECK_INTERVAL_SECONDS:g} seconds" in text_of(PAGE)


def test_every_field_of_the_log_is_listed() -> None:
    written = StringIO()
    served = AccessRecord(
        request_id="1", method="GET", route="", status=200, seconds=0, workspace_id=0, received=0, sent=0
    )

    AccessLog(stream=written, clock=lambda: datetime.now(UTC))(served)

    assert [name for cell, _ in rows(PAGE, "field") for name in names(cell)] == list(json.loads(written.getvalue()))


def test_every_type_of_activity_and_reason_is_named() -> None:
    named = set(names(text_of(PAGE)))

    assert named >= {*ActivityType, *v2.ERROR_REASONS}


def test_every_flag_of_the_server_is_named() -> None:
    flags = {
        flag for each in command_tree().commands["run"].commands["api"].params for flag in each.opts if "--" in flag
    }

    unnamed = {flag for flag in flags - {"--database", "--verbose"} if flag not in text_of(PAGE)}

    assert unnamed == set()


def test_secret_is_taken_by_its_keys() -> None:
    (block,) = re.findall(r"```yaml\n(env:.*?)```", text_of("docs/operating.md"), re.DOTALL)
    taken = [each["valueFrom"]["secretKeyRef"]["key"] for each in yaml.safe_load(block)["env"]]

    assert taken == [credential_sync.SITE_ID, credential_sync.API_KEY]
    assert f"{{.data.{credential_sync.SITE_ID}}}" in text_of(PAGE)
    assert f"`{credential_sync.API_KEY}` and `{credential_sync.APP_KEY}`" in text_of("docs/resource.md")
