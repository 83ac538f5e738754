"""Track v1: a call a request, people named in the path by the shape of what they are called (track-api.md §1)."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from anyio import to_thread

from workspace_operator.application.ports import Answer
from workspace_operator.errors import InvalidInput
from workspace_operator.identity import reasons
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
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.references import reference_by_kind
from workspace_operator.identity.rules import EMAIL_OR_ID, ID, Kind
from workspace_operator.identity.segments import MAX_SEGMENT
from workspace_operator.identity.texts import shown
from workspace_operator.web.answers import INVALID, headers_of, ignored_entries, reply_of
from workspace_operator.web.asks import (
    AskAbout,
    Build,
    Named,
    ask_by_id,
    ask_by_kind,
    ask_by_shape,
    ask_to_merge,
    object_at,
    only_identifier,
)
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

MakeAskAbout: TypeAlias = Callable[[Inquiry, AskAbout], Ask]
"""What a request asks for about the person whom its path names. Raises InvalidInput."""


def identify(inquiry: Inquiry, about: AskAbout = ask_by_shape) -> Ask:
    """Create a person, or update one."""
    body: dict[str, Any] = {} if inquiry.body in _NOTHING else json_object(inquiry.body)
    return about(inquiry.parts[0], lambda person: call_of_body(person, body))


def delete(inquiry: Inquiry, about: AskAbout = ask_by_shape) -> Ask:
    """Delete a person; whatever the body says."""
    return about(inquiry.parts[0], lambda person: DeleteCall(reference=person))


def suppress(inquiry: Inquiry, about: AskAbout = ask_by_shape) -> Ask:
    """Delete a person and block their identifiers."""
    return about(inquiry.parts[0], lambda person: SuppressCall(reference=person))


def unsuppress(inquiry: Inquiry, about: AskAbout = ask_by_shape) -> Ask:
    """End every suppression that holds a value."""
    return about(inquiry.parts[0], lambda person: UnsuppressCall(reference=person))


def add_device(inquiry: Inquiry, about: AskAbout = ask_by_shape) -> Ask:
    """Add a device to a person, or update it."""
    device = device_of(object_at(json_object(inquiry.body), "device"))
    return about(inquiry.parts[0], lambda person: AddDeviceCall(reference=person, device=device))


def delete_device(inquiry: Inquiry, about: AskAbout = ask_by_shape) -> Ask:
    """Take a device from a person."""
    token = token_of(inquiry.parts[1], field="token")
    return about(inquiry.parts[0], lambda person: DeleteDeviceCall(reference=person, token=token))


def event(inquiry: Inquiry, about: AskAbout = ask_by_shape) -> Ask:
    """Record an event of a person."""
    happened = event_of(json_object(inquiry.body))
    return about(inquiry.parts[0], lambda person: EventCall(reference=person, event=happened))


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


def memberships(inquiry: Inquiry, *, joins: bool) -> Sequence[Ask | None]:
    """Put people into a manual segment, or take them out; None stands for one who is badly named.

    Raises:
        InvalidInput: the segment, the kind of identifiers or the list is wrong.
    """
    number, kind = _segment(inquiry.parts[0]), _id_type(inquiry.query)
    ids = json_object(inquiry.body).get("ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_IDS:
        raise InvalidInput(f"ids must be a list of 1 to {MOST_IDS} identifiers", field="ids")

    def build(person: Any) -> SegmentCall:
        return SegmentCall(reference=person, segment=number, joins=joins)

    return [_taken_or_none((kind, raw), build) for raw in ids]


def _taken_or_none(named: Named, build: Build) -> Ask | None:
    try:
        return ask_by_kind(named, build, field="ids")
    except InvalidInput:
        return None


def routes(services: Services) -> Sequence[Route]:
    """The table of track-api.md §1."""
    calling, about_person = partial(_calling, services), partial(_about_person, services)
    segment = partial(_segment_handler, services)
    person = "/api/v1/customers/{ref}"
    return [
        _route("GET", "/api/v1/accounts/region", region),
        _route("PUT", person, about_person("identify", identify)),
        _route("DELETE", person, about_person("delete", delete)),
        _route("POST", f"{person}/suppress", about_person("suppress", suppress)),
        _route("POST", f"{person}/unsuppress", about_person("unsuppress", unsuppress)),
        _route("PUT", f"{person}/devices", about_person("add_device", add_device)),
        _route("DELETE", f"{person}/devices/{{token}}", about_person("delete_device", delete_device)),
        _route("POST", f"{person}/events", about_person("event", event)),
        _route("POST", "/api/v1/events", calling("anonymous_event", anonymous_event)),
        _route("POST", "/api/v1/merge_customers", calling("merge", merge), error_form=ErrorForm.V1_MERGE),
        _route("POST", "/api/v1/segments/{segment}/add_customers", segment(joins=True)),
        _route("POST", "/api/v1/segments/{segment}/remove_customers", segment(joins=False)),
    ]


def _calling(services: Services, kind: str, make: MakeAsk) -> Handler:
    async def handle(inquiry: Inquiry) -> Reply:
        ask = await services.parser.run(inquiry, make, inquiry)
        (answer,) = await services.call(inquiry.caller.workspace_id, [(kind, ask)])
        return reply_of(answer)

    return handle


def _about_person(services: Services, kind: str, make: MakeAskAbout) -> Handler:
    """Also about whoever has what looks like a cio_id as their id: such ids were taken once."""

    async def handle(inquiry: Inquiry) -> Reply:
        workspace_id = inquiry.caller.workspace_id
        ask = await services.parser.run(inquiry, make, inquiry, ask_by_shape)
        (answer,) = await services.call(workspace_id, [(kind, ask)])
        if _is_unknown_cio_id(answer) and await _is_id(services, inquiry):
            ask = await services.parser.run(inquiry, make, inquiry, ask_by_id)
            (answer,) = await services.call(workspace_id, [(kind, ask)])
        return reply_of(answer)

    return handle


def _segment_handler(services: Services, *, joins: bool) -> Handler:
    async def handle(inquiry: Inquiry) -> Reply:
        asks = await services.parser.run(inquiry, memberships, inquiry, joins=joins)
        taken = [("segment", each) for each in asks if each is not None]
        answers = iter(await services.call(inquiry.caller.workspace_id, taken) if taken else ())
        return _segment_reply([None if each is None else next(answers) for each in asks])

    return handle


def _is_unknown_cio_id(answer: Answer) -> bool:
    return isinstance(answer, Outcome) and answer.reason == reasons.UNKNOWN_CIO_ID


async def _is_id(services: Services, inquiry: Inquiry) -> bool:
    """Whether somebody has what looks like a cio_id as their id.

    A second look-up, only after nobody has that cio_id: loading the id with every cio_id would have PostgreSQL reserve
    what is absent.
    """
    reference = reference_by_kind(inquiry.parts[0], ID, EMAIL_OR_ID)
    return await to_thread.run_sync(services.people.find, inquiry.caller.workspace_id, reference) is not None


def _segment_reply(answers: Sequence[Answer | None]) -> Reply:
    """Tells who was passed over, by their place in the list.

    Raises:
        InvalidInput: the kind of identifiers is none in this workspace.
    """
    passed_over: list[str] = []
    for index, answer in enumerate(answers):
        at = f"; index={index}"
        if isinstance(answer, InvalidInput):
            raise answer
        if answer is None or answer.effect is Effect.REJECTED:
            passed_over.append(f"{INVALID}{at}")
        else:
            passed_over += ignored_entries(answer, at)
    return Reply(headers=headers_of((), passed_over)) if passed_over else DONE


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
