"""Cleanups and decisions as tables and documents."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from workspace_operator.cleanups.model import Cleanup, StoredDecision
from workspace_operator.cleanups.rules import Rule, StoredRule
from workspace_operator.cli.support.output import people_text, time_text

COLUMNS: Final = ("NUMBER", "STATE", "DECISIONS", "APPLIED", "LEFT ALONE", "UNDONE", "CREATED", "BY", "UNDO UNTIL")
FIELDS: Final = ("FIELD", "VALUE")
RULE_COLUMNS: Final = ("RULE", "STATE", "ACTION", "CONDITIONS", "GROUPS", "PEOPLE", "OPEN", "BY")
DECISION_COLUMNS: Final = ("CIO_ID", "DECISION", "DETAIL", "BY", "OUTCOME", "REASON")


def cleanup_row(cleanup: Cleanup) -> tuple[object, ...]:
    """A cleanup as a row of a table."""
    return (
        cleanup.number,
        cleanup.state,
        cleanup.total,
        cleanup.applied,
        cleanup.skipped,
        cleanup.undone + cleanup.undone_in_part,
        time_text(cleanup.created_at),
        cleanup.created_by,
        time_text(cleanup.undo_until),
    )


def fields_of(cleanup: Cleanup) -> Iterator[tuple[str, object]]:
    """A cleanup as a table of fields."""
    yield "CLEANUP", cleanup.number
    yield "MIGRATION", cleanup.migration_number
    yield "STATE", cleanup.state
    yield "VERSION", cleanup.version
    yield "DECISIONS", ", ".join(f"{kind} {number}" for kind, number in cleanup.decisions.items() if number)
    yield "NO EFFECT", cleanup.refused
    yield "BLOCKING", cleanup.people_blocking
    yield "BLOCKING AFTER", cleanup.people_blocking_after
    yield "APPLIED", cleanup.applied
    yield "LEFT ALONE", cleanup.skipped
    yield "UNDONE", f"{cleanup.undone} completely, {cleanup.undone_in_part} partly, {cleanup.not_undone} not at all"
    yield "CREATED", f"{time_text(cleanup.created_at)} by {cleanup.created_by}"
    yield "APPLIED AT", f"{time_text(cleanup.applied_at)} by {cleanup.applied_by}" if cleanup.applied_at else None
    yield "UNDO UNTIL", time_text(cleanup.undo_until)


def cleanup_document(cleanup: Cleanup) -> dict[str, object]:
    """A cleanup as a JSON document."""
    return {
        "number": cleanup.number,
        "migration": cleanup.migration_number,
        "state": cleanup.state,
        "version": cleanup.version,
        "decisions": {kind.value: number for kind, number in cleanup.decisions.items()},
        "refused": cleanup.refused,
        "deletePeople": cleanup.deletions,
        "peopleBlocking": cleanup.people_blocking,
        "peopleBlockingAfter": cleanup.people_blocking_after,
        "applied": cleanup.applied,
        "skipped": cleanup.skipped,
        "undone": cleanup.undone,
        "undoneInPart": cleanup.undone_in_part,
        "notUndone": cleanup.not_undone,
        "createdAt": time_text(cleanup.created_at),
        "createdBy": cleanup.created_by,
        "appliedAt": time_text(cleanup.applied_at),
        "appliedBy": cleanup.applied_by,
        "undoUntil": time_text(cleanup.undo_until),
    }


def count_text(cleanup: Cleanup) -> str:
    """How many people would still block the migration, as a sentence."""
    after, total = cleanup.people_blocking_after, cleanup.total
    decisions = "1 decision" if total == 1 else f"{total} decisions"
    if after is None:
        return f"{decisions}, not counted yet: workspacectl cleanups show"
    if not total:
        return f"{decisions}. {people_text(after)} would block the migration."
    given = "With this decision" if total == 1 else "With these decisions"
    if not after:
        return f"{decisions}. {given}, nobody blocks the migration any more."
    return f"{decisions}. {given}, {people_text(after)} would still block the migration."


def rule_row(stored: StoredRule) -> tuple[object, ...]:
    """A rule as a row of a table."""
    return (
        stored.position,
        stored.state,
        stored.rule.action,
        ", ".join(_conditions(stored.rule)),
        stored.groups,
        stored.people,
        stored.groups_open,
        stored.created_by,
    )


def _conditions(rule: Rule) -> Iterator[str]:
    if rule.max_people is not None:
        yield f"at most {rule.max_people} people"
    yield from (f"equal {name}" for name in rule.equal_attributes)
    if rule.not_called_since is not None:
        yield f"not called since {time_text(datetime.fromtimestamp(rule.not_called_since, UTC))}"
    if rule.suffix:
        yield f"ends with {rule.suffix}"


def rule_document(stored: StoredRule) -> dict[str, object]:
    """A rule as a JSON document."""
    rule = stored.rule
    return {
        "position": stored.position,
        "state": stored.state,
        "action": rule.action,
        "maxPeople": rule.max_people,
        "equalAttributes": list(rule.equal_attributes),
        "notCalledSince": rule.not_called_since,
        "suffix": rule.suffix,
        "groups": stored.groups,
        "people": stored.people,
        "groupsOpen": stored.groups_open,
        "createdAt": time_text(stored.created_at),
        "createdBy": stored.created_by,
    }


def decision_row(stored: StoredDecision) -> tuple[object, ...]:
    """A decision as a row of a table."""
    decision = stored.decision
    detail = decision.email or (f"into {decision.survivor}" if decision.survivor else "")
    reason = stored.reason or stored.refusal or ""
    return (stored.cio_id, decision.kind, detail, stored.decided_by, stored.outcome or "", reason)


def decision_document(stored: StoredDecision) -> dict[str, object]:
    """A decision as a JSON document."""
    return {
        "cioId": stored.cio_id,
        "decision": stored.decision.kind,
        "email": stored.decision.email,
        "into": stored.decision.survivor,
        "decidedAt": time_text(stored.decided_at),
        "decidedBy": stored.decided_by,
        "refusal": stored.refusal,
        "outcome": stored.outcome,
        "reason": stored.reason,
        "mergeId": stored.merge_id,
    }
