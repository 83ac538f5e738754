"""Changes of a draft: decisions are made, replaced and removed, and counted again after a new export.

While they are counted again, decisions up to the cursor are counted and the others are not yet, whoever makes them.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from workspace_operator.application.ports import DecisionRequest, DecisionResult
from workspace_operator.cleanups.decisions import Decision, DecisionKind, planned_person
from workspace_operator.cleanups.evaluation import Evaluation, evaluate_without_address, group_of
from workspace_operator.cleanups.model import CleanupState, StoredDecision
from workspace_operator.identity.model.person import Person
from workspace_operator.store.cleanups.groups import DecisionChange, change_groups
from workspace_operator.store.cleanups.listed_people import ListedPerson, listed_people
from workspace_operator.store.cleanups.requirements import read_facts
from workspace_operator.store.cleanups.rows import KIND_COLUMNS, LockedCleanup, decision_of
from workspace_operator.store.schema.cleanup_tables import cleanup, cleanup_decision


class Maker(NamedTuple):
    """Who makes decisions, when, and by which rule if by one."""

    actor: str
    now: datetime
    rule_position: int | None = None


def decide(locked: LockedCleanup, requests: Sequence[DecisionRequest], maker: Maker) -> Sequence[DecisionResult]:
    """Make decisions, of which each replaces an earlier one about the same person; the refused ones change nothing."""
    wanted = {request.cio_id: request.decision for request in requests}
    facts = read_facts(locked, wanted)
    refusals = facts.refusals(wanted)
    made = {
        cio_id: StoredDecision(
            cio_id=cio_id,
            decision=decision,
            seen_email_key=facts.listed[cio_id].person.email_key,
            seen_survivor_key=facts.survivor_key(decision),
            decided_at=maker.now,
            decided_by=maker.actor,
            rule_position=maker.rule_position,
        )
        for cio_id, decision in wanted.items()
        if cio_id not in refusals
    }
    replaced = {cio_id: facts.stored[cio_id] for cio_id in made if cio_id in facts.stored}
    evaluations = _replace(locked, replaced, made, facts.listed, maker.now) if made else {}
    return [
        DecisionResult(cio_id=cio_id, refusal=refusals[cio_id])
        if cio_id in refusals
        else DecisionResult(cio_id=cio_id, evaluation=_evaluation(facts.listed[cio_id].person, decision, evaluations))
        for cio_id, decision in wanted.items()
    ]


def remove_decisions(locked: LockedCleanup, cio_ids: Collection[str], now: datetime) -> int:
    """Remove decisions; returns how many there were."""
    stored = locked.decisions(cio_ids)
    if stored:
        listed = listed_people(locked.connection, locked.workspace_id, locked.row.export_number, stored)
        _replace(locked, stored, {}, listed, now)
    return len(stored)


def count_again(locked: LockedCleanup, export_number: int, now: datetime, **values: object) -> None:
    """Have the worker count all decisions again, against an export; also write columns of the cleanup."""
    fresh = {"round": locked.row.round + 1, "blocking_change": 0, "refused": 0, "refused_deletions": 0, "cursor": ""}
    state = CleanupState.COUNTING.value
    locked.update(**{**values, **fresh, "state": state, "export_number": export_number, "due_at": now})


def count_batch(locked: LockedCleanup, *, size: int) -> bool:
    """Count up to ``size`` decisions after the cursor; returns whether none is left, so that it is a draft again."""
    is_next = sa.and_(locked.of_cleanup(cleanup_decision), cleanup_decision.c.cio_id > locked.row.cursor)
    query = sa.select(cleanup_decision).where(is_next).order_by(cleanup_decision.c.cio_id).limit(size)
    stored = {row.cio_id: decision_of(row) for row in locked.connection.execute(query)}
    facts = read_facts(locked, {cio_id: each.decision for cio_id, each in stored.items()}, stored)
    counting = facts.counting()
    refusals = {cio_id: facts.stored_refusal(cio_id, counting) for cio_id in stored}
    changes = [
        DecisionChange(facts.listed[cio_id].person, None, each.decision)
        for cio_id, each in stored.items()
        if refusals[cio_id] is None
    ]
    _write_refusals(locked, stored, refusals)
    done = len(stored) < size
    locked.update(
        blocking_change=cleanup.c.blocking_change + change_groups(locked, changes).blocking_change,
        **_refused_values([each for cio_id, each in stored.items() if refusals[cio_id] is not None]),
        **({"state": CleanupState.DRAFT.value, "cursor": ""} if done else {"cursor": max(stored)}),
    )
    return done


def _replace(
    locked: LockedCleanup,
    replaced: Mapping[str, StoredDecision],
    made: Mapping[str, StoredDecision],
    listed: Mapping[str, ListedPerson],
    now: datetime,
) -> Mapping[str, Evaluation]:
    """Replace stored decisions by others, or by none; returns the state of the groups that were counted, by key."""
    locked.delete_decisions(replaced)
    locked.insert_decisions(list(made.values()))
    kinds = Counter(each.decision.kind for each in made.values())
    kinds.subtract(Counter(each.decision.kind for each in replaced.values()))
    values = {KIND_COLUMNS[kind].name: KIND_COLUMNS[kind] + number for kind, number in kinds.items()}
    values["version"] = cleanup.c.version + 1
    counted = [cio_id for cio_id in {**replaced, **made} if _is_counted(locked, cio_id)]
    if any(cio_id not in listed and replaced[cio_id].refusal is None for cio_id in counted):
        # A person was deleted since the export was written, so what its decision changed cannot be told any more.
        count_again(locked, locked.row.export_number, now, **values)
        return {}
    changes = [
        DecisionChange(listed[cio_id].person, _counting(replaced.get(cio_id)), _counting(made.get(cio_id)))
        for cio_id in counted
        if cio_id in listed
    ]
    changed = change_groups(locked, changes)
    refused = [each for cio_id, each in replaced.items() if cio_id in counted and each.refusal is not None]
    values["blocking_change"] = cleanup.c.blocking_change + changed.blocking_change
    locked.update(**values, **_refused_values(refused, sign=-1))
    return changed.evaluations


def _is_counted(locked: LockedCleanup, cio_id: str) -> bool:
    """Whether a decision about a person is, or has to be, part of the counts of this round."""
    return locked.state is CleanupState.DRAFT or cio_id <= locked.row.cursor


def _counting(stored: StoredDecision | None) -> Decision | None:
    return None if stored is None or stored.refusal is not None else stored.decision


def _refused_values(refused: Sequence[StoredDecision], sign: int = 1) -> dict[str, object]:
    deletions = sum(each.decision.kind is DecisionKind.DELETE for each in refused)
    return {
        "refused": cleanup.c.refused + sign * len(refused),
        "refused_deletions": cleanup.c.refused_deletions + sign * deletions,
    }


def _write_refusals(
    locked: LockedCleanup, stored: Mapping[str, StoredDecision], refusals: Mapping[str, str | None]
) -> None:
    """Write which decisions have no effect by now, as far as that has changed."""
    changed = [
        {"of_person": cio_id, "new_refusal": refusals[cio_id]}
        for cio_id, each in stored.items()
        if each.refusal != refusals[cio_id]
    ]
    if changed:
        of_person = cleanup_decision.c.cio_id == sa.bindparam("of_person")
        update = sa.update(cleanup_decision).where(locked.of_cleanup(cleanup_decision), of_person)
        locked.connection.execute(update.values(refusal=sa.bindparam("new_refusal", type_=sa.Text)), changed)


def _evaluation(person: Person, decision: Decision, evaluations: Mapping[str, Evaluation]) -> Evaluation | None:
    """The state of the groups that a person leaves and joins, as one; None while they are not counted."""
    if not evaluations:
        return None
    planned = planned_person(person, decision)
    keys = dict.fromkeys(group_of(each) for each in (person, planned) if each is not None)
    found = [
        evaluate_without_address(planned) if planned and key == planned.cio_id else evaluations[key] for key in keys
    ]
    reasons = dict.fromkeys(reason for evaluation in found for reason in evaluation.reasons)
    return Evaluation(blocking=sum(evaluation.blocking for evaluation in found), reasons=tuple(reasons))
