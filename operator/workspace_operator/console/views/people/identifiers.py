"""The identifiers of a person, with their states."""

from collections.abc import Sequence
from dataclasses import dataclass

from workspace_operator.application.profiles.profiles import Profile
from workspace_operator.console.texts import text
from workspace_operator.console.views.formats import visible
from workspace_operator.identity.values.rules import IdentifierKind, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierLine:
    """An identifier with its state.

    Attributes:
        key: of the texts and of the element.
        value: empty without one.
        copy: the name of the button that copies it; empty if the page does not show the value as it is.
    """

    key: str
    name: str
    value: str
    state: str
    copy: str


def identifier_lines(profile: Profile, mode: Mode) -> Sequence[IdentifierLine]:
    """Id, address and cio_id."""
    person = profile.person
    return [
        _identifier("id", person.id, _id_state(profile, mode)),
        _identifier("email", person.email, _email_state(profile, mode)),
        _identifier("cio_id", person.cio_id, "in_force"),
    ]


def _identifier(key: str, value: str | None, state: str) -> IdentifierLine:
    name, shown = text(f"person.{key}"), visible(value or "")
    return IdentifierLine(
        key=key,
        name=name,
        value=shown,
        state=text(f"person.state.{state}") if value else "",
        copy=text("person.copy", what=name) if value and shown == value else "",
    )


def _id_state(profile: Profile, mode: Mode) -> str:
    if IdentifierKind.ID in profile.suppressed:
        return "suppressed"
    return "generated" if mode is Mode.EMAIL_ONLY else "in_force"


def _email_state(profile: Profile, mode: Mode) -> str:
    if profile.person.email_is_invalid:
        return "invalid"
    if IdentifierKind.EMAIL in profile.suppressed:
        return "suppressed"
    return "attribute" if mode is Mode.ID_ONLY else "in_force"
