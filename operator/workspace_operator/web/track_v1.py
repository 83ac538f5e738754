"""Track v1: a call a request, people named in the path by the shape of what they are called (track-api.md §1)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.calls import (
    AddDeviceCall,
    AnonymousEventCall,
    Ask,
    DeleteCall,
    DeleteDeviceCall,
    EventCall,
    SegmentCall,
    SuppressCall,
    UnsuppressCall,
    call_of_body,
)
from workspace_operator.identity.devices import device_of, token_of
from workspace_operator.identity.events import anonymous_id_of, event_of
from workspace_operator.identity.rules import ID, Kind
from workspace_operator.identity.segments import MAX_SEGMENT
from workspace_operator.identity.texts import shown
from workspace_operator.web.answers import accepted, reply_of
from workspace_operator.web.asks import ask_by_kind, ask_by_shape, ask_to_merge, object_at, only_identifier
from workspace_operator.web.bodies import json_object
from workspace_operator.web.exchanges import Handler, Inquiry, Reply
from workspace_operator.web.routes import Authentication, ErrorForm, Route
from workspace_operator.web.sending import DONE
from workspace_operator.web.services import Services

MOST_IDS: Final = 1000
"""How many people one call puts into a segment."""

_MOST_DIGITS: Final = len(str(MAX_SEGMENT))

_NOTHING: Final = frozenset({b"", b"null"})
"""Bodies of clients that have nothing to say of a person."""

_KINDS: Final = {each.value: each for each in Kind}

MakeAsk: TypeAlias = Callable[[Inquiry], Ask]
"""What a request asks for. Raises InvalidInput."""


def identify(inquiry: Inquiry) -> Ask:
    """Create a person, or update one."""
    body: dict[str, Any] = {} if inquiry.body in _NOTHING else json_object(inquiry.body)
    return ask_by_shape(inquiry.parts[0], lambda person: call_of_body(person, body))


def delete(inquiry: Inquiry) -> Ask:
    """Delete a person; whatever the body says."""
    return ask_by_shape(inquiry.parts[0], lambda person: DeleteCall(reference=person))


def suppress(inquiry: Inquiry) -> Ask:
    """Delete a person and block their identifiers."""
    return ask_by_shape(inquiry.parts[0], lambda person: SuppressCall(reference=person))


def unsuppress(inquiry: Inquiry) -> Ask:
    """End every suppression that holds a value."""
    return ask_by_shape(inquiry.parts[0], lambda person: UnsuppressCall(reference=person))


def add_device(inquiry: Inquiry) -> Ask:
    """Add a device to a person, or update it."""
    device = device_of(object_at(json_object(inquiry.body), "device"))
    return ask_by_shape(inquiry.parts[0], lambda person: AddDeviceCall(reference=person, device=device))


def delete_device(inquiry: Inquiry) -> Ask:
    """Take a device from a person."""
    token = token_of(inquiry.parts[1], field="token")
    return ask_by_shape(inquiry.parts[0], lambda person: DeleteDeviceCall(reference=person, token=token))


def event(inquiry: Inquiry) -> Ask:
    """Record an event of a person."""
    happened = event_of(json_object(inquiry.body))
    return ask_by_shape(inquiry.parts[0], lambda person: EventCall(reference=person, event=happened))


def anonymous_event(inquiry: Inquiry) -> Ask:
    """Record what somebody unknown did."""
    body = json_object(inquiry.body)
    anonymous_id = anonymous_id_of(body.get("anonymous_id"), field="anonymous_id")
    return AnonymousEventCall(event=event_of(body), anonymous_id=anonymous_id)


def merge(inquiry: Inquiry) -> Ask:
    """Make one person of two."""
    body = json_object(inquiry.body)
    primary, secondary = (only_identifier(object_at(body, side), field=side) for side in ("primary", "secondary"))
    return ask_to_merge(primary, secondary)


def memberships(inquiry: Inquiry, *, joins: bool) -> Sequence[Ask]:
    """Put people into a manual segment, or take them out. Raises InvalidInput if one of them is badly named."""
    number, kind = _segment(inquiry.parts[0]), _id_type(inquiry.query)
    ids = json_object(inquiry.body).get("ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_IDS:
        raise InvalidInput(f"ids must be a list of 1 to {MOST_IDS} identifiers", field="ids")

    def build(person: Any) -> SegmentCall:
        return SegmentCall(reference=person, segment=number, joins=joins)

    return [ask_by_kind((kind, raw), build, field=f"ids[{index}]") for index, raw in enumerate(ids)]


def routes(services: Services) -> Sequence[Route]:
    """The table of track-api.md §1."""

    def calling(kind: str, make: MakeAsk) -> Handler:
        async def handle(inquiry: Inquiry) -> Reply:
            ask = await services.parser.run(inquiry, make, inquiry)
            (answer,) = await services.call(inquiry.caller.workspace_id, [(kind, ask)])
            return reply_of(answer)

        return handle

    def segment(*, joins: bool) -> Handler:
        async def handle(inquiry: Inquiry) -> Reply:
            found = await services.parser.run(inquiry, memberships, inquiry, joins=joins)
            asks = [("segment", ask) for ask in found]
            for each in await services.call(inquiry.caller.workspace_id, asks):
                accepted(each)
            return DONE

        return handle

    person = "/api/v1/customers/{ref}"
    return [
        _route("GET", "/api/v1/accounts/region", region),
        _route("PUT", person, calling("identify", identify)),
        _route("DELETE", person, calling("delete", delete)),
        _route("POST", f"{person}/suppress", calling("suppress", suppress)),
        _route("POST", f"{person}/unsuppress", calling("unsuppress", unsuppress)),
        _route("PUT", f"{person}/devices", calling("add_device", add_device)),
        _route("DELETE", f"{person}/devices/{{token}}", calling("delete_device", delete_device)),
        _route("POST", f"{person}/events", calling("event", event)),
        _route("POST", "/api/v1/events", calling("anonymous_event", anonymous_event)),
        _route("POST", "/api/v1/merge_customers", calling("merge", merge), error_form=ErrorForm.V1_MERGE),
        _route("POST", "/api/v1/segments/{segment}/add_customers", segment(joins=True)),
        _route("POST", "/api/v1/segments/{segment}/remove_customers", segment(joins=False)),
    ]


async def region(inquiry: Inquiry) -> Reply:
    """Tell a client where its workspace is: here."""
    document = {"url": inquiry.base_url, "region": "us", "environment_id": inquiry.caller.workspace_id}
    return Reply(document=document)


def _route(method: str, pattern: str, handler: Handler, *, error_form: ErrorForm = ErrorForm.V1) -> Route:
    return Route(method, pattern, handler, authentication=Authentication.TRACK, error_form=error_form)


def _segment(text: str) -> int:
    number = int(text) if len(text) <= _MOST_DIGITS and text.isascii() and text.isdigit() else 0
    if not number:
        raise InvalidInput(f"the segment {shown(text)} must be a number from 1 on", field="segment")
    return number


def _id_type(query: Mapping[str, str]) -> Kind:
    text = query.get("id_type", ID.value)
    if text not in _KINDS:
        raise InvalidInput(f"id_type {shown(text)} is unknown: use one of {', '.join(_KINDS)}", field="id_type")
    return _KINDS[text]
