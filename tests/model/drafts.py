"""Judging the identifiers of a call on its subject (identity-rules §4, §5)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol, Self

from tests.model.attributes import survivor_of
from tests.model.authority import Wish, allowed, is_nobody_s, is_unset
from tests.model.records import Refused, Someone
from workspace_operator.identity.calls import ABSENT, DELETE, IdentifyCall
from workspace_operator.identity.references import bare_cio_id, key_of
from workspace_operator.identity.rules import CIO_ID, EMAIL, ID, IdentityRules, Kind, Mode


class Everybody(Protocol):
    """What judging asks of the model."""

    rules: IdentityRules

    def find(self, kind: Kind, key: str | None) -> Someone | None: ...
    def is_suppressed(self, kind: Kind, key: str | None) -> bool: ...


@dataclass(kw_only=True)
class Draft:
    """The subject of a call as it will be. ``before`` is None for a newcomer; ``absorbed`` is whom it swallows."""

    person: Someone
    before: Someone | None
    named_by: Kind
    reference_is_a_wish: bool = False
    primary: Someone | None = None
    absorbed: Someone | None = None
    merged: Someone | None = None
    refused: list[Refused] = field(default_factory=list)

    @classmethod
    def of(cls, person: Someone, *, named_by: Kind, reference_is_a_wish: bool = False) -> Self:
        """Somebody who is there."""
        return cls(person=person.copy(), before=person, named_by=named_by, reference_is_a_wish=reference_is_a_wish)

    @classmethod
    def new(cls, person: Someone, *, named_by: Kind) -> Self:
        """Somebody new."""
        return cls(person=person, before=None, named_by=named_by)

    @property
    def cio_ids(self) -> set[str]:
        """Whose identifiers are the subject's own."""
        return {each.cio_id for each in (self.person, self.primary, self.absorbed) if each is not None}

    def refuse(self, kind: str, value: object, *, is_taken: bool = False) -> None:
        self.refused.append(Refused(kind=kind, value=value, is_taken=is_taken))


def judge(everybody: Everybody, draft: Draft, call: IdentifyCall, now: int) -> None:
    """Each identifier on what the one before it left."""
    for kind, value in _wishes(everybody.rules, draft, call):
        key = None if value is None else key_of(kind, value)
        if _is_second_value(draft, call, kind):
            draft.refuse(kind, value)
        elif _is_what_they_have(draft.person, kind, value, key):  # 1
            _write(draft.person, kind, value)
        elif everybody.is_suppressed(kind, key) or _cannot_be_given(everybody, kind, value, key):  # 1, 2
            draft.refuse(kind, value)
        else:
            _judge_owner(everybody, draft, call, kind, value, key, now)
    if call.cio_id is not ABSENT:  # 6
        said = call.cio_id if isinstance(call.cio_id, str) else None
        if said is None or bare_cio_id(said) != draft.person.cio_id:
            draft.refuse(CIO_ID, said)


def _cannot_be_given(everybody: Everybody, kind: Kind, value: str | None, key: str | None) -> bool:
    """No address (2); an unset variable, which says nothing; a reserved id, unless somebody has it (1)."""
    if value is None:
        return False
    return key is None or (
        kind is ID and (is_unset(value) or (is_nobody_s(ID, value) and not everybody.find(ID, value)))
    )


def _judge_owner(
    everybody: Everybody, draft: Draft, call: IdentifyCall, kind: Kind, value: str | None, key: str | None, now: int
) -> None:
    """Rows 3 to 5."""
    rules, owner = everybody.rules, everybody.find(kind, key)
    wish = Wish(rules=rules, call=call, named_by=draft.named_by, person=draft.person, kind=kind, value=value, key=key)
    if (owner is None or owner.cio_id in draft.cio_ids) and allowed(wish):  # 3
        _write(draft.person, kind, value)
    elif owner is not None and _may_merge(rules, draft, call, kind, owner):  # 4
        _merge(draft, owner, now)
        _write(draft.person, kind, value)
    else:  # 3, 5
        draft.refuse(kind, value, is_taken=owner is not None and owner.cio_id not in draft.cio_ids)


def _wishes(rules: IdentityRules, draft: Draft, call: IdentifyCall) -> Iterator[tuple[Kind, str | None]]:
    """The reference's own, email, id, deletions after both."""
    said = {EMAIL: ABSENT if rules.mode is Mode.ID_ONLY else call.email, ID: call.id}
    if draft.reference_is_a_wish:
        yield call.reference.kind, call.reference.value
    yield from ((kind, value) for kind, value in said.items() if isinstance(value, str))
    yield from ((kind, None) for kind, value in said.items() if value is DELETE)


def _is_second_value(draft: Draft, call: IdentifyCall, kind: Kind) -> bool:
    """First table, row d: a second value, or null, of the reference's kind: both are refused."""
    said = call.id if kind is ID else call.email
    if not draft.reference_is_a_wish or kind is not call.reference.kind or said is ABSENT:
        return False
    return said is DELETE or key_of(kind, str(said)) != call.reference.key


def _is_what_they_have(person: Someone, kind: Kind, value: str | None, key: str | None) -> bool:
    if value is None:
        return person.own(kind) is None
    return key is not None and key == person.own(kind)


def _write(person: Someone, kind: Kind, value: str | None) -> None:
    if kind is ID:
        person.id = value
    else:
        person.email = value


def _may_merge(rules: IdentityRules, draft: Draft, call: IdentifyCall, kind: Kind, owner: Someone) -> bool:
    """Row 4 of the second table, and all conditions (identity-rules §4, §5)."""
    subject = draft.before
    if call.by_import or call.reference.kind is CIO_ID or kind is call.reference.kind or subject is None:
        return False
    by_id, by_email = (owner, subject) if kind is ID else (subject, owner)
    on = rules.merge_multi_identifier and rules.mode is Mode.EMAIL_OR_ID
    return on and by_id.email is None and by_email.id is None


def _merge(draft: Draft, other: Someone, now: int) -> None:
    """The older one, by the ages before the call, is primary; a display form that the call gave stays."""
    assert draft.before is not None
    shown = draft.person.email
    draft.primary, draft.absorbed = sorted((draft.before, other), key=lambda each: each.seniority)
    draft.person = survivor_of(draft.primary, draft.absorbed, Mode.EMAIL_OR_ID, now)
    draft.merged = draft.person.copy()
    draft.person.email = shown or draft.person.email
