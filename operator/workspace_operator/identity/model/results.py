"""Results of commands, as values (identity-rules §3, §4)."""

from enum import StrEnum
from typing import Final, TypeAlias

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.identity.values.text_limits import invisible_characters, quoted
from workspace_operator.identity.values.value_objects import value_object

_VALUE: Final = "The value "


class Effect(StrEnum):
    """The effect of a command."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    """No person matched, and the command was update-only."""
    IGNORED = "ignored"
    """Accepted without effect: the reference is suppressed, or matches no person."""
    REJECTED = "rejected"
    """Not accepted; nothing was applied."""
    MERGED = "merged"
    """An explicit merge; ``before`` was the primary, and ``secondary`` ceased to exist."""
    RECORDED = "recorded"
    """An event, a device or a segment membership was recorded."""
    DELETED = "deleted"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"


class CheckedAttribute(StrEnum):
    """An attribute whose value the rules check, since it decides about age."""

    CREATED_AT = "created_at"


@value_object(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused update of an identifier or of a checked attribute.

    Attributes:
        kind: the identifier or attribute, which keeps its value.
        value: the requested value, a JSON value; None for a deletion.
        reason: one of `refusal_reasons`.
    """

    kind: IdentifierKind | CheckedAttribute
    value: object
    reason: str

    @property
    def message(self) -> str:
        """The reason to display; if it is about the value, with the value."""
        return _with_value(self.reason, self.value)


@value_object(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """The result of a command.

    Attributes:
        effect: what the command did.
        person: the person after the command, or before a deletion; None if no person is concerned.
        before: the person before the command; None if there was none.
        secondary: the person that ceased to exist in a merge (identity-rules §5).
        refusals: updates that were refused while the rest was applied.
        reason: why the command had no effect; empty if it had one, or if there was nothing to change.
        field: the path of the rejected value in the request, such as ``timestamp``; empty for the whole request.
        value: the rejected value, a JSON value.
        applied_elsewhere: whether the command was applied to a person that its reference does not name: a body
            identifier matched the person, and the reference was refused (identity-rules §4, row d).
        ignored_parts: parts of the request that were ignored, by their names on the wire.
    """

    effect: Effect
    person: Person | None = None
    before: Person | None = None
    secondary: Person | None = None
    refusals: tuple[Refusal, ...] = ()
    reason: str = ""
    field: str = ""
    value: object = None
    applied_elsewhere: bool = False
    ignored_parts: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """The reason to display; if it is about a value, with its name and the value."""
        text = _with_value(self.reason, self.value)
        return text if text is self.reason else f"{self.field.rpartition('.')[2]} {text}"


CommandResultOrError: TypeAlias = CommandResult | InvalidInput
"""Result of a command. An error is returned, not raised, so that the other commands of the batch are executed."""


def _with_value(reason: str, value: object) -> str:
    """A reason that is about a value, with that value (shortened); any other reason unchanged."""
    if reason == refusal_reasons.INVALID_EMAIL:
        hidden = invisible_characters(str(value))
        return f"{reason[:-1]}: it contains {hidden}, which cannot be seen." if hidden else reason
    return f"{quoted(value)} {reason.removeprefix(_VALUE)}" if reason.startswith(_VALUE) else reason
