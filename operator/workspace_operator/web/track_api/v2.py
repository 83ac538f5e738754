"""Track API v2: operations as documents, single or in batches (track-api.md §1)."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from workspace_operator.errors import InvalidInput
from workspace_operator.http_server.response_sender import EMPTY_OK, JSON_TYPE, json_bytes
from workspace_operator.http_server.responses import Response
from workspace_operator.identity.model.commands import (
    AddDevice,
    Command,
    DeleteDevice,
    DeletePerson,
    Suppress,
    TrackAnonymousEvent,
    TrackEvent,
    Unsuppress,
    identify_from_request,
)
from workspace_operator.identity.model.results import CommandResultOrError
from workspace_operator.identity.values.devices import device_of, device_token_of
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.identity.values.timestamps import seconds_of
from workspace_operator.identity.values.tracked_events import anonymous_id_of, tracked_event_of
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.http import Request
from workspace_operator.web.core.json_body import json_object
from workspace_operator.web.core.router import Authentication, ErrorFormat, Route
from workspace_operator.web.track_api.body_references import get_object, merge_command, single_reference
from workspace_operator.web.track_api.responses import batch_headers, raise_for_rejected, response_for

ENTITY_BYTES: Final = 32 * 1024
BATCH_BYTES: Final = 500 * 1024
MAX_OPERATIONS: Final = 10_000
"""Maximum number of operations in a batch; more valid ones do not fit into its size limit."""

ERROR_REASONS: Final = ("required", "invalid", "parse_error")

OperationDocument: TypeAlias = Mapping[str, Any]
MakeCommand: TypeAlias = Callable[[OperationDocument], Command]


@dataclass(frozen=True, slots=True)
class OperationError:
    """Error of an operation, as in the response."""

    reason: str
    field: str
    message: str

    def document(self, index: int | None = None) -> Mapping[str, Any]:
        """The error as JSON; in a batch with the index of the operation, counted from 0."""
        fields = {"reason": self.reason, "field": self.field, "message": self.message}
        return fields if index is None else {"batch_index": index, **fields}


@dataclass(frozen=True, slots=True)
class OperationSpec:
    """Specification of an operation: paths of its required fields, and how to make its command."""

    required: tuple[str, ...]
    make_command: MakeCommand


def identify(operation: OperationDocument) -> Command:
    """Create or update a person; a ``timestamp`` of the operation is the time of its attributes."""
    fields = {} if operation.get("attributes") is None else dict(get_object(operation, "attributes"))
    is_given = seconds_of(operation.get("timestamp"), field="timestamp") is not None
    if is_given and fields.get("_timestamp") in (None, ""):  # null counts as absent
        fields["_timestamp"] = operation["timestamp"]
    return identify_from_request(_person(operation), fields)


def event(operation: OperationDocument) -> Command:
    """Record an event, page or screen of a known or anonymous person; attributes are its data."""
    tracked_event = tracked_event_of({**operation, "type": operation["action"]}, data="attributes")
    anonymous_id = _single_anonymous_id(get_object(operation, "identifiers"))
    if anonymous_id is not None:
        return TrackAnonymousEvent(event=tracked_event, anonymous_id=anonymous_id)
    return TrackEvent(reference=_person(operation), event=tracked_event)


def add_device(operation: OperationDocument) -> Command:
    """Add or update a device of a person."""
    device = device_of(get_object(operation, "device"), token="token")  # noqa: S106 - the name of a field
    return AddDevice(reference=_person(operation), device=device)


def delete_device(operation: OperationDocument) -> Command:
    """Remove a device from a person."""
    token = device_token_of(get_object(operation, "device").get("token"), field="device.token")
    return DeleteDevice(reference=_person(operation), token=token)


def person_command(command_type: Callable[..., Command]) -> MakeCommand:
    """A function for a command that has only a reference."""
    return lambda operation: command_type(reference=_person(operation))


OPERATIONS: Final[Mapping[str, OperationSpec]] = {
    "identify": OperationSpec(("identifiers",), identify),
    "delete": OperationSpec(("identifiers",), person_command(DeletePerson)),
    "event": OperationSpec(("identifiers", "name"), event),
    "screen": OperationSpec(("identifiers", "name"), event),
    "page": OperationSpec(("identifiers", "name"), event),
    "add_device": OperationSpec(("identifiers", "device", "device.token"), add_device),
    "delete_device": OperationSpec(("identifiers", "device", "device.token"), delete_device),
    "merge": OperationSpec(("primary", "secondary"), merge_command),
    # Both accept an email in every mode (identity-rules §6).
    "suppress": OperationSpec(("identifiers",), person_command(Suppress)),
    "unsuppress": OperationSpec(("identifiers",), person_command(Unsuppress)),
}


def parse_operation(operation: object) -> tuple[str, Command] | OperationError:
    """Parse an operation into the name of its action and its command, or an error."""
    if not isinstance(operation, dict):
        return OperationError("invalid", "", f"the operation is {quoted(operation)}: send an object")
    if missing := _missing_field(operation, ("type", "action")):
        return missing
    kind, name = operation["type"], operation["action"]
    if kind != "person":
        return OperationError("invalid", "type", f"type {quoted(kind)} is not supported: use person")
    action = OPERATIONS.get(name) if isinstance(name, str) else None
    if action is None:
        message = f"action {quoted(name)} is unknown: use one of {', '.join(OPERATIONS)}"
        return OperationError("invalid", "action", message)
    if missing := _missing_field(operation, action.required):
        return missing
    try:
        return name, action.make_command(operation)
    except InvalidInput as error:
        return invalid_operation(error)


def invalid_operation(error: InvalidInput) -> OperationError:
    """The error for a value that is not valid."""
    return OperationError("invalid", error.field, str(error))


def errors_response(errors: Sequence[Mapping[str, Any]], status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Response:
    """A response that lists errors."""
    return Response(status=status, document={"errors": errors})


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of v2."""

    async def entity(request: Request) -> Response:
        command = await dependencies.parser.run(request, _entity_command, request.body)
        if isinstance(command, OperationError):
            return errors_response([command.document()])
        (result,) = await dependencies.execute(request.caller.workspace_id, [command])
        return response_for(result)

    async def batch(request: Request) -> Response:
        commands = await dependencies.parser.run(request, _batch_commands, request.body)
        if isinstance(commands, OperationError):
            return errors_response([commands.document()])
        valid = [(index, item) for index, item in enumerate(commands) if not isinstance(item, OperationError)]
        named = [command for _, command in valid]
        results = await dependencies.execute(request.caller.workspace_id, named) if named else []
        indexed = [(index, result) for (index, _), result in zip(valid, results, strict=True)]
        return await dependencies.parser.run(request, _batch_response, commands, indexed)

    route = partial(Route, "POST", authentication=Authentication.TRACK, error_format=ErrorFormat.V2)
    return [
        route("/api/v2/entity", entity, body_limit=ENTITY_BYTES),
        route("/api/v2/batch", batch, body_limit=BATCH_BYTES),
    ]


def _parse_body(body: bytes) -> dict[str, Any] | OperationError:
    try:
        return json_object(body)
    except InvalidInput as error:
        return OperationError("parse_error", "", str(error))


def _entity_command(body: bytes) -> tuple[str, Command] | OperationError:
    operation = _parse_body(body)
    return operation if isinstance(operation, OperationError) else parse_operation(operation)


def _batch_commands(body: bytes) -> Sequence[tuple[str, Command] | OperationError] | OperationError:
    document = _parse_body(body)
    operations = document if isinstance(document, OperationError) else _operations(document)
    if isinstance(operations, OperationError):
        return operations
    return [_parse_batched_operation(operation, len(body)) for operation in operations]


def _operations(document: Mapping[str, Any]) -> list[Any] | OperationError:
    operations = document.get("batch")
    if operations is None or operations == []:
        state = "missing" if operations is None else "empty"
        return OperationError("required", "batch", f"batch is {state}: send a list of operations")
    if not isinstance(operations, list):
        return OperationError("invalid", "batch", f"batch is {quoted(operations)}: send a list of operations")
    if len(operations) > MAX_OPERATIONS:
        message = f"batch has {len(operations)} operations: send at most {MAX_OPERATIONS} at a time"
        return OperationError("invalid", "batch", message)
    return operations


def _parse_batched_operation(operation: object, batch_bytes: int) -> tuple[str, Command] | OperationError:
    """Parse an operation of a batch; a batch below the limit of one needs no size check."""
    if batch_bytes > ENTITY_BYTES and _min_bytes(operation) > ENTITY_BYTES:
        return OperationError("invalid", "", f"the operation has more than {ENTITY_BYTES} bytes")
    return parse_operation(operation)


def _min_bytes(operation: object) -> int:
    """Size of the shortest encoding, so that none is refused that is allowed on its own."""
    return len(json.dumps(operation, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"))


def _batch_response(commands: Sequence[object], results: Sequence[tuple[int, CommandResultOrError]]) -> Response:
    errors = {index: item for index, item in enumerate(commands) if isinstance(item, OperationError)}
    for index, result in results:
        try:
            raise_for_rejected(result)
        except InvalidInput as error:
            errors[index] = invalid_operation(error)
    headers = batch_headers(results)
    if errors:
        listed = [errors[index].document(index) for index in sorted(errors)]
        body = json_bytes({"errors": listed})  # encoded in this worker thread, because it can be a megabyte
        fields = {**headers, "content-type": JSON_TYPE.decode()}
        return Response(status=HTTPStatus.MULTI_STATUS, document=body, headers=fields)
    return Response(headers=headers) if headers else EMPTY_OK


def _missing_field(operation: OperationDocument, paths: Sequence[str]) -> OperationError | None:
    """The error for the first missing field; None if all are present."""
    for path in paths:
        value: Any = operation
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else value
        if value is None or value == "" or value == {}:
            return OperationError("required", path, f"{path} is missing: send it")
    return None


def _single_anonymous_id(identifiers: Mapping[str, Any]) -> str | None:
    """The anonymous_id if it is the only identifier (track-api.md §1). Raises InvalidInput."""
    if any(identifiers.get(kind.value) not in (None, "") for kind in IdentifierKind):
        return None
    return anonymous_id_of(identifiers.get("anonymous_id"), field="identifiers.anonymous_id")


def _person(operation: OperationDocument) -> Reference:
    return single_reference(get_object(operation, "identifiers"), field="identifiers")
