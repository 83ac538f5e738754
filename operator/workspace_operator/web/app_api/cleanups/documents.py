"""JSON documents of migrations, of the people that block them, and of cleanups (track-api.md §2)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from workspace_operator.application.ports import DecisionResult, ListedGroup, ListedMember
from workspace_operator.cleanups.evaluation import Evaluation
from workspace_operator.cleanups.model import Cleanup, CleanupState, StoredDecision
from workspace_operator.cleanups.rules import StoredRule
from workspace_operator.cleanups.undo import UndoPreview
from workspace_operator.migrations.model import Migration, Violation
from workspace_operator.web.app_api.documents import attribute_text


def migration_document(migration: Migration) -> dict[str, Any]:
    """An identifier change; its counts are those of the newest check."""
    return {
        "number": migration.number,
        "from": migration.from_mode.value,
        "to": migration.to_mode.value,
        "on_conflict": migration.on_conflict.value,
        "stage": migration.stage.value,
        "stage_since": seconds(migration.stage_since),
        "paused": migration.paused,
        "requested_at": seconds(migration.requested_at),
        "started_at": seconds(migration.started_at),
        "completed_at": seconds(migration.completed_at),
        "estimated_completion": seconds(migration.estimated_completion),
        "people_total": migration.people_total,
        "people_checked": migration.people_checked,
        "people_without_id": migration.people_without_id,
        "people_without_identifier": migration.people_without_identifier,
        "people_to_merge": migration.people_to_merge,
        "people_merged": migration.people_merged,
        "ids_given_up": migration.ids_given_up,
        "people_blocking": migration.violations.people_concerned,
        "violations": {violation.value: count for violation, count in migration.violations.by_violation().items()},
        "export": migration.export,
    }


def group_document(group: ListedGroup, attributes: Sequence[str], draft: Cleanup | None) -> dict[str, Any]:
    """People who share an address, or one person; ``draft`` is the cleanup whose decisions are shown."""
    return {
        "key": group.key,
        "email": group.email_key,
        "people": group.people,
        "decisions": group.decisions,
        **_state_document(group.evaluation, is_counting=_is_counting(group, draft)),
        "members": [_member_document(member, attributes) for member in group.members],
    }


def _is_counting(group: ListedGroup, draft: Cleanup | None) -> bool:
    """Whether the state of a group without an evaluation is being counted; otherwise nothing is decided about it."""
    if draft is None:
        return False
    return draft.state is CleanupState.COUNTING or any(member.decision is not None for member in group.members)


def _member_document(member: ListedMember, attributes: Sequence[str]) -> dict[str, Any]:
    values = zip(attributes, member.values, strict=True)
    return {
        "cio_id": member.cio_id,
        "id": member.id,
        "email": member.email,
        "created_at": member.created_at,
        "violations": [violation.value for violation in Violation if violation in member.violations],
        "last_call": seconds(member.last_call),
        "decision": None if member.decision is None else decision_document(member.decision),
        "attributes": {name: attribute_text(value) for name, value in values if value is not None},
    }


def cleanup_document(cleanup: Cleanup) -> dict[str, Any]:
    """A cleanup with its numbers."""
    return {
        "number": cleanup.number,
        "migration": cleanup.migration_number,
        "state": cleanup.state.value,
        "version": cleanup.version,
        "decisions": {kind.value: count for kind, count in cleanup.decisions.items()},
        "refused": cleanup.refused,
        "delete_people": cleanup.deletions,
        "people_blocking": cleanup.people_blocking,
        "people_blocking_after": cleanup.people_blocking_after,
        "applied": cleanup.applied,
        "skipped": cleanup.skipped,
        "undone": cleanup.undone,
        "undone_in_part": cleanup.undone_in_part,
        "not_undone": cleanup.not_undone,
        "created_at": seconds(cleanup.created_at),
        "created_by": cleanup.created_by,
        "applied_at": seconds(cleanup.applied_at),
        "applied_by": cleanup.applied_by,
        "ended_at": seconds(cleanup.ended_at),
        "undo_until": seconds(cleanup.undo_until),
    }


def decision_document(stored: StoredDecision) -> dict[str, Any]:
    """A decision, why it has no effect, and what became of it."""
    return {
        "cio_id": stored.cio_id,
        "action": stored.decision.kind.value,
        "email": stored.decision.email,
        "into": stored.decision.survivor,
        "error": stored.refusal,
        "rule": stored.rule_position,
        "decided_at": seconds(stored.decided_at),
        "decided_by": stored.decided_by,
        "outcome": None if stored.outcome is None else stored.outcome.value,
        "reason": stored.reason,
    }


def preview_document(preview: UndoPreview) -> dict[str, Any]:
    """What would be restored of a cleanup."""
    return {
        "decisions": preview.decisions,
        "examined": len(preview.examined),
        "whole": preview.whole,
        "in_part": preview.in_part,
        "not_undone": preview.not_undone,
        "reasons": {reason.value: count for reason, count in preview.reasons.items()},
    }


def rule_document(stored: StoredRule) -> dict[str, Any]:
    """A rule, and what it decides about."""
    rule = stored.rule
    return {
        "position": stored.position,
        "state": stored.state.value,
        "action": rule.action.value,
        "max_people": rule.max_people,
        "equal_attributes": list(rule.equal_attributes),
        "not_called_since": rule.not_called_since,
        "suffix": rule.suffix,
        "groups": stored.groups,
        "people": stored.people,
        "groups_open": stored.groups_open,
        "created_at": seconds(stored.created_at),
        "created_by": stored.created_by,
    }


def result_document(result: DecisionResult) -> dict[str, Any]:
    """What became of a decision in a request: the state of the groups that it changes, or why it was refused."""
    if result.refusal is not None:
        return {"cio_id": result.cio_id, "error": result.refusal}
    return {"cio_id": result.cio_id, **_state_document(result.evaluation, is_counting=True)}


def _state_document(evaluation: Evaluation | None, *, is_counting: bool) -> dict[str, Any]:
    if evaluation is None:
        return {"group": "counting" if is_counting else "open", "reasons": []}
    state = "settled" if evaluation.is_settled else "open"
    return {"group": state, "reasons": [reason.value for reason in evaluation.reasons]}


def seconds(at: datetime | None) -> int | None:
    """A time in Unix seconds."""
    return None if at is None else int(at.timestamp())
