"""The sentences that statuses and events carry. Each stands alone: what, how many, what to do next."""

from collections.abc import Sequence

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import ALLOWED_MODES, Migration, OnConflict, Violation, disables_email
from workspace_operator.migrations.state_machine import BEFORE_CUTOVER, Stage
from workspace_operator.reconcile.model.credentials import ObservedCredentials, RotationReason, SecretState
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import Candidate, ObservedState
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.statuses import MigrationStatus, WorkspaceStatus
from workspace_operator.resources.workspaces import (
    ADOPT,
    CONFIRM_DELETE,
    MANAGED_BY,
    MANAGER,
    RECONCILE_REQUESTED_AT,
    RECREATE,
    RECREATE_NEW,
)
from workspace_operator.workspaces.model import Owner, Workspace

MESSAGE_LENGTH = 1000
"""Events are cut at 1024 characters by what carries them; conditions say the same words."""

QUOTE_LENGTH = 120
ASSIGN_HINT = "an administrator may give that workspace to this resource with `workspacectl workspaces assign`"

EVERYTHING_IN_FORCE = "Every setting is in force."
BEING_CREATED = (
    "The workspace is being made: it is not yet certain that this can be done. This takes about a minute at most."
)
PAUSED = (
    "spec.suspend is true, so nothing is reconciled and a running identifier change is paused. Set it to false "
    "to go on."
)
RESUMED = "spec.suspend is false again: reconciliation and a paused identifier change go on."
NOT_IN_FORCE_WHILE_PAUSED = (
    "Not every setting is in force, and spec.suspend is true: nothing is reconciled, and a running identifier "
    "change is paused, until it is set to false."
)

EARLIER_CREDENTIALS_HINT = "status.credentials says until when the earlier ones work."
ROTATION_MESSAGES = {
    RotationReason.NONE_IN_FORCE: "Credentials were made; they are in the Secret {}.",
    RotationReason.REQUESTED: f"As asked for, new credentials are in the Secret {{}}. {EARLIER_CREDENTIALS_HINT}",
    RotationReason.SECRET_ABSENT: (
        f"The Secret {{}} was missing: it is back, with new credentials. {EARLIER_CREDENTIALS_HINT}"
    ),
    RotationReason.SECRET_DIFFERS: (
        f"The Secret {{}} did not hold the credentials in force: it has new ones now. {EARLIER_CREDENTIALS_HINT}"
    ),
}

STAGES_WITHOUT_COUNTS = frozenset({Stage.REQUESTED, Stage.CHECKING})
"""Stages in which what was counted is not yet there, or of an earlier check."""

STAGE_MESSAGES = {
    Stage.REQUESTED: "it waits for the worker",
    Stage.CHECKING: "the people are being checked",
    Stage.PREPARING: "everybody passed, and the switch is being prepared; it waits for the calls under way",
    Stage.SWITCHED: "the new identifiers are in force, and it is being completed",
    Stage.MERGING: "the new identifiers are in force, and people that became one are being put together",
}


def quoted(text: str) -> str:
    """What a user wrote, in quotes, on one line, with nothing that a terminal would act on."""
    cut = text if len(text) <= QUOTE_LENGTH else text[:QUOTE_LENGTH] + "…"
    return '"' + escaped(cut.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def escaped(text: str) -> str:
    """The text with everything that is not printable written as an escape."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def truncated(message: str) -> str:
    """The message, cut where events would be cut anyway."""
    return message if len(message) <= MESSAGE_LENGTH else message[: MESSAGE_LENGTH - 1] + "…"


def format_people(count: int) -> str:
    """A number of people in words."""
    return "1 person" if count == 1 else f"{count} people"


def invalid(problems: Sequence[Problem]) -> str:
    """Everything that is wrong with a spec."""
    listed = "; ".join(str(problem).rstrip(".") for problem in problems)
    return f"Nothing of this spec is applied until it is corrected: {escaped(listed)}."


def account_mismatch(workspace: Workspace) -> str:
    """Why a workspace cannot be in the wanted account; the field cannot be mended in place."""
    return (
        f"must be {quoted(workspace.account)}, the account of workspace {workspace.workspace_id}: delete this resource "
        "with deletionPolicy Retain and create it again so, or take another name for a new workspace"
    )


def mode_not_reachable(in_force: Mode, wanted: Mode) -> str:
    """Why a mode cannot be reached from the one in force."""
    reachable = " or ".join(sorted(ALLOWED_MODES[in_force]))
    return f"may not be {wanted} while {in_force} is in force: that may be kept, or changed to {reachable}"


def in_force(resource: Resource, credentials: ObservedCredentials | None) -> str:
    """All is well; where no Secret can hold credentials, how to come by some."""
    if credentials is None or credentials.secret is not SecretState.NO_CLUSTER or credentials.rotated_at is not None:
        return EVERYTHING_IN_FORCE
    return (
        f"{EVERYTHING_IN_FORCE} Nobody has credentials for it yet: `workspacectl credentials create --workspace "
        f"{resource.namespaced_name}` makes some."
    )


def rotated(reason: RotationReason, resource: Resource) -> str:
    """The event of new credentials, without a word of them."""
    return ROTATION_MESSAGES[reason].format(f"{resource.namespace}/{resource.secret_name}")


def secret_is_being_written(resource: Resource) -> str:
    """New credentials, whose Secret another operator may be writing."""
    return (
        f"New credentials were made a moment ago, and the Secret {resource.secret_name} does not hold them yet. If it "
        "does not get them within 10 seconds, new ones are made."
    )


def secret_is_foreign(resource: Resource) -> str:
    """Somebody else's Secret stands where ours belongs, and how to solve that."""
    name = resource.secret_name
    return (
        f"The Secret {name} was not made for this Workspace, so it is left alone, and the credentials have no place. "
        "Nothing else is held up. Delete that Secret, or hand it over: `kubectl label --overwrite secret "
        f"{name} -n {resource.namespace} {MANAGED_BY}={MANAGER}`. It is looked at again within a minute."
    )


def secret_is_refused(resource: Resource) -> str:
    """What the operator lacks to keep the Secret."""
    return (
        f"The Kubernetes API does not let the operator keep the credentials in the Secret {resource.secret_name}. "
        "Nothing else is held up. Give it the rights of manifests/rbac, and see that no policy or quota forbids that "
        "Secret and that it is not immutable; the operator's log has the answer. It is tried again within a minute."
    )


def generation_went_back(what: str, resource: Resource) -> str:
    """What is not begun for a spec that is older than one that was carried out, and how to confirm it."""
    return (
        f"Generation {resource.generation} of this resource is older than one that was carried out already, as after a "
        f"restore of the cluster's etcd, so {what}. Settings are applied. If this spec is what you want, give the "
        f"annotation {RECONCILE_REQUESTED_AT} a new value; otherwise apply the newest manifest again."
    )


def workspace_and_owner(workspace: Workspace) -> str:
    """Whose a workspace is, in words that hold in any cluster."""
    owner = workspace.owner
    return f"workspace {workspace.workspace_id} of {owner.namespace}/{owner.name} (cluster {owner.cluster})"


def name_taken(name: str, holder: Candidate, owner: Owner, *, from_annotation: bool) -> str:
    """Who holds the wanted display name, and the ways out."""
    if not holder.is_in_namespace_of(owner):
        return f"The display name {quoted(name)} is held by another workspace. Choose another spec.displayName."
    holder_text = workspace_and_owner(holder.workspace) + (", whose resource is gone" if holder.owner_is_gone else "")
    remedy = "Choose another spec.displayName, or rename that workspace"
    if from_annotation:
        number = holder.workspace.workspace_id
        remedy = f'To adopt it, set the annotation {ADOPT}: "{number}"; else choose another spec.displayName'
    form = "" if holder.workspace.settings.display_name == name else ", in another Unicode form"
    return f"The display name {quoted(name)} is held by {holder_text}{form}. {remedy}."


def adoption_target_missing(wanted: str) -> str:
    """An adopt annotation that names nothing."""
    return (
        f"The annotation {ADOPT} names workspace {quoted(wanted)}, which does not exist. Correct it, or remove it "
        "to have a new workspace made."
    )


def second_adoption(wanted: str, own: Workspace) -> str:
    """An adopt annotation on a resource that has a workspace."""
    return (
        f"The annotation {ADOPT} names workspace {quoted(wanted)}, but this resource has workspace "
        f"{own.workspace_id} already, and may not have two. Remove the annotation, or adopt with a new resource of "
        "another name."
    )


def adoption_target_owned(candidate: Candidate) -> str:
    """Why a workspace of our namespace that the adopt annotation names may not be adopted."""
    return (
        f"The annotation {ADOPT} names {workspace_and_owner(candidate.workspace)}, but that resource still exists. "
        f"Remove the annotation, or {ASSIGN_HINT}."
    )


def workspace_reassigned(workspace: Workspace) -> str:
    """Our status names a workspace that belongs to another resource of our namespace."""
    return (
        f"The workspace of this resource is now {workspace_and_owner(workspace)}. Nothing was changed; {ASSIGN_HINT}. "
        f'To have a new workspace made, set the annotation {RECREATE}: "{workspace.workspace_id}".'
    )


def workspace_missing(resource: Resource, observed: ObservedState) -> str:
    """What is missing, why that may be, and how to go on with or without it."""
    number = resource.previous.workspace_id
    return (
        f"{_missing(resource.previous, observed)} Nothing was changed, and the Secret is left alone. The database may "
        "be the wrong one, or restored from a backup that is too old: with the right one everything goes on by itself. "
        f"To give workspace {number} up and {_replacement(observed.workspace)}, set the annotation {RECREATE}: "
        f'"{number}"'
        f"{_annotation_already_used(resource)}."
    )


def missing_at_deletion(resource: Resource, observed: ObservedState) -> str:
    """Why a confirmed deletion cannot destroy anything, and how to let the resource go."""
    return (
        f"{_missing(resource.previous, observed)} Nothing was destroyed. The database may be the wrong one, or "
        "restored from a backup that is too old: with the right one the deletion goes on by itself. To let the "
        "resource go and keep whatever there is of its people, set spec.deletionPolicy to Retain."
    )


def _missing(previous: WorkspaceStatus, observed: ObservedState) -> str:
    number, counted = previous.workspace_id, previous.people
    with_people = f" with {format_people(counted.total)} at the last count" if counted else ""
    if previous.store_id not in (None, observed.store_id):
        return (
            f"This resource has workspace {number}{with_people} in the database {previous.store_id}, but the operator "
            f"uses the database {observed.store_id}."
        )
    return f"The database has no workspace {number} of this resource{with_people}."


def _replacement(workspace: Workspace | None) -> str:
    if workspace is None:
        return "have a new one made"
    return f"go on with workspace {workspace.workspace_id}, which this database has for this resource"


def _annotation_already_used(resource: Resource) -> str:
    """Each value counts once; after its removal it counts again."""
    if not resource.recreate_annotation or resource.recreate_annotation != resource.previous.last_handled_recreate:
        return ""
    return (
        " (remove its present value first, and wait until status.lastHandledRecreate is gone: each value counts once)"
    )


def silent_namesake(resource: Resource) -> str:
    """A workspace of a silent cluster that this resource may stand for; whose it is, only administrators are told."""
    return (
        f"A workspace of {resource.namespaced_name} waits in the database: it belongs to a cluster whose operator "
        "no longer writes its heartbeat. Nothing was changed. If this resource stands for it, an administrator moves "
        f"it here: `workspacectl workspaces move --from-cluster ID --namespace {resource.namespace}`, with the ID that "
        "`workspacectl workspaces list --orphans` shows. To have a new workspace made beside it, set the annotation "
        f"{RECREATE}: {RECREATE_NEW}."
    )


def store_unavailable(resource: Resource) -> str:
    """The database does not answer, and what tries again: an operator, or the next apply."""
    again = (
        "It is tried again until it answers; the operator's log has the error."
        if resource.is_in_cluster
        else "Run `workspacectl apply` again once it does."
    )
    return f"The store does not answer, so nothing was looked at or changed; what was in force stays in force. {again}"


def migration_running(migration: Migration) -> str:
    """How far a change has come, and what was counted of it; the numbers that move are in status.migration."""
    consequences = "" if migration.stage in STAGES_WITHOUT_COUNTS else _consequences(migration)
    return (
        f"The identifiers change from {migration.from_mode} to {migration.to_mode}: {STAGE_MESSAGES[migration.stage]}."
        f"{consequences} Every other setting is in force; status.migration shows the progress."
    )


def _consequences(migration: Migration | MigrationStatus) -> str:
    """What a change means for people, beside what it is made for."""
    has_cut_over = migration.stage not in BEFORE_CUTOVER
    if disables_email(migration.from_mode, migration.to_mode) and migration.people_without_id:
        reached = "can now be reached" if has_cut_over else "will be reached"
        return f" {format_people(migration.people_without_id)} without an id {reached} by cio_id only."
    if not migration.people_to_merge:
        return ""
    become = "became" if has_cut_over else "will become"
    ids = "1 id" if migration.ids_given_up == 1 else f"{migration.ids_given_up} ids"
    return f" {format_people(migration.people_to_merge)} {become} part of somebody else, and {ids} {become} free."


def migration_blocked(migration: Migration, resource: Resource) -> str:
    """Who stands in the way of a change, and how it goes on."""
    return (
        f"The identifiers stay {migration.from_mode}: {format_people(migration.violations.people_concerned)} of "
        f"{migration.people_total} stand in the way of {migration.to_mode}{_violations(migration)}. "
        f"Every other setting is in force. List them with `workspacectl exports get --workspace "
        f"{resource.namespaced_name} --latest -o FILE` and mend them."
        f"{_duplicates_hint(migration)} {_retry_hint(resource)}"
    )


def _retry_hint(resource: Resource) -> str:
    """What tries a blocked change again: an operator by itself, without a cluster the next apply."""
    if not resource.is_in_cluster:
        return "Then run `workspacectl apply` again."
    return (
        "The change is then tried again within a minute, or at once when the annotation "
        f"{RECONCILE_REQUESTED_AT} gets a new value."
    )


def _duplicates_hint(migration: Migration) -> str:
    counts = migration.violations
    if not _blocking_duplicates(migration):
        return ""
    cleaned = " Of people who share an address, `workspacectl people dedupe --keep oldest` keeps the oldest"
    if counts.invalid_email or counts.suppressed_email or counts.id_is_another_email:
        return f"{cleaned}."
    return f"{cleaned}, and spec.identifiers.onConflict: Merge makes them one."


def _blocking_duplicates(migration: Migration) -> int:
    return 0 if migration.on_conflict is OnConflict.MERGE else migration.violations.duplicate_email


def _violations(migration: Migration) -> str:
    counts = migration.violations.by_violation() | {Violation.DUPLICATE_EMAIL: _blocking_duplicates(migration)}
    listed = [f"{violation} {count}" for violation, count in counts.items() if count]
    return f" ({', '.join(listed)}; somebody may count twice)" if listed else ""


def deletion_not_confirmed(workspace: Workspace, confirmation: str | None) -> str:
    """What is missing before people are destroyed."""
    name = workspace.settings.display_name
    wrong = "is missing" if confirmation is None else f"says {quoted(confirmation)}, which is not its name"
    return (
        f"Deleting this resource destroys workspace {workspace.workspace_id} with all its people, but the "
        f"annotation {CONFIRM_DELETE} {wrong}. Set it to the display name exactly, {quoted(name)}, or set "
        "spec.deletionPolicy to Retain to keep the people."
    )


def workspace_not_deleted(workspace: Workspace) -> str:
    """The event of a confirmed deletion that finds the workspace in other hands."""
    return f"Nothing was destroyed: it is {workspace_and_owner(workspace)} by now, not of this resource."


def workspace_deleted(workspace_id: int) -> str:
    """The event of a deletion that is through."""
    return f"Workspace {workspace_id} and all its people were destroyed."


def identifiers_in_force(mode: Mode) -> str:
    """What holds for every call."""
    return f"{mode} and its update rules are in force."


def identifiers_changed(before: Mode, now: Mode, migration: MigrationStatus | None) -> str:
    """The event of a switch, and what it meant for people if the newest change is the one that made it."""
    text = f"The identifiers changed from {before} to {now}."
    if migration is None or (migration.from_mode, migration.to_mode) != (before, now):
        return text
    undo = " `workspacectl merges list` names who was put together so far." if migration.people_to_merge else ""
    return f"{text}{_consequences(migration)}{undo}"
