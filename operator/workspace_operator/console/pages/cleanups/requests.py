"""What a form of the cleanup page asks for, as decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workspace_operator.application.ports import ListedMember
from workspace_operator.cleanups.decisions import CLEAR, DELETE, KEEP, Decision, DecisionKind, correct_to, merge_into
from workspace_operator.cleanups.rules import RuleAction
from workspace_operator.console.core.http import PageRequest
from workspace_operator.console.views.cleanups.marks import kind_of
from workspace_operator.errors import InvalidInput

REMOVE = "remove"
SAVE = "save"
_PLAIN: Mapping[str, Decision] = {"keep": KEEP, "clear": CLEAR, "delete": DELETE}


@dataclass(frozen=True, slots=True)
class WholeGroup:
    """To decide about all people of a group; without an action, to remove their decisions."""

    action: RuleAction | None


@dataclass(frozen=True, slots=True)
class OnePerson:
    """To give a person another address, or to merge it into one that is named.

    Attributes:
        verb: ``correct``, ``into`` or ``useid``.
        target: cio_id of the person to merge into, if the form names one itself.
    """

    verb: str
    cio_id: str
    target: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What is chosen about each person, by cio_id."""

    values: Mapping[str, str]


def parse_request(request: PageRequest) -> WholeGroup | OnePerson | Choices:
    """Read the form of a group. Raises InvalidInput."""
    asked = request.form.get("do", (SAVE,))[-1]
    verb, _, rest = asked.partition(" ")
    if verb in ("correct", "into", "useid"):
        cio_id, _, target = rest.partition(" ")
        return OnePerson(verb, cio_id, target)
    if asked == SAVE:
        people = shown_people(request)
        chosen = {cio_id: request.form.get(f"d{position}", ("",))[-1] for position, cio_id in enumerate(people)}
        return Choices({cio_id: value for cio_id, value in chosen.items() if value})
    if asked == REMOVE:
        return WholeGroup(None)
    try:
        return WholeGroup(RuleAction(asked))
    except ValueError:
        raise InvalidInput("the form asks for something that this page does not do", field="do") from None


def shown_people(request: PageRequest) -> Sequence[str]:
    """The cio_ids of the people that the form shows, in their order."""
    return request.form.get("people", ("",))[-1].split()


def shown_marks(request: PageRequest) -> Mapping[str, str]:
    """The marks of the decisions that the form has shown, by cio_id. Raises InvalidInput."""
    people, marks = shown_people(request), request.form.get("shown", ("",))[-1].split()
    if len(people) != len(marks):
        raise InvalidInput("the form does not say which decisions it has shown: load the page again", field="shown")
    return dict(zip(people, marks, strict=True))


def changed_decisions(
    members: Sequence[ListedMember], choices: Choices, marks: Mapping[str, str]
) -> Mapping[str, Decision]:
    """What the sender of a form changed in what it has shown, oldest person first. Raises InvalidInput.

    If another person is to keep the address now, the merges into the one who was to keep it before follow.
    """
    before = {member.cio_id: _kind_before(member, marks) for member in members}
    after = {cio_id: choices.values.get(cio_id, kind) for cio_id, kind in before.items()}
    changed = {
        member.cio_id: _decision(members, member, after)
        for member in members
        if after[member.cio_id] != before[member.cio_id] or _follows(members, member, before, after)
    }
    present = {member.cio_id: decision_about(member) for member in members}
    return {cio_id: decision for cio_id, decision in changed.items() if decision != present[cio_id]}


def decision_about(member: ListedMember) -> Decision | None:
    """The decision that is stored about a person; None for none."""
    return member.decision.decision if member.decision else None


def _kind_before(member: ListedMember, marks: Mapping[str, str]) -> str:
    """The kind of the decision that the form has shown, or that is stored about somebody whom it does not show."""
    if member.cio_id in marks:
        return kind_of(marks[member.cio_id]) or ""
    decision = decision_about(member)
    return decision.kind if decision else ""


def _follows(
    members: Sequence[ListedMember], member: ListedMember, before: Mapping[str, str], after: Mapping[str, str]
) -> bool:
    """Whether a merge went into the person to merge into by itself, and that is another one now."""
    decision, survivor = decision_about(member), _survivor(members, member, after)
    if after[member.cio_id] != DecisionKind.MERGE or decision is None or decision.survivor is None:
        return False
    return survivor not in (None, decision.survivor) and decision.survivor == _survivor(members, member, before)


def _decision(members: Sequence[ListedMember], member: ListedMember, kinds: Mapping[str, str]) -> Decision:
    value = kinds[member.cio_id]
    if value in _PLAIN:
        return _PLAIN[value]
    if value != DecisionKind.MERGE:
        raise InvalidInput("the form has a decision that this page does not offer", field="d")
    survivor = _survivor(members, member, kinds)
    if survivor is None:
        raise InvalidInput("everybody of this group would be merged or deleted: keep one", field="d")
    return merge_into(survivor)


def _survivor(members: Sequence[ListedMember], member: ListedMember, kinds: Mapping[str, str]) -> str | None:
    """The person to merge into: the one who keeps the address, or else the oldest other who stays; None for nobody."""
    others = [each.cio_id for each in members if each.cio_id != member.cio_id]
    kept = [cio_id for cio_id in others if kinds[cio_id] == DecisionKind.KEEP]
    staying = [cio_id for cio_id in others if kinds[cio_id] not in (DecisionKind.MERGE, DecisionKind.DELETE)]
    return next(iter((*kept, *staying)), None)


def correction(member: ListedMember, one: OnePerson, email: str) -> Decision:
    """The decision to give a person an address, which may be its id."""
    return correct_to((member.id or "") if one.verb == "useid" else email)
