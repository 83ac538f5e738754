"""A group of people that block the migration: who they are, what is decided about them, and what can be decided."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from workspace_operator.application.ports import ListedGroup, ListedMember, PersonCursor
from workspace_operator.cleanups.decisions import VIOLATIONS, DecisionKind
from workspace_operator.cleanups.evaluation import OpenReason
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.cleanups.addresses import ListAddress, group_id
from workspace_operator.console.views.cleanups.marks import mark_of
from workspace_operator.console.views.formats import day_of, number, time, visible
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.migrations.model import Violation

LARGE: Final = 50
"""People of a group from which its address looks like a placeholder, and not like one person."""

MAX_CELL: Final = 60
"""Characters of a value in a table."""

MAX_DIFFERENCES: Final = 3

MAX_EMAIL: Final = 320
"""Characters of the field for an address."""

_ENCODED: Final = "xn--"
"""How an internationalized part of a domain begins in an e-mail key."""

_OTHER: Final = ""
_MADE: Final = "created_at"
"""The attribute that is shown as the day when the person was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What a form asked for and was refused, about one person.

    Attributes:
        opens: whether the fields for another address and another person are shown with it.
    """

    cio_id: str
    refusal: str
    email: str = ""
    into: str = ""
    opens: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupContext:
    """What groups are shown with.

    Attributes:
        columns: attributes that are columns, with their positions among the values of a person.
        people: people that decisions merge others into, by cio_id, as far as they are known.
        owners: the people that have an address which a correction gives, by e-mail key.
        attempts: what was refused just now, by cio_id.
    """

    address: ListAddress
    columns: Sequence[tuple[int, str]]
    people: Mapping[str, Person] = field(default_factory=dict)
    owners: Mapping[str, Person] = field(default_factory=dict)
    attempts: Mapping[str, Attempt] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A decision that can be chosen. The value is what the form sends."""

    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text under a decision; with a button that decides something else, if the value is not empty."""

    text: str
    value: str = ""
    button: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """A person of a group.

    Attributes:
        href: the page of the person.
        name: how texts name the person.
        cells: values of the columns.
        opened: whether an address or another person can be given.
        attempt: what was entered and refused; empty texts without.
        can_use_id: whether the id can become the address.
    """

    cio_id: str
    href: str
    name: str
    cells: Sequence[str]
    id: str
    made: str
    last_call: str
    differs: str
    choices: Sequence[Choice]
    notes: Sequence[Note]
    correct_href: str
    cancel_href: str
    opened: bool
    attempt: Attempt
    can_use_id: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupButton:
    """A button that decides about a whole group, and the key that presses it."""

    value: str
    text: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A group.

    Attributes:
        problem: why its people block the migration.
        reasons: why it is open after the decisions.
        hint: what is recommended; empty for nothing.
        more_href: the page of the other people; empty if all are shown.
        people: cio_ids of the people that are shown, as the form sends them.
        shown: marks of the decisions about them that are shown, likewise.
    """

    key: str
    element_id: str
    title: str
    problem: str
    is_open: bool
    reasons: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[PersonRow]
    buttons: Sequence[GroupButton]
    hint: str
    compare_href: str
    more_href: str
    more_text: str
    people: str
    shown: str
    post: str


def group_view(group: ListedGroup, context: GroupContext) -> GroupView:
    """How a group appears."""
    members = group.members
    first = members[0] if members else None
    hidden = group.people - len(members)
    last = PersonCursor(members[-1].created_at, members[-1].cio_id) if members else None
    return GroupView(
        key=group.key,
        element_id=group_id(group.key),
        title=visible(_title(group, first), limit=MAX_CELL * 2),
        problem=_problem(group),
        is_open=not is_settled(group),
        reasons=_reasons(group),
        columns=[visible(name, limit=MAX_CELL) for _, name in context.columns],
        rows=[_row(group, member, context) for member in members],
        buttons=_buttons(group),
        hint=text("cleanup.placeholder") if group.people > LARGE else "",
        compare_href=context.address.compare(group.key) if group.people > 1 else "",
        more_href=context.address.of_group(group.key, last).href if hidden > 0 else "",
        more_text=counted("cleanup.others", hidden),
        people=" ".join(member.cio_id for member in members),
        shown=" ".join(mark_of(member.decision.decision if member.decision else None) for member in members),
        post=context.address.post("decide"),
    )


def _title(group: ListedGroup, first: ListedMember | None) -> str:
    """The address of a group; as its first person writes it, if the key has an encoded domain, which nobody reads."""
    if group.email_key and not (first and first.email and _ENCODED in group.email_key):
        return group.email_key
    return (first and (first.email or first.id)) or group.key


def is_settled(group: ListedGroup) -> bool:
    """Whether nothing is left to decide about a group, nor about those to which its decisions move people."""
    if group.evaluation is None or not group.evaluation.is_settled:
        return False
    return all(member.new_group is None or member.new_group.is_settled for member in group.members)


def name_of(person: Person | ListedMember) -> str:
    """How a text names a person: by id, or else by address."""
    return visible(person.id or person.email or person.cio_id, limit=MAX_CELL)


def shown_value(value: object) -> str:
    """The value of an attribute as text."""
    return "" if value is None else visible(value if isinstance(value, str) else str(value), limit=MAX_CELL)


def _problem(group: ListedGroup) -> str:
    violations = {violation for member in group.members for violation in member.violations}
    said = []
    if Violation.DUPLICATE_EMAIL in violations:
        said.append(text("cleanup.share", people=number(group.people)))
    others = (Violation.INVALID_EMAIL, Violation.SUPPRESSED_EMAIL, Violation.ID_IS_ANOTHER_EMAIL)
    said += [text(f"cleanup.problem.{each}") for each in others if each in violations]
    return ", ".join(said)


def _reasons(group: ListedGroup) -> Sequence[str]:
    if group.evaluation is None or not group.decisions:
        return ()
    return [text(f"cleanup.open.{reason}") for reason in group.evaluation.reasons]


def _buttons(group: ListedGroup) -> Sequence[GroupButton]:
    names: tuple[tuple[str, str], ...] = (("remove", "u"),)
    if group.people > LARGE:
        names = (("clearAll", "c"), *names)
    elif group.people > 1:
        names = (("mergeIntoOldest", "m"), ("clearOthers", "c"), ("deleteOthers", "d"), *names)
    return [GroupButton(value=value, text=text(f"cleanup.do.{value}"), key=key) for value, key in names]


def _row(group: ListedGroup, member: ListedMember, context: GroupContext) -> PersonRow:
    values = [shown_value(member.values[position]) for position, _ in context.columns]
    attempt = context.attempts.get(member.cio_id)
    decided = member.decision.decision if member.decision else None
    is_another = Violation.ID_IS_ANOTHER_EMAIL in member.violations
    return PersonRow(
        cio_id=member.cio_id,
        href=f"{context.address.people_root}/{member.cio_id}",
        name=" ".join((*filter(None, values), name_of(member)))[:MAX_CELL],
        cells=values,
        id=visible(member.id or "", limit=MAX_CELL),
        made=_made(group, member, context),
        last_call=text("cleanup.no_call") if member.last_call is None else time(member.last_call).text,
        differs=_differences(member, context),
        choices=list(_choices(group, member)),
        notes=list(_notes(member, context)),
        correct_href=context.address.opening(member.cio_id, group_id(group.key)),
        cancel_href=context.address.closing(group_id(group.key)),
        opened=member.cio_id == context.address.opened or (attempt is not None and attempt.opens),
        attempt=attempt or Attempt(cio_id=member.cio_id, refusal="", email=(member.email or "")[:MAX_EMAIL]),
        can_use_id=is_another and (decided is None or decided.email != member.id),
    )


def _made(group: ListedGroup, member: ListedMember, context: GroupContext) -> str:
    made = day_of(member.created_at)
    is_first = member is group.members[0] and context.address.after_person is None
    return text("cleanup.oldest", made=made) if is_first and group.people > 1 else made


def _differences(member: ListedMember, context: GroupContext) -> str:
    shown = {_MADE, *(name for _, name in context.columns)}
    others = {name: value for name, value in member.differences.items() if name not in shown}
    said = [
        f"{visible(name, limit=MAX_CELL)}: {shown_value(value) or text('cleanup.no_value')}"
        for name, value in list(others.items())[:MAX_DIFFERENCES]
    ]
    if len(others) > MAX_DIFFERENCES:
        said.append(counted("cleanup.more_differences", len(others) - MAX_DIFFERENCES))
    return ", ".join(said)


def _choices(group: ListedGroup, member: ListedMember) -> Iterator[Choice]:
    decision = member.decision.decision if member.decision else None
    chosen = decision.kind if decision else None
    merged_elsewhere = decision is not None and decision.survivor is not None and group.people < 2
    for kind in (DecisionKind.KEEP, DecisionKind.MERGE, DecisionKind.CLEAR, DecisionKind.DELETE):
        if VIOLATIONS[kind].isdisjoint(member.violations) or (kind is DecisionKind.MERGE and group.people < 2):
            continue
        yield Choice(value=kind, text=text(f"cleanup.choose.{kind}"), is_chosen=kind is chosen)
    if decision is not None and (chosen is DecisionKind.CORRECT or merged_elsewhere):
        said = text("cleanup.corrected", email=visible(decision.email or "", limit=MAX_CELL))
        yield Choice(value=_OTHER, text=text("cleanup.choose.merge") if merged_elsewhere else said, is_chosen=True)


def _notes(member: ListedMember, context: GroupContext) -> Iterator[Note]:
    """The texts under the decision about a person."""
    stored = member.decision
    if attempt := context.attempts.get(member.cio_id):
        yield Note(text=attempt.refusal)
    if stored is not None and stored.refusal is not None:
        yield Note(text=visible(stored.refusal))
    if stored is not None and stored.decision.survivor is not None:
        survivor = context.people.get(stored.decision.survivor)
        name = visible(stored.decision.survivor) if survivor is None else name_of(survivor)
        yield Note(text=text("cleanup.into", person=name))
    if stored is not None and stored.decision.removes_person and member.last_call is not None:
        when = time(member.last_call).text
        yield Note(text=text("cleanup.sent", person=name_of(member), time=when))
    if stored is not None and stored.decision.kind is DecisionKind.CLEAR and member.new_group is not None:
        yield from (Note(text=text(f"cleanup.open.{reason}")) for reason in member.new_group.reasons)
    if stored is not None and stored.decision.email is not None:
        yield from _correction_notes(member, stored.decision.email, context)
    if member.id is None:
        yield Note(text=text("cleanup.no_id"))


def _correction_notes(member: ListedMember, email: str, context: GroupContext) -> Iterator[Note]:
    reasons = member.new_group.reasons if member.new_group else ()
    if OpenReason.TAKEN in reasons:
        owner = context.owners.get(email_key(email) or "")
        if owner is None:
            yield Note(text=text("cleanup.taken"))
        else:
            name = name_of(owner)
            value = f"into {member.cio_id} {owner.cio_id}"
            button = text("cleanup.merge_into", person=name)
            yield Note(text=text("cleanup.taken_by", person=name), value=value, button=button)
    if OpenReason.ID_IS_ANOTHER_EMAIL in reasons and email != member.id:
        yield Note(text=text("cleanup.id_stays"))
    if OpenReason.GIVEN_TO_SEVERAL in reasons:
        yield Note(text=text("cleanup.given"))
    if OpenReason.SUPPRESSED in reasons:
        yield Note(text=text("cleanup.suppressed"))
