"""What a store has to load before it carries out calls."""

import pytest

from tests.identity.builders import COLUMNS, E2, command, reference_by
from workspace_operator.identity.model.commands import (
    AddDevice,
    Command,
    DeleteDevice,
    DeletePerson,
    MergePeople,
    SetMembership,
    Suppress,
    TrackAnonymousEvent,
    TrackEvent,
    Unsuppress,
    identify_from_request,
)
from workspace_operator.identity.model.lock_set import LockSet, lock_set_of
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.identity.values.tracked_events import TrackedEvent

ID, EMAIL = IdentifierKind.ID, IdentifierKind.EMAIL


@pytest.mark.parametrize("column", ["E2", "EmailOnly"])
def test_call_names_all_its_identifiers(column: str) -> None:
    body = {"id": "2", "email": "B@x.org", "cio_id": "cio_q"}

    keys = lock_set_of(COLUMNS[column], [command(reference_by("email", "A@x.org"), body)])

    assert keys == LockSet(identifiers=((EMAIL, "a@x.org"), (EMAIL, "b@x.org"), (ID, "2")), cio_ids=("q",))


def test_plain_email_is_no_key() -> None:
    keys = lock_set_of(COLUMNS["I0"], [command(reference_by("id", "1"), {"email": "a@x.org"})])

    assert keys == LockSet(identifiers=((ID, "1"),), cio_ids=())


@pytest.mark.parametrize("body", [{}, {"id": None, "email": None, "cio_id": None}, {"email": "nobody"}])
def test_nothing_else_is_a_key(body: dict[str, str | None]) -> None:
    assert lock_set_of(E2, [command(reference_by("cio_id", "cio_p"), body)]) == LockSet(identifiers=(), cio_ids=("p",))


def test_batch_names_each_once_in_order() -> None:
    commands = [
        command(reference_by("id", "2")),
        command(reference_by("cio_id", "q")),
        command(reference_by("id", "1")),
        command(reference_by("id", "2"), {"cio_id": "p"}),
    ]

    assert lock_set_of(E2, commands) == LockSet(identifiers=((ID, "1"), (ID, "2")), cio_ids=("p", "q"))


BOUGHT = TrackedEvent(name="bought", data={})
PHONE = Device(token="t", platform="ios", attributes={})
ONE = reference_by("email", "A@x.org")


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(
    "about",
    [
        DeletePerson(reference=ONE),
        Suppress(reference=ONE),
        TrackEvent(reference=ONE, event=BOUGHT),
        DeleteDevice(reference=ONE, token="t"),
        SetMembership(reference=ONE, segment=7, member=True),
    ],
)
def test_every_call_names_its_reference(column: str, about: Command) -> None:
    assert lock_set_of(COLUMNS[column], [about]) == LockSet(identifiers=((EMAIL, "a@x.org"),), cio_ids=())


def test_merge_names_both_sides() -> None:
    commands = [
        MergePeople(primary=reference_by("id", "2"), secondary=reference_by("email", "A@x.org")),
        MergePeople(primary=reference_by("cio_id", "cio_p"), secondary=reference_by("cio_id", "c")),
    ]

    assert lock_set_of(E2, commands) == LockSet(identifiers=((EMAIL, "a@x.org"), (ID, "2")), cio_ids=("c", "p"))


def test_anonymous_event_names_nobody() -> None:
    keys = lock_set_of(E2, [TrackAnonymousEvent(event=BOUGHT, anonymous_id="x")])

    assert keys == LockSet(identifiers=(), cio_ids=(), anonymous_ids=("x",))


def test_links_of_anonymous_events_are_locked() -> None:
    link = identify_from_request(reference_by("id", "1"), {"anonymous_id": "x"})

    assert lock_set_of(E2, [link, link]).anonymous_ids == ("x",)


def test_unsuppress_needs_whole_suppressions() -> None:
    keys = lock_set_of(E2, [command(reference_by("id", "1")), Unsuppress(reference=ONE)])

    assert keys == LockSet(identifiers=((EMAIL, "a@x.org"), (ID, "1")), cio_ids=(), needs_suppressions=True)


def test_new_device_needs_the_old_ones() -> None:
    keys = lock_set_of(E2, [AddDevice(reference=ONE, device=PHONE), command(reference_by("id", "1"))])

    assert keys == LockSet(identifiers=((EMAIL, "a@x.org"), (ID, "1")), cio_ids=(), needs_devices=True)
