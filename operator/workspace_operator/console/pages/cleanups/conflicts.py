"""Decisions that somebody else made, or removed, after a form of their group was shown."""

from collections.abc import Collection, Mapping, Sequence

from workspace_operator.application.ports import ListedMember
from workspace_operator.cleanups.decisions import Decision
from workspace_operator.console.pages.cleanups.requests import decision_about
from workspace_operator.console.texts import text
from workspace_operator.console.views.cleanups.marks import mark_of
from workspace_operator.console.views.formats import visible


def names_of(decisions: Mapping[str, Decision]) -> Collection[str]:
    """The cio_ids of the people whom decisions are about, and of those to merge into."""
    return {*decisions, *(each.survivor for each in decisions.values() if each.survivor is not None)}


def find_conflicts(
    members: Sequence[ListedMember], marks: Mapping[str, str], wanted: Mapping[str, Decision | None], actor: str
) -> Mapping[str, str]:
    """What is decided by now about people, other than their marks say, by cio_id: a sentence with who did it.

    What the sender of the form decided, in another tab or by a form that overtook this one, is no conflict, and
    neither is what is wanted anyway.

    Args:
        members: the people of whom the form depends on what is decided.
        marks: what the form has shown, by cio_id.
        wanted: what the form decides, by cio_id; None to remove a decision.
        actor: the sender of the form.
    """
    return {
        member.cio_id: _sentence(member)
        for member in members
        if member.cio_id in marks
        and mark_of(decision_about(member)) != marks[member.cio_id]
        and not _is_own(member, actor)
        and not (member.cio_id in wanted and wanted[member.cio_id] == decision_about(member))
    }


def _is_own(member: ListedMember, actor: str) -> bool:
    stored = member.decision
    return stored is not None and stored.rule_position is None and stored.decided_by == actor


def _sentence(member: ListedMember) -> str:
    if member.decision is None:
        return text("cleanup.removed_meanwhile")
    return text("cleanup.decided_meanwhile", who=visible(member.decision.decided_by))
