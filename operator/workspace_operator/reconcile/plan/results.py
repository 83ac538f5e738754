"""What an apply would do for one resource, and how it would end; what the person who reads that should know."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from workspace_operator.migrations.model import Migration, OnConflict, disables_email
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.outcomes import KStatus, Outcome
from workspace_operator.reconcile.plan.diff import PlannedChange
from workspace_operator.reconcile.plan.previews import Preview
from workspace_operator.reconcile.status.messages import format_people
from workspace_operator.workspaces.model import Workspace


class PlanResult(StrEnum):
    """What a plan comes to, for one resource and for all; values as in the JSON of a plan."""

    NOTHING = "nothing"
    CHANGES = "changes"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMigration:
    """What would become of an identifier change.

    Attributes:
        change: as it would end.
        stage: where it stands now; None if it has not been asked for yet.
        preview: what it would do to the people of now; None once it has switched.
    """

    migration: Migration
    stage: Stage | None = None
    preview: Preview | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether nobody stands in its way."""
        return self.preview is None or self.preview.passes(self.migration.on_conflict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A workspace beside which a new one would be made: of another cluster, or of a namespace without a manifest."""

    workspace: Workspace
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedResource:
    """What an apply would do for one resource.

    Attributes:
        title: NAMESPACE/NAME.
        cluster: the cluster that the manifests are of.
        workspace_id: None if a workspace would be made.
        verdict: how condition Ready would end.
        orphans: workspaces of the same name that nobody may be left to own, if a workspace would be made.
    """

    namespaced_name: str
    cluster: str = ""
    workspace_id: int | None
    orphans: tuple[Orphan, ...] = ()
    changes: tuple[PlannedChange, ...] = ()
    identifiers: PlannedMigration | None = None
    outcome: Outcome

    @property
    def result(self) -> PlanResult:
        """What it comes to."""
        return next(result for rule, result in RESULT_RULES if rule(self))

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do next, or to know before."""
        planned, orphans = self.identifiers, tuple(_orphan_advice(each, self) for each in self.orphans)
        if planned is None or planned.preview is None:
            return orphans
        context = AdviceContext(
            namespaced_name=self.namespaced_name, migration=planned.migration, preview=planned.preview
        )
        return orphans + tuple(advice for rule in ADVICE if (advice := rule(context)) is not None)


def is_blocked(planned: PlannedResource) -> bool:
    """The apply would end Stalled: people stand in the way, a conflict, an impossible wish, or suspended."""
    return planned.outcome.kstatus is KStatus.STALLED


def has_changes(planned: PlannedResource) -> bool:
    """There is something to do, or an identifier change under way that goes on."""
    return bool(planned.changes) or planned.identifiers is not None


def is_in_force(planned: PlannedResource) -> bool:  # noqa: ARG001 - a rule that always holds
    """Nothing is left to do."""
    return True


RESULT_RULES: tuple[tuple[Callable[[PlannedResource], bool], PlanResult], ...] = (
    (is_blocked, PlanResult.BLOCKED),
    (has_changes, PlanResult.CHANGES),
    (is_in_force, PlanResult.NOTHING),
)


def combined_result(planned_resources: Iterable[PlannedResource]) -> PlanResult:
    """What a whole plan comes to: the worst of its resources."""
    found = {each.result for each in planned_resources}
    return next((result for _, result in RESULT_RULES if result in found), PlanResult.NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceContext:
    """What advice about an identifier change rests on."""

    namespaced_name: str
    migration: Migration
    preview: Preview

    @property
    def duplicates_block(self) -> bool:
        """Whether people who share an address stand in the way."""
        return bool(self.preview.blocking_violations(self.migration.on_conflict).duplicate_email)


def merge_advice(context: AdviceContext) -> str | None:
    """With Merge: how many, and that it can be undone one by one."""
    if context.migration.on_conflict is OnConflict.BLOCK or not context.preview.people_to_merge:
        return None
    return (
        f"{_merge_summary(context.preview)} `workspacectl merges list` names them afterwards, and each merge can be "
        "undone by itself."
    )


def merge_option_advice(context: AdviceContext) -> str | None:
    """With Block, and nobody but people who share an address in the way."""
    if not context.duplicates_block or not context.preview.passes(OnConflict.MERGE):
        return None
    return f"With spec.identifiers.onConflict: Merge it would go through: {_merge_summary(context.preview)}"


def merge_insufficient_advice(context: AdviceContext) -> str | None:
    """With Block, and others in the way, too."""
    if not context.duplicates_block or context.preview.passes(OnConflict.MERGE):
        return None
    left = format_people(context.preview.people_concerned_beside_sharing)
    return (
        f"With spec.identifiers.onConflict: Merge, {left} would still stand in the way; once they are mended, "
        f"{_merge_summary(context.preview)}"
    )


def dedupe_advice(context: AdviceContext) -> str | None:
    """Without merging: keep one of each."""
    if not context.duplicates_block:
        return None
    return (
        f"`workspacectl people dedupe --workspace {context.namespaced_name} --keep oldest --dry-run` counts who would "
        "go if only the oldest of those who share an address was kept."
    )


def export_advice(context: AdviceContext) -> str | None:
    """A list of all is made when the change is asked for."""
    if context.preview.passes(context.migration.on_conflict):
        return None
    return (
        f"Once applied, `workspacectl exports get --workspace {context.namespaced_name} --latest -o FILE` lists "
        "everybody who stands in the way. Mend them, or delete rows from the list and the people in the rest: "
        "`workspacectl segments create --from-csv`, then `workspacectl people delete --segment`."
    )


def people_without_id_advice(context: AdviceContext) -> str | None:
    """Addresses become plain attributes."""
    count = context.preview.people.without_id
    if not disables_email(context.migration.from_mode, context.migration.to_mode) or not count:
        return None
    return f"{_people_have(count)} no id: they stay, and are reached by cio_id only, unless they get an id before."


def people_without_identifier_advice(context: AdviceContext) -> str | None:
    """Neither an id nor an address: that holds nothing up."""
    count = context.preview.people_without_usable_identifier
    if disables_email(context.migration.from_mode, context.migration.to_mode) or not count:
        return None
    return f"{_people_have(count)} neither an id nor an address: they stay, and are reached by cio_id only."


ADVICE = (
    merge_advice,
    merge_option_advice,
    merge_insufficient_advice,
    dedupe_advice,
    export_advice,
    people_without_id_advice,
    people_without_identifier_advice,
)


def _orphan_advice(orphan: Orphan, planned: PlannedResource) -> str:
    """A workspace of the same name that may be what the manifest stands for, and how to give it to the resource."""
    owner, number = orphan.workspace.owner, orphan.workspace.workspace_id
    of_cluster = "" if owner.cluster == planned.cluster else f" of cluster {owner.cluster}"
    place = "" if not of_cluster else f" --cluster-id {planned.cluster}"
    return (
        f"A new workspace would be made beside workspace {number} of {owner.namespace}/{owner.name}{of_cluster}, which "
        f"has {format_people(orphan.people)}. If the manifest stands for that one: `workspacectl workspaces assign "
        f"{number} --to {planned.namespaced_name}{place}`."
    )


def _merge_summary(preview: Preview) -> str:
    become = "becomes" if preview.people_to_merge == 1 else "become"
    ids = "1 id becomes" if preview.ids_given_up == 1 else f"{preview.ids_given_up} ids become"
    return f"{format_people(preview.people_to_merge)} {become} part of somebody else, and {ids} free."


def _people_have(count: int) -> str:
    return f"{format_people(count)} {'has' if count == 1 else 'have'}"
