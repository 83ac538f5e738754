"""Messages about the owner of a workspace: names, adoption, missing workspaces, other clusters."""

from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import Candidate, ObservedState
from workspace_operator.reconcile.status.messages import format_people, quoted
from workspace_operator.resources.statuses import WorkspaceStatus
from workspace_operator.resources.workspaces import ADOPT, RECREATE, RECREATE_NEW
from workspace_operator.workspaces.model import Owner, Workspace

ASSIGN_HINT = "an administrator can give that workspace to this resource with `workspacectl workspaces assign`"

BEING_CREATED = (
    "The workspace is not created yet: the operator first runs a safety check, which takes about a minute at most."
)


def workspace_and_owner(workspace: Workspace) -> str:
    """A workspace and its owner, unambiguous across clusters."""
    owner = workspace.owner
    return f"workspace {workspace.workspace_id} of {owner.namespace}/{owner.name} (cluster {owner.cluster})"


def name_taken(name: str, holder: Candidate, owner: Owner, *, from_annotation: bool) -> str:
    """Another workspace has the wanted display name; how to resolve that."""
    if not holder.is_in_namespace_of(owner):
        return f"The display name {quoted(name)} is taken by another workspace. Choose another spec.displayName."
    holder_text = workspace_and_owner(holder.workspace) + (", whose resource is gone" if holder.owner_is_gone else "")
    remedy = "Choose another spec.displayName, or rename that workspace"
    if from_annotation:
        number = holder.workspace.workspace_id
        remedy = f'To adopt it, set the annotation {ADOPT}: "{number}"; otherwise choose another spec.displayName'
    form = "" if holder.workspace.settings.display_name == name else ", in another Unicode form"
    return f"The display name {quoted(name)} is taken by {holder_text}{form}. {remedy}."


def adoption_target_missing(wanted: str) -> str:
    """The adopt annotation names a workspace that does not exist."""
    return (
        f"The annotation {ADOPT} names workspace {quoted(wanted)}, which does not exist. Correct it, or remove it "
        "to create a new workspace."
    )


def second_adoption(wanted: str, own: Workspace) -> str:
    """The adopt annotation names another workspace than the one that the resource has."""
    return (
        f"The annotation {ADOPT} names workspace {quoted(wanted)}, but this resource already has workspace "
        f"{own.workspace_id}, and can have only one. Remove the annotation, or adopt with a new resource of another "
        "name."
    )


def adoption_target_owned(candidate: Candidate) -> str:
    """The adopt annotation names a workspace of the same namespace that another resource still owns."""
    return (
        f"The annotation {ADOPT} names {workspace_and_owner(candidate.workspace)}, but that resource still exists. "
        f"Remove the annotation, or {ASSIGN_HINT}."
    )


def workspace_reassigned(workspace: Workspace) -> str:
    """The status names a workspace that now belongs to another resource of the same namespace."""
    return (
        f"The workspace of this resource is now {workspace_and_owner(workspace)}. Nothing was changed; {ASSIGN_HINT}. "
        f'To create a new workspace, set the annotation {RECREATE}: "{workspace.workspace_id}".'
    )


def workspace_not_deleted(workspace: Workspace) -> str:
    """The event of a confirmed deletion whose workspace belongs to another resource."""
    return f"Nothing was destroyed: {workspace_and_owner(workspace)} no longer belongs to this resource."


def workspace_missing(resource: Resource, observed: ObservedState) -> str:
    """The workspace that is missing, the likely cause, and how to continue with or without it."""
    number = resource.previous.workspace_id
    return (
        f"{_missing(resource.previous, observed)} Neither the database nor the Secret was changed. The database may be "
        "the wrong one, or restored from a backup that is too old: once it is the right one, the operator continues. "
        f"To give workspace {number} up and {_replacement(observed.workspace)}, set the annotation {RECREATE}: "
        f'"{number}"{_annotation_already_used(resource)}.'
    )


def missing_at_deletion(resource: Resource, observed: ObservedState) -> str:
    """A confirmed deletion finds no workspace to destroy; how to delete the resource anyway."""
    return (
        f"{_missing(resource.previous, observed)} Nothing was destroyed. The database may be the wrong one, or "
        "restored from a backup that is too old: once it is the right one, the deletion continues. To delete the "
        "resource and keep its people, wherever they are, set spec.deletionPolicy to Retain."
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
        return "create a new one"
    return f"use workspace {workspace.workspace_id}, which this database has for this resource"


def _annotation_already_used(resource: Resource) -> str:
    """How to use the same value again, if it was carried out before: each value counts once."""
    if not resource.recreate_annotation or resource.recreate_annotation != resource.previous.last_handled_recreate:
        return ""
    return " (remove its old value first, and wait until status.lastHandledRecreate is gone: each value counts once)"


def silent_namesake(resource: Resource) -> str:
    """A cluster without heartbeat has a workspace of this name; only administrators may see which cluster."""
    return (
        f"The database has a workspace of {resource.namespaced_name} that belongs to another cluster, whose operator "
        "no longer writes its heartbeat. Nothing was changed. If this resource stands for that workspace, an "
        f"administrator moves it: `workspacectl workspaces move --from-cluster ID --namespace {resource.namespace}`, "
        "with the ID from `workspacectl workspaces list --orphans`. To create a new workspace beside it, set the "
        f"annotation {RECREATE}: {RECREATE_NEW}."
    )
