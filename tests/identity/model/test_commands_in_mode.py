"""Commands keep the references that they were sent with, and resolve them in the mode in force."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.commands import (
    Command,
    DeletePerson,
    Identify,
    MergePeople,
    Suppress,
    TrackAnonymousEvent,
    Unsuppress,
    identify_from_fields,
    in_mode,
)
from workspace_operator.identity.values.references import Reference, parse_reference, reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode
from workspace_operator.identity.values.tracked_events import tracked_event_of

ID, EMAIL, CIO_ID = IdentifierKind.ID, IdentifierKind.EMAIL, IdentifierKind.CIO_ID
MODES = st.sampled_from(list(Mode))
TEXTS = st.sampled_from(
    ["a@x.org", " A@x.org ", "cio_1", "7", "", "no address", "a" * 151, f"{'a' * 60}@{'b' * 60}.{'c' * 60}.org"]
)


def outcome(reference: Callable[[], Reference]) -> object:
    """The reference, or the error's text and field."""
    try:
        return reference()
    except InvalidInput as error:
        return str(error), error.field


@given(text=TEXTS, mode=MODES)
def test_untyped_reference_is_what_the_mode_makes_of_its_text(text: str, mode: Mode) -> None:
    assert outcome(lambda: parse_reference(text).in_mode(mode)) == outcome(lambda: parse_reference(text, mode))


@given(text=TEXTS, kind=st.sampled_from([ID, CIO_ID]), mode=MODES)
def test_ids_are_references_of_every_mode(text: str, kind: IdentifierKind, mode: Mode) -> None:
    later = outcome(lambda: reference_of_kind(text, kind, field="f").in_mode(mode))

    assert later == outcome(lambda: reference_of_kind(text, kind, mode, field="f"))


def test_email_is_refused_where_it_is_no_identifier() -> None:
    reference = reference_of_kind("a@x.org", EMAIL, field="identifiers.email")

    with pytest.raises(InvalidInput, match="email is no identifier in mode IDOnly: use one of cio_id, id") as caught:
        reference.in_mode(Mode.ID_ONLY)

    assert caught.value.field == "identifiers.email"


def test_commands_resolve_their_references() -> None:
    untyped, typed = parse_reference("a@x.org"), reference_of_kind("a@x.org", EMAIL)
    as_id = reference_of_kind("a@x.org", ID)

    assert in_mode(identify_from_fields(untyped, {"plan": "pro"}), Mode.ID_ONLY) == identify_from_fields(
        as_id, {"plan": "pro"}
    )
    assert in_mode(MergePeople(primary=untyped, secondary=as_id), Mode.ID_ONLY) == MergePeople(
        primary=as_id, secondary=as_id
    )
    with pytest.raises(InvalidInput):
        in_mode(DeletePerson(reference=typed), Mode.ID_ONLY)


@pytest.mark.parametrize("command_type", [Suppress, Unsuppress])
def test_typed_emails_are_suppressed_in_every_mode(command_type: type[Suppress] | type[Unsuppress]) -> None:
    typed, untyped = reference_of_kind("a@x.org", EMAIL), parse_reference("a@x.org")

    assert in_mode(command_type(reference=typed), Mode.ID_ONLY).reference.kind is EMAIL  # type: ignore[union-attr]
    assert in_mode(command_type(reference=untyped), Mode.ID_ONLY).reference.kind is ID  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", [Mode.EMAIL_OR_ID, Mode.EMAIL_ONLY])
def test_commands_stay_as_they_are_where_email_is_an_identifier(mode: Mode) -> None:
    command: Identify = identify_from_fields(parse_reference("a@x.org"), {})

    assert in_mode(command, mode) is command


def test_anonymous_events_have_no_reference() -> None:
    event: Command = TrackAnonymousEvent(event=tracked_event_of({"name": "seen"}), anonymous_id="x")

    assert in_mode(event, Mode.ID_ONLY) is event
