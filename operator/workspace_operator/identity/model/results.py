"""What came of calls, as values (identity-rules §3, §4)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.identity.values.text_limits import invisible_characters, quoted

_VALUE: Final = "The value "


class Effect(StrEnum):
    """What a call came to."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    """Nobody matched, and only updates were asked for."""
    IGNORED = "ignored"
    """Accepted without effect: a suppressed reference, an unknown cio_id."""
    REJECTED = "rejected"
    """Not accepted, nothing applied."""
    MERGED = "merged"
    """An explicit merge: ``before`` was primary, ``absorbed`` ceased to exist."""
    RECORDED = "recorded"
    """An event, a device or a membership of a segment was taken."""
    DELETED = "deleted"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"


class CheckedAttribute(StrEnum):
    """An attribute whose values the rules judge, since they decide about people."""

    CREATED_AT = "created_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A change that the rules do not allow: of an identifier, or of an attribute that they judge.

    Attributes:
        kind: what keeps its value.
        value: what was sent, a JSON value; None for a deletion.
        reason: one of `refusal_reasons`.
    """

    kind: IdentifierKind | CheckedAttribute
    value: object
    reason: str

    @property
    def message(self) -> str:
        """The reason for people; if it is about the value, with the value."""
        return _with_value(self.reason, self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What a call came to, and with whom.

    Attributes:
        effect: what was done.
        person: the person afterwards, or as they last were if they are gone; None if nobody is concerned.
        before: the person before; None if there was none.
        absorbed: who ceased to exist in a merge (identity-rules §5).
        refusals: changes that were refused while the rest was applied.
        reason: why nothing was done; empty if something was, or nothing had to be.
        field: of what was rejected, its path in the call, such as ``timestamp``; empty for the whole call.
        value: what was rejected, a JSON value.
        applied_elsewhere: the call named nobody by its reference, but somebody by an identifier in its body, to whom
            it was applied without giving them the reference (identity-rules §4, row d).
        left_out: parts of the call that were ignored, by their names on the wire.
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
        """The reason for people; if it is about a value, with its name and the value."""
        text = _with_value(self.reason, self.value)
        return text if text is self.reason else f"{self.field.rpartition('.')[2]} {text}"


def _with_value(reason: str, value: object) -> str:
    """A reason that is about a value, with that value (shortened) in it; any other reason as it is."""
    if reason == refusal_reasons.INVALID_EMAIL:
        hidden = invisible_characters(str(value))
        return f"{reason[:-1]}: it contains {hidden}, which cannot be seen." if hidden else reason
    return f"{quoted(value)} {reason.removeprefix(_VALUE)}" if reason.startswith(_VALUE) else reason
