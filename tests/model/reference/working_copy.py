"""Evaluate the identifiers of an identify command on its subject (identity-rules §4, §5)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol, Self

from tests.model.reference.attributes import survivor_of
from tests.model.reference.permissions import IdentifierUpdate, is_unset, reason_refused, reason_reserved
from tests.model.reference.records import ModelPerson, Refused
from workspace_operator.identity.model.commands import ABSENT, DELETE, Identify
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.references import bare_cio_id, identifier_key
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, IdentifierKind, IdentityRules, Mode


class PeopleLookup(Protocol):
    """The model, as far as identify and unmerge read it; ``rows`` are the rows of the tables that decided."""

    rules: IdentityRules
    rows: set[str]

    def find(self, kind: IdentifierKind, key: str | None) -> ModelPerson | None: ...
    def is_suppressed(self, kind: IdentifierKind, key: str | None) -> bool: ...


@dataclass(kw_only=True)
class Draft:
    """The subject of a call as it will be. ``before`` is None for a newcomer; ``absorbed`` is whom it swallows."""

    person: ModelPerson
    before: ModelPerson | None
    identified_by: IdentifierKind
    reference_is_update: bool = False
    primary: ModelPerson | None = None
    secondary: ModelPerson | None = None
    merged: ModelPerson | None = None
    refused: list[Refused] = field(default_factory=list)

    @classmethod
    def of(cls, person: ModelPerson, *, identified_by: IdentifierKind, reference_is_update: bool = False) -> Self:
        """Somebody who is there."""
        return cls(
            person=person.copy(), before=person, identified_by=identified_by, reference_is_update=reference_is_update
        )

    @classmethod
    def new(cls, person: ModelPerson, *, identified_by: IdentifierKind) -> Self:
        """Somebody new."""
        return cls(person=person, before=None, identified_by=identified_by)

    @property
    def cio_ids(self) -> set[str]:
        """Whose identifiers are the subject's own."""
        return {each.cio_id for each in (self.person, self.primary, self.secondary) if each is not None}

    def refuse(self, kind: str, value: object, reason: str) -> None:
        self.refused.append(Refused(kind=kind, value=value, reason=reason))


def evaluate(people: PeopleLookup, draft: Draft, call: Identify, now: int) -> None:
    """Evaluate each identifier on the result of the one before it."""
    for kind, value in _updates(people.rules, draft, call):
        row, reason = _decide(people, draft, call, kind, value, now)
        people.rows.add(row)
        if reason:
            draft.refuse(kind, value, reason)
        else:
            write(draft.person, kind, value)
    if call.cio_id is not ABSENT:
        people.rows.add("6")
        said = call.cio_id if isinstance(call.cio_id, str) else None
        if said is None or bare_cio_id(said) != draft.person.cio_id:
            draft.refuse(CIO_ID, said, refusal_reasons.CIO_ID_IS_IMMUTABLE)


def _decide(
    people: PeopleLookup, draft: Draft, call: Identify, kind: IdentifierKind, value: str | None, now: int
) -> tuple[str, str]:
    """4, second table: the row that decides, and the reason if it refuses the value."""
    key = None if value is None else identifier_key(kind, value)
    if _is_second_value(draft, call, kind):
        return "d, last sentence", refusal_reasons.CONFLICTING_VALUES
    if _is_own_value(draft.person, kind, value, key):
        return "1", ""
    if people.is_suppressed(kind, key):
        return "2", refusal_reasons.SUPPRESSED
    if value is not None and key is None:
        return "2", refusal_reasons.PLACEHOLDER if is_unset(value) else refusal_reasons.INVALID_EMAIL
    owner = people.find(kind, key)
    reserved = reason_reserved(kind, value)
    if reserved and (owner is None or is_unset(value)):  # 1: a reserved id may name its owner
        return "reserved", reserved
    if owner is None or owner.cio_id in draft.cio_ids:
        update = IdentifierUpdate(
            rules=people.rules,
            call=call,
            identified_by=draft.identified_by,
            person=draft.person,
            kind=kind,
            value=value,
            key=key,
        )
        return "3", reason_refused(update)
    if not _may_merge(people.rules, draft, call, kind, owner):
        return "5", refusal_reasons.OWNED_BY_ANOTHER_PERSON
    _merge(draft, owner, now)
    return "4", ""


def _updates(rules: IdentityRules, draft: Draft, call: Identify) -> Iterator[tuple[IdentifierKind, str | None]]:
    """The reference's own, email, id, deletions after both."""
    said = {EMAIL: ABSENT if rules.mode is Mode.ID_ONLY else call.email, ID: call.id}
    if draft.reference_is_update:
        yield call.reference.kind, call.reference.value
    yield from ((kind, value) for kind, value in said.items() if isinstance(value, str))
    yield from ((kind, None) for kind, value in said.items() if value is DELETE)


def _is_second_value(draft: Draft, call: Identify, kind: IdentifierKind) -> bool:
    """First table, row d: a second value, or null, of the reference's kind: both are refused."""
    said = call.id if kind is ID else call.email
    if not draft.reference_is_update or kind is not call.reference.kind or said is ABSENT:
        return False
    return said is DELETE or identifier_key(kind, str(said)) != call.reference.key


def _is_own_value(person: ModelPerson, kind: IdentifierKind, value: str | None, key: str | None) -> bool:
    if value is None:
        return person.own(kind) is None
    return key is not None and key == person.own(kind)


def write(person: ModelPerson, kind: IdentifierKind, value: str | None) -> None:
    if kind is ID:
        person.id = value
    else:
        person.email = value


def _may_merge(rules: IdentityRules, draft: Draft, call: Identify, kind: IdentifierKind, owner: ModelPerson) -> bool:
    """Row 4 of the second table, and all conditions (identity-rules §4, §5)."""
    subject = draft.before
    if call.by_import or call.reference.kind is CIO_ID or kind is call.reference.kind or subject is None:
        return False
    by_id, by_email = (owner, subject) if kind is ID else (subject, owner)
    on = rules.merge_multi_identifier and rules.mode is Mode.EMAIL_OR_ID
    return on and by_id.email is None and by_email.id is None


def _merge(draft: Draft, other: ModelPerson, now: int) -> None:
    """The older one, by the ages before the call, is primary; a display form that the call gave stays."""
    assert draft.before is not None
    shown = draft.person.email
    draft.primary, draft.secondary = sorted((draft.before, other), key=lambda each: each.age_key)
    draft.person = survivor_of(draft.primary, draft.secondary, Mode.EMAIL_OR_ID, now)
    draft.merged = draft.person.copy()
    draft.person.email = shown or draft.person.email
