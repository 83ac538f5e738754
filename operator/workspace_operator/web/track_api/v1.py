"""Track API v1: one command per request, with the reference in the path (track-api.md §1)."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from anyio import to_thread

from workspace_operator.application.ports import CommandResultOrError
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.commands import (
    AddDevice,
    DeleteDevice,
    DeletePerson,
    SetMembership,
    Suppress,
    TrackAnonymousEvent,
    TrackEvent,
    UnresolvedCommand,
    Unsuppress,
    identify_from_request,
)
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.devices import device_of, device_token_of
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import EMAIL_OR_ID, ID
from workspace_operator.identity.values.segments import MAX_SEGMENT
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.identity.values.tracked_events import anonymous_id_of, tracked_event_of
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.http import Handler, Request, Response, id_type_of
from workspace_operator.web.core.json_body import json_object
from workspace_operator.web.core.response_sender import EMPTY_OK
from workspace_operator.web.core.router import Authentication, ErrorFormat, Route
from workspace_operator.web.track_api.command_builders import (
    BuildCommand,
    CommandForReference,
    RawIdentifier,
    command_for_id,
    command_for_identifier,
    command_for_path,
    get_object,
    merge_command,
    single_identifier,
)
from workspace_operator.web.track_api.responses import INVALID, ignored_entries, response_for, result_headers

MAX_IDS: Final = 1000
"""Maximum number of people in a request about a segment."""

_MAX_DIGITS: Final = len(str(MAX_SEGMENT))

_EMPTY_BODIES: Final = frozenset({b"", b"null"})
"""Bodies without attributes, which some clients send."""

MakeCommand: TypeAlias = Callable[[Request], UnresolvedCommand]
"""Makes the command of a request. Raises InvalidInput."""

MakePersonCommand: TypeAlias = Callable[[Request, CommandForReference], UnresolvedCommand]
"""Makes the command of a request about the person in its path. Raises InvalidInput."""


def identify(request: Request, command_for: CommandForReference = command_for_path) -> UnresolvedCommand:
    """Create or update a person."""
    body: dict[str, Any] = {} if request.body in _EMPTY_BODIES else json_object(request.body)
    return command_for(request.path_params[0], lambda person: identify_from_request(person, body))


def delete(request: Request, command_for: CommandForReference = command_for_path) -> UnresolvedCommand:
    """Delete a person; the body is ignored."""
    return command_for(request.path_params[0], lambda person: DeletePerson(reference=person))


def suppress(request: Request, command_for: CommandForReference = command_for_path) -> UnresolvedCommand:
    """Delete a person and suppress their identifiers."""
    return command_for(request.path_params[0], lambda person: Suppress(reference=person))


def unsuppress(request: Request, command_for: CommandForReference = command_for_path) -> UnresolvedCommand:
    """Remove every suppression of an identifier."""
    return command_for(request.path_params[0], lambda person: Unsuppress(reference=person))


def add_device(request: Request, command_for: CommandForReference = command_for_path) -> UnresolvedCommand:
    """Add or update a device of a person."""
    device = device_of(get_object(json_object(request.body), "device"))
    return command_for(request.path_params[0], lambda person: AddDevice(reference=person, device=device))


def delete_device(request: Request, command_for: CommandForReference = command_for_path) -> UnresolvedCommand:
    """Remove a device from a person."""
    token = device_token_of(request.path_params[1], field="token")
    return command_for(request.path_params[0], lambda person: DeleteDevice(reference=person, token=token))


def event(request: Request, command_for: CommandForReference = command_for_path) -> UnresolvedCommand:
    """Record an event of a person."""
    tracked_event = tracked_event_of(json_object(request.body))
    return command_for(request.path_params[0], lambda person: TrackEvent(reference=person, event=tracked_event))


def anonymous_event(request: Request) -> UnresolvedCommand:
    """Record an event of an anonymous person."""
    body = json_object(request.body)
    anonymous_id = anonymous_id_of(body.get("anonymous_id"), field="anonymous_id")
    return TrackAnonymousEvent(event=tracked_event_of(body), anonymous_id=anonymous_id)


def merge(request: Request) -> UnresolvedCommand:
    """Merge two people."""
    body = json_object(request.body)
    primary, secondary = (single_identifier(get_object(body, side), field=side) for side in ("primary", "secondary"))
    return merge_command(primary, secondary)


def membership_commands(request: Request, *, member: bool) -> Sequence[UnresolvedCommand | None]:
    """Add people to a manual segment, or remove them.

    Returns:
        One command per identifier; None for an identifier that is not valid.

    Raises:
        InvalidInput: the segment, the kind of identifiers or the list is not valid.
    """
    number, kind = _segment(request.path_params[0]), id_type_of(request.query)
    ids = json_object(request.body).get("ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= MAX_IDS:
        raise InvalidInput(f"ids must be a list of 1 to {MAX_IDS} identifiers", field="ids")

    def build(person: Any) -> SetMembership:
        return SetMembership(reference=person, segment=number, member=member)

    return [_command_or_none((kind, raw), build) for raw in ids]


def _command_or_none(identifier: RawIdentifier, build: BuildCommand) -> UnresolvedCommand | None:
    try:
        return command_for_identifier(identifier, build, field="ids")
    except InvalidInput:
        return None


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of the table in track-api.md §1."""
    command_route, person_route = partial(_command_handler, dependencies), partial(_person_handler, dependencies)
    segment = partial(_segment_handler, dependencies)
    person = "/api/v1/customers/{ref}"
    return [
        _route("GET", "/api/v1/accounts/region", region),
        _route("PUT", person, person_route("identify", identify)),
        _route("DELETE", person, person_route("delete", delete)),
        _route("POST", f"{person}/suppress", person_route("suppress", suppress)),
        _route("POST", f"{person}/unsuppress", person_route("unsuppress", unsuppress)),
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
        command = await dependencies.parser.run(request, make_command, request, command_for_path)
        (result,) = await dependencies.execute(workspace_id, [(kind, command)])
        if _is_unknown_cio_id(result) and await _id_exists(dependencies, request):
            command = await dependencies.parser.run(request, make_command, request, command_for_id)
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


def _is_unknown_cio_id(result: CommandResultOrError) -> bool:
    return isinstance(result, CommandResult) and result.reason == refusal_reasons.UNKNOWN_CIO_ID


async def _id_exists(dependencies: Dependencies, request: Request) -> bool:
    """Whether a person has the reference in the path as their id.

    A separate query after the cio_id is not found: loading the id together with every cio_id would make PostgreSQL
    reserve absent identifiers.
    """
    reference = reference_of_kind(request.path_params[0], ID, EMAIL_OR_ID)
    return await to_thread.run_sync(dependencies.people.find, request.caller.workspace_id, reference) is not None


def _segment_response(results: Sequence[CommandResultOrError | None]) -> Response:
    """The response, which lists the ignored people by their index.

    Raises:
        InvalidInput: the kind of identifiers does not exist in this workspace.
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
    document = {"url": request.base_url, "region": "us", "environment_id": request.caller.workspace_id}
    return Response(document=document)


def _route(method: str, pattern: str, handler: Handler, *, error_format: ErrorFormat = ErrorFormat.V1) -> Route:
    return Route(method, pattern, handler, authentication=Authentication.TRACK, error_format=error_format)


def _segment(text: str) -> int:
    number = int(text) if len(text) <= _MAX_DIGITS and text.isascii() and text.isdigit() else 0
    if not number:
        raise InvalidInput(f"the segment {quoted(text)} must be a number of at least 1", field="segment")
    return number
