"""Track API v1: one command per request, with the reference in the path (track-api.md §1)."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from anyio import to_thread

from workspace_operator.errors import InvalidInput
from workspace_operator.http_server.response_sender import EMPTY_OK
from workspace_operator.http_server.responses import Response
from workspace_operator.identity.model.commands import (
    AddDevice,
    Command,
    DeleteDevice,
    DeletePerson,
    SetMembership,
    Suppress,
    TrackAnonymousEvent,
    TrackEvent,
    Unsuppress,
    identify_from_request,
)
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError, Effect
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.devices import device_of, device_token_of
from workspace_operator.identity.values.references import Reference, parse_reference, reference_of_kind
from workspace_operator.identity.values.rules import ID, IdentifierKind
from workspace_operator.identity.values.segments import MAX_SEGMENT
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.identity.values.tracked_events import anonymous_id_of, tracked_event_of
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.http import Handler, Request, id_type_of
from workspace_operator.web.core.json_body import json_object
from workspace_operator.web.core.router import Authentication, ErrorFormat, Route
from workspace_operator.web.track_api.body_references import get_object, merge_command
from workspace_operator.web.track_api.responses import INVALID, ignored_entries, response_for, result_headers

MAX_IDS: Final = 1000
"""Maximum number of people in a request about a segment."""

_MAX_DIGITS: Final = len(str(MAX_SEGMENT))

_EMPTY_BODIES: Final = frozenset({b"", b"null"})
"""Bodies without attributes, which some clients send."""

MakeCommand: TypeAlias = Callable[[Request], Command]
"""Makes the command of a request. Raises InvalidInput."""

ParseReference: TypeAlias = Callable[[str], Reference]
"""Parses the reference in a path: `parse_reference` or `_id_reference`. Raises InvalidInput."""

MakePersonCommand: TypeAlias = Callable[[Request, ParseReference], Command]
"""Makes the command of a request about the person in its path. Raises InvalidInput."""


def identify(request: Request, parse: ParseReference) -> Command:
    """Create or update a person."""
    body: dict[str, Any] = {} if request.body in _EMPTY_BODIES else json_object(request.body)
    return identify_from_request(parse(request.path_params[0]), body)


def person_command(command_type: Callable[..., Command]) -> MakePersonCommand:
    """A function for a command that has only a reference; the body is ignored."""
    return lambda request, parse: command_type(reference=parse(request.path_params[0]))


def add_device(request: Request, parse: ParseReference) -> Command:
    """Add or update a device of a person."""
    device = device_of(get_object(json_object(request.body), "device"))
    return AddDevice(reference=parse(request.path_params[0]), device=device)


def delete_device(request: Request, parse: ParseReference) -> Command:
    """Remove a device from a person."""
    token = device_token_of(request.path_params[1], field="token")
    return DeleteDevice(reference=parse(request.path_params[0]), token=token)


def event(request: Request, parse: ParseReference) -> Command:
    """Record an event of a person."""
    tracked_event = tracked_event_of(json_object(request.body))
    return TrackEvent(reference=parse(request.path_params[0]), event=tracked_event)


def anonymous_event(request: Request) -> Command:
    """Record an event of an anonymous person."""
    body = json_object(request.body)
    anonymous_id = anonymous_id_of(body.get("anonymous_id"), field="anonymous_id")
    return TrackAnonymousEvent(event=tracked_event_of(body), anonymous_id=anonymous_id)


def merge(request: Request) -> Command:
    """Merge two people."""
    return merge_command(json_object(request.body))


def membership_commands(request: Request, *, member: bool) -> Sequence[Command | None]:
    """One command for each identifier in a request about a segment; None if the identifier is not valid.

    Raises InvalidInput if the segment, the kind of identifiers or the list is not valid.
    """
    number, kind = _segment(request.path_params[0]), id_type_of(request.query)
    ids = json_object(request.body).get("ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= MAX_IDS:
        raise InvalidInput(f"ids must be a list of 1 to {MAX_IDS} identifiers", field="ids")

    references = (_reference_or_none(raw, kind) for raw in ids)
    return [
        None if reference is None else SetMembership(reference=reference, segment=number, member=member)
        for reference in references
    ]


def _reference_or_none(raw: object, kind: IdentifierKind) -> Reference | None:
    try:
        return reference_of_kind(raw, kind, field="ids")
    except InvalidInput:
        return None


def _id_reference(raw: str) -> Reference:
    return reference_of_kind(raw, ID, field="reference")


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of the table in track-api.md §1."""
    command_route, person_route = partial(_command_handler, dependencies), partial(_person_handler, dependencies)
    segment = partial(_segment_handler, dependencies)
    person = "/api/v1/customers/{ref}"
    return [
        _route("GET", "/api/v1/accounts/region", region),
        _route("PUT", person, person_route("identify", identify)),
        _route("DELETE", person, person_route("delete", person_command(DeletePerson))),
        _route("POST", f"{person}/suppress", person_route("suppress", person_command(Suppress))),
        _route("POST", f"{person}/unsuppress", person_route("unsuppress", person_command(Unsuppress))),
        _route("PUT", f"{person}/devices", person_route("add_device", add_device)),
        _route("DELETE", f"{person}/devices/{{token}}", person_route("delete_device", delete_device)),
        _route("POST", f"{person}/events", person_route("event", event)),
        _route("POST", "/api/v1/events", command_route("anonymous_event", anonymous_event)),
        _route("POST", "/api/v1/merge_customers", command_route("merge", merge), error_format=ErrorFormat.V1_MERGE),
        _route("POST", "/api/v1/segments/{segment}/add_customers", segment(member=True)),
        _route("POST", "/api/v1/segments/{segment}/remove_customers", segment(member=False)),
    ]


def _command_handler(dependencies: Dependencies, kind: str, make_command: MakeCommand) -> Handler:
    async def handle(request: Request) -> Response:
        command = await dependencies.parser.run(request, make_command, request)
        (result,) = await dependencies.execute(request.caller.workspace_id, [(kind, command)])
        return response_for(result)

    return handle


def _person_handler(dependencies: Dependencies, kind: str, make_command: MakePersonCommand) -> Handler:
    """Make a handler; an unknown cio_id is tried as an id, because old ids can have that form."""

    async def handle(request: Request) -> Response:
        workspace_id = request.caller.workspace_id
        command = await dependencies.parser.run(request, make_command, request, parse_reference)
        (result,) = await dependencies.execute(workspace_id, [(kind, command)])
        is_unknown = isinstance(result, CommandResult) and result.reason == refusal_reasons.UNKNOWN_CIO_ID
        if is_unknown and await _id_exists(dependencies, request):
            command = await dependencies.parser.run(request, make_command, request, _id_reference)
            (result,) = await dependencies.execute(workspace_id, [(kind, command)])
        return response_for(result)

    return handle


def _segment_handler(dependencies: Dependencies, *, member: bool) -> Handler:
    async def handle(request: Request) -> Response:
        commands = await dependencies.parser.run(request, membership_commands, request, member=member)
        valid = [("segment", command) for command in commands if command is not None]
        results = iter(await dependencies.execute(request.caller.workspace_id, valid) if valid else ())
        return _segment_response([None if command is None else next(results) for command in commands])

    return handle


async def _id_exists(dependencies: Dependencies, request: Request) -> bool:
    """Whether a person has the reference in the path as their id.

    A separate query after the cio_id is not found: loading the id together with every cio_id would make PostgreSQL
    reserve absent identifiers.
    """
    reference = _id_reference(request.path_params[0])
    return await to_thread.run_sync(dependencies.people.find, request.caller.workspace_id, reference) is not None


def _segment_response(results: Sequence[CommandResultOrError | None]) -> Response:
    """The response, which lists the ignored people by their index.

    Raises InvalidInput if the kind of identifiers does not exist in this workspace.
    """
    ignored: list[str] = []
    for index, result in enumerate(results):
        index_param = f"; index={index}"
        if isinstance(result, InvalidInput):
            raise result
        if result is None or result.effect is Effect.REJECTED:
            ignored.append(f"{INVALID}{index_param}")
        else:
            ignored += ignored_entries(result, index_param)
    return Response(headers=result_headers((), ignored)) if ignored else EMPTY_OK


async def region(request: Request) -> Response:
    """The region of the workspace, which is always this server."""
    workspace_id = request.caller.workspace_id
    return Response(document={"url": request.base_url, "region": "us", "environment_id": workspace_id})


def _route(method: str, pattern: str, handler: Handler, *, error_format: ErrorFormat = ErrorFormat.V1) -> Route:
    return Route(method, pattern, handler, authentication=Authentication.TRACK, error_format=error_format)


def _segment(text: str) -> int:
    number = int(text) if len(text) <= _MAX_DIGITS and text.isascii() and text.isdigit() else 0
    if not number:
        raise InvalidInput(f"the segment {quoted(text)} must be a number of at least 1", field="segment")
    return number
