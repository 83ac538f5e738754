"""How a plan is printed: for people, as JSON for pipelines, and as Markdown for pull requests."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from workspace_operator.cli.support.manifest_files import without_manifest_text
from workspace_operator.cli.support.output import echo
from workspace_operator.migrations.model import OnConflict, Violation
from workspace_operator.reconcile.model.outcomes import Reason
from workspace_operator.reconcile.plan.diff import ChangeKind, PlannedChange
from workspace_operator.reconcile.plan.previews import Preview, ViolationSample
from workspace_operator.reconcile.plan.results import PlannedMigration, PlannedResource, PlanResult, combined_result
from workspace_operator.reconcile.status.messages import escaped, format_people, quoted
from workspace_operator.workspaces.model import Workspace

HEADLINES = {
    PlanResult.NOTHING: "nothing to do",
    PlanResult.CHANGES: "would change",
    PlanResult.BLOCKED: "would wait for a person",
}
VERB_TEXTS = {
    ChangeKind.CREATE: "create",
    ChangeKind.CHANGE_OWNER: "take over",
    ChangeKind.SET: "set",
    ChangeKind.CHANGE_IDENTIFIERS: "change",  # told with all that comes of it
    ChangeKind.CANCEL: "take back the change of",
    ChangeKind.PAUSE: "pause the change of",
    ChangeKind.RESUME: "go on with the change of",
    ChangeKind.RETRY: "check the people again for",
    ChangeKind.DELETE: "destroy",
}


def plan_document(
    planned_resources: Sequence[PlannedResource], without_manifest: Sequence[Workspace] = ()
) -> Mapping[str, Any]:
    """A plan as JSON, with the workspaces that have no manifest; docs/operating.md has every field."""
    return {
        "outcome": combined_result(planned_resources),
        "resources": [_resource_document(each) for each in planned_resources],
        "withoutManifest": [
            {"namespace": each.owner.namespace, "name": each.owner.name, "workspaceID": each.workspace_id}
            for each in without_manifest
        ],
    }


def _resource_document(planned: PlannedResource) -> Mapping[str, Any]:
    namespace, _, name = planned.namespaced_name.partition("/")
    return {
        "namespace": namespace,
        "name": name,
        "workspaceID": planned.workspace_id,
        "outcome": planned.result,
        "reason": planned.outcome.reason,
        "message": planned.outcome.message,
        "steps": [
            {"action": each.kind, "field": each.field or None, "from": each.before, "to": each.after}
            for each in planned.changes
        ],
        "identifierChange": None if planned.identifiers is None else _migration_document(planned.identifiers),
        "advice": list(planned.advice),
    }


def _migration_document(planned: PlannedMigration) -> Mapping[str, Any]:
    migration, preview = planned.migration, planned.preview
    return {
        "from": migration.from_mode,
        "to": migration.to_mode,
        "onConflict": migration.on_conflict,
        "stage": planned.stage,
        "allowed": planned.is_allowed,
        "preview": None if preview is None else _preview_document(preview, migration.on_conflict),
    }


def _preview_document(preview: Preview, on_conflict: OnConflict) -> Mapping[str, Any]:
    return {
        "people": {
            "total": preview.people.total,
            "withEmail": preview.people.with_email,
            "withoutID": preview.people.without_id,
            "withoutIdentifier": preview.people.without_identifier,
        },
        "violations": {str(name): count for name, count in preview.violations.by_violation().items()},
        "peopleConcerned": preview.violations.people_concerned,
        "peopleInTheWay": preview.blocking_violations(on_conflict).people_concerned,
        "sharedAddresses": preview.groups,
        "peopleToMerge": preview.people_to_merge if on_conflict is OnConflict.MERGE else 0,
        "idsGivenUp": preview.ids_given_up if on_conflict is OnConflict.MERGE else 0,
        "ifMerged": {"peopleToMerge": preview.people_to_merge, "idsGivenUp": preview.ids_given_up},
        "peopleWithoutUsableIdentifier": preview.people_without_usable_identifier,
        "samples": {
            str(name): [_sample_document(each) for each in samples] for name, samples in preview.samples.items()
        },
    }


def _sample_document(sample: ViolationSample) -> Mapping[str, Any]:
    return {
        "cioID": sample.cio_id,
        "id": sample.id,
        "email": sample.email,
        "sharing": sample.sharing,
        "sharesWith": list(sample.shares_with),
    }


def print_plan(planned_resources: Sequence[PlannedResource], without_manifest: Sequence[Workspace] = ()) -> None:
    """Print a plan for people: a headline a resource, what would be done, and how it ends."""
    for planned in planned_resources:
        echo("\n".join(_resource_lines(planned)))
    echo(f"\n{_outcome_counts(planned_resources)}. Nothing was changed.")
    if without_manifest:
        echo(without_manifest_text(_workspace_names(without_manifest)))


def print_markdown(planned_resources: Sequence[PlannedResource], without_manifest: Sequence[Workspace] = ()) -> None:
    """Print a plan for a pull request: a table of all resources, and the steps of those that would change.

    What people have written stands in fenced blocks only, so none of it is taken for Markdown or HTML.
    """
    echo(f"### Plan: {_outcome_counts(planned_resources)}\n")
    echo("| workspace | outcome | reason |\n| --- | --- | --- |")
    for planned in planned_resources:
        echo(f"| {planned.namespaced_name} | {HEADLINES[planned.result]} | {planned.outcome.reason} |")
    for planned in planned_resources:
        if planned.result is not PlanResult.NOTHING:
            echo(f"\n#### {planned.namespaced_name}\n\n{_fenced_block(_resource_lines(planned))}")
    echo(f"\nNothing was changed. {without_manifest_text(_workspace_names(without_manifest))}".rstrip())


def _fenced_block(lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _outcome_counts(planned_resources: Sequence[PlannedResource]) -> str:
    return ", ".join(
        f"{sum(each.result is outcome for each in planned_resources)} {words}" for outcome, words in HEADLINES.items()
    )


def _workspace_names(workspaces: Sequence[Workspace]) -> Sequence[str]:
    return sorted(f"{each.owner.namespace}/{each.owner.name}" for each in workspaces)


def _resource_lines(planned: PlannedResource) -> Iterator[str]:
    reason = planned.outcome.reason
    reason_text = f" ({reason})" if planned.result is PlanResult.BLOCKED else ""
    yield f"{planned.namespaced_name}: {HEADLINES[planned.result]}{reason_text}"
    yield from (f"  {_change_line(each)}" for each in planned.changes if each.kind is not ChangeKind.CHANGE_IDENTIFIERS)
    if planned.identifiers is not None:
        yield from (f"  {line}" for line in _migration_lines(planned.identifiers))
    if planned.result is PlanResult.BLOCKED and reason is not Reason.MIGRATION_BLOCKED:
        yield f"  {planned.outcome.message}"
    yield from (f"  → {advice}" for advice in planned.advice)


def _change_line(each: PlannedChange) -> str:
    verb = VERB_TEXTS[each.kind]
    if not each.field and each.before is None:
        return f"{verb} {quoted(each.after or '')}"
    before, after = ("nothing" if value is None else escaped(value) for value in (each.before, each.after))
    return " ".join(filter(None, (verb, each.field, f"to {after}" if each.before is None else f"{before} → {after}")))


def _migration_lines(planned: PlannedMigration) -> Iterator[str]:
    migration, preview = planned.migration, planned.preview
    state = "would be asked for" if planned.stage is None else f"stands at {planned.stage}"
    yield f"identifiers {migration.from_mode} → {migration.to_mode}, onConflict {migration.on_conflict}: {state}"
    if preview is None:
        return
    blocking = preview.blocking_violations(migration.on_conflict)
    summary = "allowed" if planned.is_allowed else f"blocked by {format_people(blocking.people_concerned)}"
    yield f"  {summary}; there are {format_people(preview.people.total)}"
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
        named = ", ".join(f"cio_{each}" for each in sample.shares_with)
        parts.append(f"shares it with {named}" + (f" and {more} more" if more else ""))
    return ", ".join(parts)
