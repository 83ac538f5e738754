"""What the rules of identity-rules §4 look at while they judge: the subject, and one wish at a time."""

from dataclasses import dataclass, field
from typing import Final

from workspace_operator.identity.identify.permissions import Operation
from workspace_operator.identity.model.commands import Identify
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CheckedAttribute, Refusal
from workspace_operator.identity.values.rules import ID, IdentifierKind, IdentityRules

_SET: Final = Operation.SET
_CHANGE: Final = Operation.CHANGE
_DELETE: Final = Operation.DELETE


@dataclass(slots=True, kw_only=True)
class PersonDraft:
    """Whom a call concerns. Mutable: each identifier is judged on what the one before it left.

    Attributes:
        identified_by: the identifier by which the caller named the person, which decides the authority (identity-rules
        §3).
        before: the person as stored; None for a new one; after a merge the survivor, as the merge leaves them.
        merged: the primary and the secondary of a merge, as stored.
        cio_id: the subject's.
        id: as left so far.
        email: as left so far.
        email_key: as left so far.
        reference_is_update: the reference matched nobody and is judged like the body (identity-rules §4, row d).
        refusals: in the order of judging.
    """

    identified_by: IdentifierKind
    before: Person | None
    merged: tuple[Person, Person] | None = None
    cio_id: str
    id: str | None
    email: str | None
    email_key: str | None
    reference_is_update: bool = False
    refusals: list[Refusal] = field(default_factory=list)

    def has(self, kind: IdentifierKind) -> bool:
        """Whether there is a value that a wish would change or delete."""
        return (self.id if kind is ID else self.email) is not None

    def write(self, kind: IdentifierKind, value: str | None, key: str | None) -> None:
        """Set, change or delete an identifier; for an email with the same key, take its display form."""
        if kind is ID:
            self.id = value
        else:
            self.email, self.email_key = value, key

    def refuse(self, kind: IdentifierKind | CheckedAttribute, value: object, reason: str) -> None:
        """Record that an identifier, or a judged attribute, keeps its value."""
        self.refusals.append(Refusal(kind=kind, value=value, reason=reason))

    def replace_with_survivor(self, survivor: Person, *, primary: Person, secondary: Person) -> None:
        """Go on as the survivor of a merge; an email keeps the display form that the call gave it."""
        self.before, self.merged = survivor, (primary, secondary)
        self.cio_id, self.id = survivor.cio_id, survivor.id
        if self.email_key != survivor.email_key:
            self.email, self.email_key = survivor.email, survivor.email_key


@dataclass(slots=True, kw_only=True)
class IdentifierUpdate:
    """One wish to be judged.

    ``value`` is None for a deletion; ``key`` is None for that and for an email that is no address. ``blocked``
    says that the value is suppressed, ``owner`` whom it belongs to.
    """

    rules: IdentityRules
    command: Identify
    draft: PersonDraft
    kind: IdentifierKind
    value: str | None
    key: str | None
    suppressed: bool
    owner: Person | None

    @property
    def operation(self) -> Operation:
        """What the wish does to what the subject has."""
        if self.value is None:
            return _DELETE
        return _CHANGE if self.draft.has(self.kind) else _SET
