"""Plan results: what an apply would do for a resource, how it would end, and advice for the user."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from workspace_operator.migrations.model import Migration, OnConflict, disables_email
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.outcomes import KStatus, Outcome
from workspace_operator.reconcile.plan.diff import PlannedChange
from workspace_operator.reconcile.plan.previews import Preview
from workspace_operator.reconcile.plan.sending import PlannedSending
from workspace_operator.reconcile.status.messages import format_people
from workspace_operator.resources.workspaces import KIND
from workspace_operator.workspaces.model import Workspace


class PlanResult(StrEnum):
    """The result of a plan, from good to bad, for one resource and for all; values as in the JSON of a plan."""

    NOTHING = "nothing"
    CHANGES = "changes"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMigration:
    """The predicted course of an identifier change.

    Attributes:
        migration: as it would end.
        stage: its stage now; None if it is not requested yet.
        preview: its effect on the people of now; None after the cut-over.
    """

    migration: Migration
    stage: Stage | None = None
    preview: Preview | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether no person blocks it."""
        return self.preview is None or self.preview.passes(self.migration.on_conflict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A workspace of the same name, in another cluster or in a namespace without a manifest."""

    workspace: Workspace
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedResource:
    """What an apply would do for one resource.

    Attributes:
        kind: the kind of the resource. An Account has changes, notes and an outcome only.
        namespaced_name: NAMESPACE/NAME.
        cluster: the cluster that the manifests belong to.
        workspace_id: None if a workspace would be created.
        sending: the change of the sending rules of an existing workspace; None if they stay.
        notes: what to know before the apply of an Account.
        orphans: if a workspace would be created, workspaces of the same name whose owner may be gone.
        outcome: how condition Ready would end.
    """

    kind: str = KIND
    namespaced_name: str
    cluster: str = ""
    workspace_id: int | None
    notes: tuple[str, ...] = ()
    orphans: tuple[Orphan, ...] = ()
    changes: tuple[PlannedChange, ...] = ()
    identifiers: PlannedMigration | None = None
    sending: PlannedSending | None = None
    outcome: Outcome

    @property
    def title(self) -> str:
        """NAMESPACE/NAME, with the kind if it is not a Workspace."""
        return self.namespaced_name if self.kind == KIND else f"{self.kind} {self.namespaced_name}"

    @property
    def result(self) -> PlanResult:
        """Blocked if the apply would end Stalled: by people, a conflict, an invalid spec, or a suspended resource."""
        if self.outcome.kstatus is KStatus.STALLED:
            return PlanResult.BLOCKED
        return PlanResult.CHANGES if self.changes or self.identifiers else PlanResult.NOTHING

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do next, or to know before the apply."""
        plan, known = self.identifiers, (*self.notes, *(_orphan_advice(orphan, self) for orphan in self.orphans))
        if plan is None or plan.preview is None:
            return known
        context = AdviceContext(namespaced_name=self.namespaced_name, migration=plan.migration, preview=plan.preview)
        return known + tuple(advice for rule in ADVICE if (advice := rule(context)) is not None)


def combined_result(results: Iterable[PlanResult]) -> PlanResult:
    """The result of a whole plan: the worst of its parts."""
    return max(results, key=list(PlanResult).index, default=PlanResult.NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceContext:
    """The inputs of the advice about an identifier change."""

    namespaced_name: str
    migration: Migration
    preview: Preview

    @property
    def duplicates_block(self) -> bool:
        """Whether people who share an address block the change."""
        return bool(self.preview.blocking_violations(self.migration.on_conflict).duplicate_email)


def merge_advice(context: AdviceContext) -> str | None:
    """With Merge: the number of merges, and how to undo one."""
    if context.migration.on_conflict is OnConflict.BLOCK or not context.preview.people_to_merge:
        return None
    return (
        f"{_merge_summary(context.preview)} `workspacectl merges list` lists the merges afterwards; each merge can be "
        "undone."
    )


def merge_option_advice(context: AdviceContext) -> str | None:
    """With Block, if the people who share an address are the only ones that block the change."""
    if not context.duplicates_block or not context.preview.passes(OnConflict.MERGE):
        return None
    return f"With spec.identifiers.onConflict: Merge the change would pass: {_merge_summary(context.preview)}"


def merge_insufficient_advice(context: AdviceContext) -> str | None:
    """With Block, if other people block the change as well."""
    if not context.duplicates_block or context.preview.passes(OnConflict.MERGE):
        return None
    left = format_people(context.preview.people_concerned_beside_sharing)
    return (
        f"With spec.identifiers.onConflict: Merge, {left} would still block the change. Once they are fixed: "
        f"{_merge_summary(context.preview)}"
    )


def dedupe_advice(context: AdviceContext) -> str | None:
    """Without merging: keep the oldest person of each shared address."""
    if not context.duplicates_block:
        return None
    return (
        f"`workspacectl people dedupe --workspace {context.namespaced_name} --keep oldest --dry-run` counts the "
        "people to delete if only the oldest person of each shared address is kept."
    )


def export_advice(context: AdviceContext) -> str | None:
    """The apply exports a list of all people who block the change."""
    if context.preview.passes(context.migration.on_conflict):
        return None
    return (
        f"Once applied, `workspacectl exports get --workspace {context.namespaced_name} --latest -o FILE` lists "
        "the people who block the change. Fix them; or remove from the list whom to keep, and delete the others: "
        "`workspacectl segments create --from-csv`, then `workspacectl people delete --segment`."
    )


def people_without_id_advice(context: AdviceContext) -> str | None:
    """People who are named by email only lose their identifier: email becomes a plain attribute."""
    count = context.preview.people.without_id
    if not disables_email(context.migration.from_mode, context.migration.to_mode) or not count:
        return None
    return f"{_people_have(count)} no id: they stay, and can then be reached by cio_id only, unless they get an id."


def people_without_identifier_advice(context: AdviceContext) -> str | None:
    """People without id and address do not block the change."""
    count = context.preview.people_without_usable_identifier
    if disables_email(context.migration.from_mode, context.migration.to_mode) or not count:
        return None
    return f"{_people_have(count)} neither an id nor an address: they stay, and can be reached by cio_id only."


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
    """How to give the resource a workspace of the same name, if the manifest stands for that one."""
    owner, number = orphan.workspace.owner, orphan.workspace.workspace_id
    of_cluster = "" if owner.cluster == planned.cluster else f" of cluster {owner.cluster}"
    cluster_option = "" if not of_cluster else f" --cluster-id {planned.cluster}"
    return (
        f"A new workspace would be created beside workspace {number} of {owner.namespace}/{owner.name}{of_cluster}, "
        f"which has {format_people(orphan.people)}. If the manifest stands for that one: `workspacectl workspaces "
        f"assign {number} --to {planned.namespaced_name}{cluster_option}`."
    )


def _merge_summary(preview: Preview) -> str:
    become = "becomes" if preview.people_to_merge == 1 else "become"
    ids = "1 id becomes" if preview.ids_given_up == 1 else f"{preview.ids_given_up} ids become"
    return f"{format_people(preview.people_to_merge)} {become} part of another person, and {ids} free."


def _people_have(count: int) -> str:
    return f"{format_people(count)} {'has' if count == 1 else 'have'}"
