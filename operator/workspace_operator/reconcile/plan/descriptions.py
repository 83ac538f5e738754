"""A plan of one resource in words: what an apply would change, and how that would end."""

from collections.abc import Iterator
from typing import Final

from workspace_operator.migrations.model import OnConflict, Violation
from workspace_operator.reconcile.model.outcomes import Reason
from workspace_operator.reconcile.plan.diff import ChangeKind, PlannedChange
from workspace_operator.reconcile.plan.previews import Preview, ViolationSample
from workspace_operator.reconcile.plan.results import PlannedMigration, PlannedResource, PlanResult
from workspace_operator.reconcile.status.messages import escaped, format_people, quoted

HEADLINES: Final = {
    PlanResult.NOTHING: "nothing to do",
    PlanResult.CHANGES: "would change",
    PlanResult.BLOCKED: "would be blocked",
}
VERB_TEXTS: Final = {
    ChangeKind.CREATE: "create",
    ChangeKind.CREATE_FIRST_WORKSPACE: "create the first workspace",
    ChangeKind.CHANGE_OWNER: "take over",
    ChangeKind.SET: "set",
    ChangeKind.CHANGE_IDENTIFIERS: "change",  # `_migration_lines` says it
    ChangeKind.CANCEL: "cancel the migration of",
    ChangeKind.PAUSE: "pause the migration of",
    ChangeKind.RESUME: "resume the migration of",
    ChangeKind.RETRY: "check the people again for",
    ChangeKind.DELETE: "delete",
}


def resource_lines(planned: PlannedResource) -> Iterator[str]:
    """A headline, and below it, indented, the changes of a resource, their outcome and advice."""
    reason = planned.outcome.reason
    reason_text = f" ({reason})" if planned.result is PlanResult.BLOCKED else ""
    yield f"{planned.title}: {HEADLINES[planned.result]}{reason_text}"
    changes = (change for change in planned.changes if change.kind is not ChangeKind.CHANGE_IDENTIFIERS)
    yield from (f"  {_change_line(change)}" for change in changes)
    if planned.identifiers is not None:
        yield from (f"  {line}" for line in _migration_lines(planned.identifiers))
    if planned.sending is not None:
        yield from (f"  {escaped(effect)}" for effect in planned.sending.effects)
    if planned.result is PlanResult.BLOCKED and reason is not Reason.MIGRATION_BLOCKED:
        yield f"  {planned.outcome.message}"
    yield from (f"  → {advice}" for advice in planned.advice)


def _change_line(change: PlannedChange) -> str:
    verb = VERB_TEXTS[change.kind]
    if not change.field and change.before is None:
        return f"{verb} {quoted(change.after or '')}"
    before, after = ("nothing" if value is None else escaped(value) for value in (change.before, change.after))
    values = f"to {after}" if change.before is None else f"{before} → {after}"
    return " ".join(filter(None, (verb, change.field, values)))


def _migration_lines(planned: PlannedMigration) -> Iterator[str]:
    migration, preview = planned.migration, planned.preview
    state = "would be requested" if planned.stage is None else f"is in stage {planned.stage}"
    yield f"identifiers {migration.from_mode} → {migration.to_mode}, onConflict {migration.on_conflict}: {state}"
    if preview is None:
        return
    blocking = preview.blocking_violations(migration.on_conflict)
    total = format_people(preview.people.total)
    yield f"  allowed for {total}" if planned.is_allowed else f"  blocked by {blocking.people_concerned} of {total}"
    for violation, count in preview.violations.by_violation().items():
        if count:
            yield f"  {violation}: {format_people(count)}{_sharing_text(violation, preview, migration.on_conflict)}"
        yield from (f"    {_sample_line(sample)}" for sample in preview.samples.get(violation, ()))


def _sharing_text(violation: Violation, preview: Preview, on_conflict: OnConflict) -> str:
    if violation is not Violation.DUPLICATE_EMAIL:
        return ""
    addresses = "1 address" if preview.groups == 1 else f"{preview.groups} addresses"
    return f" share {addresses}" + (", and would be merged" if on_conflict is OnConflict.MERGE else "")


def _sample_line(sample: ViolationSample) -> str:
    parts = [f"cio_{sample.cio_id}"]
    parts += [f"{kind} {quoted(value)}" for kind, value in (("id", sample.id), ("email", sample.email)) if value]
    others = sample.sharing - 1
    if others:
        more = others - len(sample.shares_with)
        named = ", ".join(f"cio_{cio_id}" for cio_id in sample.shares_with)
        parts.append(f"shares it with {named}" + (f" and {more} more" if more else ""))
    return ", ".join(parts)
