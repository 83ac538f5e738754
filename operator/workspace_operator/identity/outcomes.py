"""What came of calls, as values (identity-rules §3, §4)."""

from dataclasses import dataclass
from enum import StrEnum

from workspace_operator.identity.people import Person
from workspace_operator.identity.rules import Kind


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A change of an identifier that the rules do not allow; ``value`` is None for a deletion."""

    kind: Kind
    value: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a call came to, and with whom.

    Attributes:
        effect: what was done.
        person: the person afterwards, or as they last were if they are gone; None if nobody is concerned.
        before: the person before; None if there was none.
        absorbed: who ceased to exist in a merge (identity-rules §5).
        refusals: changes of identifiers that were refused while the rest was applied.
        reason: why nothing was done; empty if something was, or nothing had to be.
    """

    effect: Effect
    person: Person | None = None
    before: Person | None = None
    absorbed: Person | None = None
    refusals: tuple[Refusal, ...] = ()
    reason: str = ""
