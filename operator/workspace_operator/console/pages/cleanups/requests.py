"""What a form of the cleanup page asks for, as decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workspace_operator.application.ports import ListedMember
from workspace_operator.cleanups.decisions import CLEAR, DELETE, KEEP, Decision, DecisionKind, correct_to, merge_into
from workspace_operator.cleanups.rules import RuleAction
from workspace_operator.console.core.http import PageRequest
from workspace_operator.errors import InvalidInput

TAKE_BACK = "takeBack"
SAVE = "save"
_PLAIN: Mapping[str, Decision] = {"keep": KEEP, "clear": CLEAR, "delete": DELETE}


@dataclass(frozen=True, slots=True)
class WholeGroup:
    """To decide about all people of a group; without an action, to take their decisions back."""

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
    if asked == TAKE_BACK:
        return WholeGroup(None)
    try:
        return WholeGroup(RuleAction(asked))
    except ValueError:
        raise InvalidInput("the form asks for something that this page does not do", field="do") from None


def shown_people(request: PageRequest) -> Sequence[str]:
    """The cio_ids of the people that the form shows, in their order."""
    return request.form.get("people", ("",))[-1].split()


def changed_decisions(members: Sequence[ListedMember], choices: Choices) -> Mapping[str, Decision]:
    """The choices about people of a group that differ from what is decided, oldest first. Raises InvalidInput."""
    changed = {}
    for member in members:
        value = choices.values.get(member.cio_id)
        present = member.decision.decision if member.decision else None
        if value is None or (present is not None and present.kind == value):
            continue
        changed[member.cio_id] = _decision(members, member, value, choices)
    return changed


def _decision(members: Sequence[ListedMember], member: ListedMember, value: str, choices: Choices) -> Decision:
    if value in _PLAIN:
        return _PLAIN[value]
    if value == DecisionKind.MERGE:
        return merge_into(_survivor(members, member, choices))
    raise InvalidInput("the form has a decision that this page does not offer", field="d")


def _survivor(members: Sequence[ListedMember], member: ListedMember, choices: Choices) -> str:
    """The person to merge into: the one who keeps the address, or else the oldest other who stays."""
    others = [each for each in members if each.cio_id != member.cio_id]
    chosen = {each.cio_id: choices.values.get(each.cio_id) or _present(each) for each in others}
    kept = [each.cio_id for each in others if chosen[each.cio_id] == DecisionKind.KEEP]
    staying = [each.cio_id for each in others if chosen[each.cio_id] not in (DecisionKind.MERGE, DecisionKind.DELETE)]
    found = next(iter((*kept, *staying)), None)
    if found is None:
        raise InvalidInput("everybody of this group would be merged or deleted: keep one", field="d")
    return found


def _present(member: ListedMember) -> str:
    return member.decision.decision.kind if member.decision else ""


def correction(member: ListedMember, one: OnePerson, email: str) -> Decision:
    """The decision to give a person an address, which may be its id."""
    return correct_to((member.id or "") if one.verb == "useid" else email)
