"""Prints a plan: as text, as JSON for pipelines, and as Markdown for pull requests."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workspace_operator.cli.support.output import echo
from workspace_operator.migrations.model import OnConflict
from workspace_operator.reconcile.plan.descriptions import HEADLINES, resource_lines
from workspace_operator.reconcile.plan.previews import Preview, ViolationSample
from workspace_operator.reconcile.plan.removals import PlannedRemoval, Removal, RemovalEffect
from workspace_operator.reconcile.plan.results import PlannedMigration, PlannedResource, PlanResult, combined_result
from workspace_operator.reconcile.plan.sending import PlannedSending
from workspace_operator.workspaces.model import Workspace

MAX_NAMED = 5
"""How many workspaces without a manifest are listed by name."""

REMOVAL_HEADLINES = {
    RemovalEffect.NONE: "removed: nothing to do",
    RemovalEffect.KEPT: "removed: people would be kept",
    RemovalEffect.DELETED: "removed: people would be destroyed",
    RemovalEffect.STOPPED: "removed: would be blocked",
    RemovalEffect.ENDED: "removed: limit, admins and members would end",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WholePlan:
    """A plan of all manifests, in their order.

    Attributes:
        removals: the resources whose manifest is gone; empty if the earlier manifests are unknown.
        without_manifest: the other workspaces of the cluster that have no manifest.
    """

    resources: Sequence[PlannedResource]
    removals: Sequence[Removal] = ()
    without_manifest: Sequence[Workspace] = ()

    @property
    def results(self) -> Sequence[PlanResult]:
        """The result of each part."""
        return [*(planned.result for planned in self.resources), *(removal.result for removal in self.removals)]

    @property
    def result(self) -> PlanResult:
        """The worst result of all parts."""
        return combined_result(self.results)


def plan_document(plan: WholePlan) -> dict[str, Any]:
    """Return a plan as a JSON document, whose fields docs/gitops.md describes."""
    return {
        "outcome": plan.result,
        "resources": [_resource_document(planned) for planned in plan.resources],
        "removed": [_removal_document(removal) for removal in plan.removals],
        "withoutManifest": [
            {"namespace": owned.owner.namespace, "name": owned.owner.name, "workspaceID": owned.workspace_id}
            for owned in plan.without_manifest
        ],
    }


def _removal_document(removal: Removal) -> Mapping[str, Any]:
    namespace, _, name = removal.namespaced_name.partition("/")
    of_workspace = removal if isinstance(removal, PlannedRemoval) else None
    workspace = None if of_workspace is None else of_workspace.workspace
    return {
        "kind": removal.kind,
        "namespace": namespace,
        "name": name,
        "workspaceID": None if workspace is None else workspace.workspace_id,
        "outcome": removal.result,
        "deletionPolicy": None if of_workspace is None else of_workspace.deletion_policy,
        "people": 0 if of_workspace is None else of_workspace.people,
        "effect": removal.effect,
        "message": removal.text,
    }


def _resource_document(planned: PlannedResource) -> Mapping[str, Any]:
    namespace, _, name = planned.namespaced_name.partition("/")
    return {
        "kind": planned.kind,
        "namespace": namespace,
        "name": name,
        "workspaceID": planned.workspace_id,
        "outcome": planned.result,
        "reason": planned.outcome.reason,
        "message": planned.outcome.message,
        "steps": [
            {"action": change.kind, "field": change.field or None, "from": change.before, "to": change.after}
            for change in planned.changes
        ],
        "migration": None if planned.identifiers is None else _migration_document(planned.identifiers),
        "sending": None if planned.sending is None else _sending_document(planned.sending),
        "advice": list(planned.advice),
    }


def _sending_document(planned: PlannedSending) -> Mapping[str, Any]:
    preview = planned.preview
    return {
        "waiting": preview.waiting,
        "acceptedInNormal": preview.accepted_in_normal,
        "nextDueTime": None if preview.next_due_at is None else preview.next_due_at.isoformat(),
        "inFlight": preview.in_flight,
        "trackingTemplates": preview.tracking_templates,
        "effects": list(planned.effects),
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
        "peopleBlocking": preview.blocking_violations(on_conflict).people_concerned,
        "sharedAddresses": preview.groups,
        "peopleToMerge": preview.people_to_merge if on_conflict is OnConflict.MERGE else 0,
        "idsGivenUp": preview.ids_given_up if on_conflict is OnConflict.MERGE else 0,
        "ifMerged": {"peopleToMerge": preview.people_to_merge, "idsGivenUp": preview.ids_given_up},
        "peopleWithoutUsableIdentifier": preview.people_without_usable_identifier,
        "samples": {
            str(name): [_sample_document(sample) for sample in samples] for name, samples in preview.samples.items()
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


def print_plan(plan: WholePlan) -> None:
    """Print a plan as text: for each resource a headline, the changes and their outcome."""
    for planned in plan.resources:
        echo("\n".join(resource_lines(planned)))
    for removal in plan.removals:
        echo("\n".join(_removal_lines(removal)))
    echo(f"\n{_outcome_counts(plan)}. Nothing was changed.")
    if plan.without_manifest:
        echo(_without_manifest_text(plan.without_manifest))


def print_markdown(plan: WholePlan) -> None:
    """Print a plan as Markdown: a table of all resources, and the changes of each that is not up to date.

    Text from manifests and people is only in fenced blocks, where it is neither Markdown nor HTML.
    """
    echo(f"### Plan: {_outcome_counts(plan)}\n")
    echo("| workspace | outcome | reason |\n| --- | --- | --- |")
    for planned in plan.resources:
        echo(f"| {planned.title} | {HEADLINES[planned.result]} | {planned.outcome.reason} |")
    for removal in plan.removals:
        echo(f"| {removal.title} | {REMOVAL_HEADLINES[removal.effect]} | Removed |")
    for planned in plan.resources:
        if planned.result is not PlanResult.NOTHING:
            echo(f"\n#### {planned.title}\n\n{_fenced_block(resource_lines(planned))}")
    for removal in plan.removals:
        echo(f"\n#### {removal.title}\n\n{_fenced_block(_removal_lines(removal))}")
    echo(f"\nNothing was changed. {_without_manifest_text(plan.without_manifest)}".rstrip())


def _removal_lines(removal: Removal) -> Iterator[str]:
    yield f"{removal.title}: {REMOVAL_HEADLINES[removal.effect]}"
    yield f"  {removal.text}"


def _fenced_block(lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _outcome_counts(plan: WholePlan) -> str:
    results = plan.results
    return ", ".join(f"{results.count(result)} {words}" for result, words in HEADLINES.items())


def _without_manifest_text(workspaces: Sequence[Workspace]) -> str:
    """Format a remark on workspaces that no manifest describes."""
    if not workspaces:
        return ""
    names = sorted(f"{workspace.owner.namespace}/{workspace.owner.name}" for workspace in workspaces)
    count = "1 workspace of this cluster has" if len(names) == 1 else f"{len(names)} workspaces of this cluster have"
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"{count} no manifest: kept ({', '.join(names[:MAX_NAMED])}{more})"
