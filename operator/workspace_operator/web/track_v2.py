"""Track v2: operations as documents, one a request or many (track-api.md §1)."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from workspace_operator.application.ports import Answer
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.calls import (
    AddDeviceCall,
    AnonymousEventCall,
    Ask,
    Call,
    DeleteCall,
    DeleteDeviceCall,
    EventCall,
    SuppressCall,
    UnsuppressCall,
    call_of_body,
)
from workspace_operator.identity.devices import device_of, token_of
from workspace_operator.identity.events import anonymous_id_of, event_of
from workspace_operator.identity.references import Reference
from workspace_operator.identity.rules import Kind
from workspace_operator.identity.texts import shown
from workspace_operator.identity.times import seconds_of
from workspace_operator.web.answers import accepted, batch_headers, reply_of
from workspace_operator.web.asks import ask_by_kind, ask_to_merge, object_at, only_identifier
from workspace_operator.web.bodies import json_object
from workspace_operator.web.exchanges import Inquiry, Reply
from workspace_operator.web.routes import Authentication, ErrorForm, Route
from workspace_operator.web.sending import DONE, JSON_TYPE, json_bytes
from workspace_operator.web.services import Services

ENTITY_BYTES: Final = 32 * 1024
BATCH_BYTES: Final = 500 * 1024
MOST_OPERATIONS: Final = 10_000
"""Of a batch: more than so many that can be taken have no room in its bytes."""

REASONS: Final = ("required", "invalid", "parse_error")

Operation: TypeAlias = Mapping[str, Any]
MakeAsk: TypeAlias = Callable[[Operation], Ask]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why an operation was not taken, as it is told."""

    reason: str
    field: str
    message: str

    def document(self, index: int | None = None) -> Mapping[str, Any]:
        """As JSON; in a batch with its index, counted from 0."""
        said = {"reason": self.reason, "field": self.field, "message": self.message}
        return said if index is None else {"batch_index": index, **said}


@dataclass(frozen=True, slots=True)
class Action:
    """What can be done to a person: what the operation must have, by path, and how it becomes a call."""

    required: tuple[str, ...]
    make: MakeAsk


def identify(operation: Operation) -> Ask:
    """Create a person, or update one; a ``timestamp`` of the operation is when its attributes were so."""
    said = dict(_attributes(operation))
    is_given = seconds_of(operation.get("timestamp"), field="timestamp") is not None
    if is_given and said.get("_timestamp") in (None, ""):  # null is as good as nothing
        said["_timestamp"] = operation["timestamp"]
    return _about(operation, lambda person: call_of_body(person, said))


def event(operation: Operation) -> Ask:
    """Record an event, a page or a screen of a person, or of somebody unknown; its attributes are the event's data."""
    happened = event_of({**operation, "type": operation["action"]}, data="attributes")
    anonymous_id = _only_anonymous_id(object_at(operation, "identifiers"))
    if anonymous_id is not None:
        return AnonymousEventCall(event=happened, anonymous_id=anonymous_id)
    return _about(operation, lambda person: EventCall(reference=person, event=happened))


def add_device(operation: Operation) -> Ask:
    """Add a device to a person, or update it."""
    device = device_of(object_at(operation, "device"), token="token")  # noqa: S106 - the name of a field
    return _about(operation, lambda person: AddDeviceCall(reference=person, device=device))


def delete_device(operation: Operation) -> Ask:
    """Take a device from a person."""
    token = token_of(object_at(operation, "device").get("token"), field="device.token")
    return _about(operation, lambda person: DeleteDeviceCall(reference=person, token=token))


def delete(operation: Operation) -> Ask:
    """Delete a person."""
    return _about(operation, lambda person: DeleteCall(reference=person))


def suppress(operation: Operation) -> Ask:
    """Delete a person and block their identifiers; takes an email in every mode (identity-rules §6)."""
    return _about(operation, lambda person: SuppressCall(reference=person), suppressing=True)


def unsuppress(operation: Operation) -> Ask:
    """End every suppression that holds a value; takes an email in every mode."""
    return _about(operation, lambda person: UnsuppressCall(reference=person), suppressing=True)


def merge(operation: Operation) -> Ask:
    """Make one person of two."""
    primary, secondary = (only_identifier(object_at(operation, side), field=side) for side in ("primary", "secondary"))
    return ask_to_merge(primary, secondary)


ACTIONS: Final[Mapping[str, Action]] = {
    "identify": Action(("identifiers",), identify),
    "delete": Action(("identifiers",), delete),
    "event": Action(("identifiers", "name"), event),
    "screen": Action(("identifiers", "name"), event),
    "page": Action(("identifiers", "name"), event),
    "add_device": Action(("identifiers", "device", "device.token"), add_device),
    "delete_device": Action(("identifiers", "device", "device.token"), delete_device),
    "merge": Action(("primary", "secondary"), merge),
    "suppress": Action(("identifiers",), suppress),
    "unsuppress": Action(("identifiers",), unsuppress),
}


def asked(operation: object) -> tuple[str, Ask] | Problem:
    """What an operation asks for, with the name of its action; or why it cannot be taken."""
    if not isinstance(operation, dict):
        return Problem(reason="invalid", field="", message=f"the operation is {shown(operation)}: send an object")
    if absent := _absent(operation, ("type", "action")):
        return absent
    kind, name = operation["type"], operation["action"]
    if kind != "person":
        return Problem(reason="invalid", field="type", message=f"type {shown(kind)} is not taken here: use person")
    action = ACTIONS.get(name) if isinstance(name, str) else None
    if action is None:
        message = f"action {shown(name)} is unknown: use one of {', '.join(ACTIONS)}"
        return Problem(reason="invalid", field="action", message=message)
    if absent := _absent(operation, action.required):
        return absent
    try:
        return name, action.make(operation)
    except InvalidInput as error:
        return invalid(error)


def invalid(error: InvalidInput) -> Problem:
    """A value that is not taken."""
    return Problem(reason="invalid", field=error.field, message=str(error))


def refused(problems: Sequence[Mapping[str, Any]], status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Reply:
    """The reply that lists what was not taken."""
    return Reply(status=status, document={"errors": problems})


def routes(services: Services) -> Sequence[Route]:
    """Both routes of v2."""

    async def entity(inquiry: Inquiry) -> Reply:
        ask = await services.parser.run(inquiry, _entity_ask, inquiry.body)
        if isinstance(ask, Problem):
            return refused([ask.document()])
        (answer,) = await services.call(inquiry.caller.workspace_id, [ask])
        return reply_of(answer)

    async def batch(inquiry: Inquiry) -> Reply:
        asks = await services.parser.run(inquiry, _batch_asks, inquiry.body)
        if isinstance(asks, Problem):
            return refused([asks.document()])
        taken = [(index, each) for index, each in enumerate(asks) if not isinstance(each, Problem)]
        answers = await services.call(inquiry.caller.workspace_id, [ask for _, ask in taken]) if taken else []
        indexed = [(index, answer) for (index, _), answer in zip(taken, answers, strict=True)]
        return await services.parser.run(inquiry, _batch_reply, asks, indexed)

    return [
        Route(
            "POST",
            pattern,
            handler,
            authentication=Authentication.TRACK,
            error_form=ErrorForm.V2,
            body_limit=limit,
        )
        for pattern, handler, limit in (
            ("/api/v2/entity", entity, ENTITY_BYTES),
            ("/api/v2/batch", batch, BATCH_BYTES),
        )
    ]


def _parsed(body: bytes) -> dict[str, Any] | Problem:
    try:
        return json_object(body)
    except InvalidInput as error:
        return Problem(reason="parse_error", field="", message=str(error))


def _entity_ask(body: bytes) -> tuple[str, Ask] | Problem:
    operation = _parsed(body)
    return operation if isinstance(operation, Problem) else asked(operation)


def _batch_asks(body: bytes) -> Sequence[tuple[str, Ask] | Problem] | Problem:
    document = _parsed(body)
    operations = document if isinstance(document, Problem) else _operations(document)
    if isinstance(operations, Problem):
        return operations
    return [_asked_in_batch(each, len(body)) for each in operations]


def _operations(document: Mapping[str, Any]) -> list[Any] | Problem:
    operations = document.get("batch")
    if operations is None:
        return Problem(reason="required", field="batch", message="batch is missing: send a list of operations")
    if not isinstance(operations, list):
        message = f"batch is {shown(operations)}: send a list of operations"
        return Problem(reason="invalid", field="batch", message=message)
    if len(operations) > MOST_OPERATIONS:
        message = f"batch has {len(operations)} operations: send at most {MOST_OPERATIONS} at a time"
        return Problem(reason="invalid", field="batch", message=message)
    if not operations:
        return Problem(reason="required", field="batch", message="batch is empty: send a list of operations")
    return operations


def _asked_in_batch(operation: object, batch_bytes: int) -> tuple[str, Ask] | Problem:
    """In a batch of fewer bytes than one operation may have, none has to be measured."""
    if batch_bytes > ENTITY_BYTES and _bytes_of(operation) > ENTITY_BYTES:
        return Problem(reason="invalid", field="", message=f"the operation has more than {ENTITY_BYTES} bytes")
    return asked(operation)


def _bytes_of(operation: object) -> int:
    """The fewest bytes that an operation can have been sent with: none is refused that may be sent alone."""
    return len(json.dumps(operation, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"))


def _batch_reply(asks: Sequence[object], answers: Sequence[tuple[int, Answer]]) -> Reply:
    problems = {index: each for index, each in enumerate(asks) if isinstance(each, Problem)}
    for index, answer in answers:
        try:
            accepted(answer)
        except InvalidInput as error:
            problems[index] = invalid(error)
    headers = batch_headers(answers)
    if problems:
        listed = [problems[index].document(index) for index in sorted(problems)]
        written = json_bytes({"errors": listed})  # in this thread: it may be a megabyte
        said = {**headers, "content-type": JSON_TYPE.decode()}
        return Reply(status=HTTPStatus.MULTI_STATUS, document=written, headers=said)
    return Reply(headers=headers) if headers else DONE


def _absent(operation: Operation, paths: Sequence[str]) -> Problem | None:
    """The first of these that an operation lacks."""
    for path in paths:
        value: Any = operation
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else value
        if value is None or value == "" or value == {}:
            return Problem(reason="required", field=path, message=f"{path} is missing: send it")
    return None


def _attributes(operation: Operation) -> Mapping[str, Any]:
    return {} if operation.get("attributes") is None else object_at(operation, "attributes")


def _only_anonymous_id(identifiers: Mapping[str, Any]) -> str | None:
    """The anonymous_id of identifiers that have nothing else (track-api.md §1). Raises InvalidInput."""
    if any(identifiers.get(kind.value) not in (None, "") for kind in Kind):
        return None
    return anonymous_id_of(identifiers.get("anonymous_id"), field="identifiers.anonymous_id")


def _about(operation: Operation, build: Callable[[Reference], Call], *, suppressing: bool = False) -> Ask:
    identifiers = object_at(operation, "identifiers")
    named = only_identifier(identifiers, field="identifiers")
    return ask_by_kind(named, build, field=f"identifiers.{named[0]}", suppressing=suppressing)
