"""What a store has to load before it carries out calls."""

import pytest

from tests.identity.builders import COLUMNS, E2, by, call
from workspace_operator.identity.calls import (
    AddDeviceCall,
    AnonymousEventCall,
    Call,
    DeleteCall,
    DeleteDeviceCall,
    EventCall,
    MergeCall,
    SegmentCall,
    SuppressCall,
    UnsuppressCall,
)
from workspace_operator.identity.devices import Device
from workspace_operator.identity.events import Event
from workspace_operator.identity.keys import Keys, keys_of
from workspace_operator.identity.rules import Kind

ID, EMAIL = Kind.ID, Kind.EMAIL


@pytest.mark.parametrize("column", ["E2", "EmailOnly"])
def test_call_names_all_its_identifiers(column: str) -> None:
    body = {"id": "2", "email": "B@x.org", "cio_id": "cio_q"}

    keys = keys_of(COLUMNS[column], [call(by("email", "A@x.org"), body)])

    assert keys == Keys(identifiers=((EMAIL, "a@x.org"), (EMAIL, "b@x.org"), (ID, "2")), cio_ids=("q",))


def test_plain_email_is_no_key() -> None:
    keys = keys_of(COLUMNS["I0"], [call(by("id", "1"), {"email": "a@x.org"})])

    assert keys == Keys(identifiers=((ID, "1"),), cio_ids=())


@pytest.mark.parametrize("body", [{}, {"id": None, "email": None, "cio_id": None}, {"email": "nobody"}])
def test_nothing_else_is_a_key(body: dict[str, str | None]) -> None:
    assert keys_of(E2, [call(by("cio_id", "cio_p"), body)]) == Keys(identifiers=(), cio_ids=("p",))


def test_batch_names_each_once_in_order() -> None:
    calls = [call(by("id", "2")), call(by("cio_id", "q")), call(by("id", "1")), call(by("id", "2"), {"cio_id": "p"})]

    assert keys_of(E2, calls) == Keys(identifiers=((ID, "1"), (ID, "2")), cio_ids=("p", "q"))


BOUGHT = Event(name="bought", data={})
PHONE = Device(token="t", platform="ios", attributes={})
ONE = by("email", "A@x.org")


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(
    "about",
    [
        DeleteCall(reference=ONE),
        SuppressCall(reference=ONE),
        EventCall(reference=ONE, event=BOUGHT),
        DeleteDeviceCall(reference=ONE, token="t"),
        SegmentCall(reference=ONE, segment=7, joins=True),
    ],
)
def test_every_call_names_its_reference(column: str, about: Call) -> None:
    assert keys_of(COLUMNS[column], [about]) == Keys(identifiers=((EMAIL, "a@x.org"),), cio_ids=())


def test_merge_names_both_sides() -> None:
    calls = [
        MergeCall(primary=by("id", "2"), secondary=by("email", "A@x.org")),
        MergeCall(primary=by("cio_id", "cio_p"), secondary=by("cio_id", "c")),
    ]

    assert keys_of(E2, calls) == Keys(identifiers=((EMAIL, "a@x.org"), (ID, "2")), cio_ids=("c", "p"))


def test_anonymous_event_names_nobody() -> None:
    assert keys_of(E2, [AnonymousEventCall(event=BOUGHT, anonymous_id="x")]) == Keys(identifiers=(), cio_ids=())


def test_unsuppress_needs_whole_suppressions() -> None:
    keys = keys_of(E2, [call(by("id", "1")), UnsuppressCall(reference=ONE)])

    assert keys == Keys(identifiers=((EMAIL, "a@x.org"), (ID, "1")), cio_ids=(), unsuppresses=True)


def test_new_device_needs_the_old_ones() -> None:
    keys = keys_of(E2, [AddDeviceCall(reference=ONE, device=PHONE), call(by("id", "1"))])

    assert keys == Keys(identifiers=((EMAIL, "a@x.org"), (ID, "1")), cio_ids=(), adds_devices=True)
