"""The input of the rules of identity-rules §4: a draft of the person, and one identifier update at a time."""

from dataclasses import dataclass, field

from workspace_operator.identity.identify.permissions import CHANGE, DELETE, SET, Operation
from workspace_operator.identity.model.commands import Identify
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CheckedAttribute, Refusal
from workspace_operator.identity.values.rules import ID, IdentifierKind, IdentityRules


@dataclass(slots=True, kw_only=True)
class PersonDraft:
    """Working copy of the person that a command concerns (the subject of identity-rules §4).

    It is mutable, since each decision about an identifier depends on the result of the decision before.

    Attributes:
        identified_by: the kind of identifier that named the person; it selects the permissions (identity-rules §3).
        before: the person as stored; None for a new person; after a merge the survivor before further updates.
        merged: the primary and the secondary of a merge, as stored.
        id: the id after the decisions so far; likewise the email and its key.
        reference_is_update: the reference matched no person and is an update like the body (identity-rules §4, row d).
        refusals: refused updates, in the order of decision.
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
        """Whether the person has an identifier of this kind."""
        return (self.id if kind is ID else self.email) is not None

    def write(self, kind: IdentifierKind, value: str | None, key: str | None) -> None:
        """Set, change or delete an identifier; an email with the same key gets the new display form."""
        if kind is ID:
            self.id = value
        else:
            self.email, self.email_key = value, key

    def refuse(self, kind: IdentifierKind | CheckedAttribute, value: object, reason: str) -> None:
        """Record that an identifier or a checked attribute keeps its value."""
        self.refusals.append(Refusal(kind=kind, value=value, reason=reason))

    def replace_with_survivor(self, survivor: Person, *, primary: Person, secondary: Person) -> None:
        """Continue with the survivor of a merge; an email with the same key keeps its new display form."""
        self.before, self.merged = survivor, (primary, secondary)
        self.cio_id, self.id = survivor.cio_id, survivor.id
        if self.email_key != survivor.email_key:
            self.email, self.email_key = survivor.email, survivor.email_key


@dataclass(slots=True, kw_only=True)
class IdentifierUpdate:
    """One requested update of an identifier.

    Attributes:
        value: the new value; None deletes the identifier.
        key: the key of the value; None for a deletion, and for an email that is not a valid address.
        suppressed: whether the value is suppressed.
        owner: the person that has the value; None if no person has it.
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
        """Whether the update sets, changes or deletes the identifier."""
        if self.value is None:
            return DELETE
        return CHANGE if self.draft.has(self.kind) else SET
