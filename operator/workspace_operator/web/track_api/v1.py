"""Track v1: a call a request, people named in the path by the shape of what they are called (track-api.md §1)."""

from collections.abc import Callable, Mapping, Sequence
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
from workspace_operator.identity.values.rules import EMAIL_OR_ID, ID, IdentifierKind
from workspace_operator.identity.values.segments import MAX_SEGMENT
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.identity.values.tracked_events import anonymous_id_of, tracked_event_of
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.http import Handler, Request, Response
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
"""How many people one call puts into a segment."""

_MAX_DIGITS: Final = len(str(MAX_SEGMENT))

_EMPTY_BODIES: Final = frozenset({b"", b"null"})
"""Bodies of clients that have nothing to say of a person."""

_KINDS: Final = {each.value: each for each in IdentifierKind}

MakeCommand: TypeAlias = Callable[[Request], UnresolvedCommand]
"""What a request asks for. Raises InvalidInput."""

MakePersonCommand: TypeAlias = Callable[[Request, CommandForReference], UnresolvedCommand]
"""What a request asks for about the person whom its path names. Raises InvalidInput."""


def identify(request: Request, command_for: CommandForReference = command_for_path) -> UnresolvedCommand:
    """Create a person, or update one."""
    body: dict[str, Any] = {} if request.body in _EMPTY_BODIES else json_object(request.body)
    return command_for(request.path_params[0], lambda person: identify_from_request(person, body))


def delete(request: Request, command_for: CommandForReference = command_for_path) -> UnresolvedCommand:
    """Delete a person; whatever the body says."""
    return command_for(request.path_params[0], lambda person: DeletePerson(reference=person))


def suppress(request: Request, command_for: CommandForReference = command_for_path) -> UnresolvedCommand:
    """Delete a person and block their identifiers."""
    return command_for(request.path_params[0], lambda person: Suppress(reference=person))


def unsuppress(request: Request, command_for: CommandForReference = command_for_path) -> UnresolvedCommand:
    """End every suppression that holds a value."""
    return command_for(request.path_params[0], lambda person: Unsuppress(reference=person))


def add_device(request: Request, command_for: CommandForReference = command_for_path) -> UnresolvedCommand:
    """Add a device to a person, or update it."""
    device = device_of(get_object(json_object(request.body), "device"))
    return command_for(request.path_params[0], lambda person: AddDevice(reference=person, device=device))


def delete_device(request: Request, command_for: CommandForReference = command_for_path) -> UnresolvedCommand:
    """Take a device from a person."""
    token = device_token_of(request.path_params[1], field="token")
    return command_for(request.path_params[0], lambda person: DeleteDevice(reference=person, token=token))


def event(request: Request, command_for: CommandForReference = command_for_path) -> UnresolvedCommand:
    """Record an event of a person."""
    tracked_event = tracked_event_of(json_object(request.body))
    return command_for(request.path_params[0], lambda person: TrackEvent(reference=person, event=tracked_event))


def anonymous_event(request: Request) -> UnresolvedCommand:
    """Record what somebody unknown did."""
    body = json_object(request.body)
    anonymous_id = anonymous_id_of(body.get("anonymous_id"), field="anonymous_id")
    return TrackAnonymousEvent(event=tracked_event_of(body), anonymous_id=anonymous_id)


def merge(request: Request) -> UnresolvedCommand:
    """Make one person of two."""
    body = json_object(request.body)
    primary, secondary = (single_identifier(get_object(body, side), field=side) for side in ("primary", "secondary"))
    return merge_command(primary, secondary)


def membership_commands(request: Request, *, member: bool) -> Sequence[UnresolvedCommand | None]:
    """Put people into a manual segment, or take them out; None stands for one who is badly named.

    Raises:
        InvalidInput: the segment, the kind of identifiers or the list is wrong.
    """
    number, kind = _segment(request.path_params[0]), _id_type(request.query)
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
    """The table of track-api.md §1."""
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
    """Also about whoever has what looks like a cio_id as their id: such ids were taken once."""

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
        valid = [("segment", each) for each in commands if each is not None]
        results = iter(await dependencies.execute(request.caller.workspace_id, valid) if valid else ())
        return _segment_response([None if each is None else next(results) for each in commands])

    return handle


def _is_unknown_cio_id(result: CommandResultOrError) -> bool:
    return isinstance(result, CommandResult) and result.reason == refusal_reasons.UNKNOWN_CIO_ID


async def _id_exists(dependencies: Dependencies, request: Request) -> bool:
    """Whether somebody has what looks like a cio_id as their id.

    A second look-up, only after nobody has that cio_id: loading the id with every cio_id would have PostgreSQL reserve
    what is absent.
    """
    reference = reference_of_kind(request.path_params[0], ID, EMAIL_OR_ID)
    return await to_thread.run_sync(dependencies.people.find, request.caller.workspace_id, reference) is not None


def _segment_response(results: Sequence[CommandResultOrError | None]) -> Response:
    """Tells who was passed over, by their place in the list.

    Raises:
        InvalidInput: the kind of identifiers is none in this workspace.
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
    """Tell a client where its workspace is: here."""
    document = {"url": request.base_url, "region": "us", "environment_id": request.caller.workspace_id}
    return Response(document=document)


def _route(method: str, pattern: str, handler: Handler, *, error_format: ErrorFormat = ErrorFormat.V1) -> Route:
    return Route(method, pattern, handler, authentication=Authentication.TRACK, error_format=error_format)


def _segment(text: str) -> int:
    number = int(text) if len(text) <= _MAX_DIGITS and text.isascii() and text.isdigit() else 0
    if not number:
        raise InvalidInput(f"the segment {quoted(text)} must be a number from 1 on", field="segment")
    return number


def _id_type(query: Mapping[str, str]) -> IdentifierKind:
    text = query.get("id_type", ID.value)
    if text not in _KINDS:
        raise InvalidInput(f"id_type {quoted(text)} is unknown: use one of {', '.join(_KINDS)}", field="id_type")
    return _KINDS[text]
