"""Messages about accounts: their limit of workspaces, their first workspace and their mail (accounts §2)."""

import shlex
from collections.abc import Sequence

from workspace_operator.reconcile.model.account_resources import AccountResource, FirstWorkspaceState
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import MAX_LISTED_PLACES, AccountPlaces, Candidate
from workspace_operator.reconcile.model.sending import LiveSenders
from workspace_operator.reconcile.status.messages import EVERYTHING_IN_FORCE, escaped, quoted
from workspace_operator.reconcile.status.sending_messages import not_offered
from workspace_operator.resources.workspaces import RECREATE

CANNOT_CREATE = "cannot create resource"
"""What the authorizer of Kubernetes says of a missing right; a policy or a terminating namespace refuses otherwise."""


def plan_limit_reached(account: str, places: AccountPlaces, resource: Resource) -> str:
    """The account has no free place for a new workspace: which ones take the places, and how one becomes free."""
    ordered = sorted(places.taken, key=lambda candidate: not candidate.owner_is_gone)
    listed = ", ".join(_listed(candidate, resource) for candidate in ordered[:MAX_LISTED_PLACES])
    more = f" and {len(ordered) - MAX_LISTED_PLACES} more" if len(ordered) > MAX_LISTED_PLACES else ""
    again = (
        "The operator creates this one when the account is below its limit"
        if resource.is_in_cluster
        else "Run `workspacectl apply` again when the account is below its limit"
    )
    return (
        f"The account {quoted(account)} has {len(ordered)} of at most {places.limit} workspaces, so this one is not "
        f"created and is not in the database. To make room, {_way_out(ordered, resource)}, or raise "
        f"spec.plan.workspaceLimit of the Account. {again}. The workspaces that count: {listed}{more}."
    )


def account_in_force(workspaces: int, limit: int | None) -> str:
    """Every setting is in force, with `over_limit`."""
    return f"{EVERYTHING_IN_FORCE} {over_limit(workspaces, limit)}".rstrip()


def over_limit(workspaces: int, limit: int | None) -> str:
    """What a limit means for an account that has more workspaces; empty for another account."""
    if limit is None or workspaces <= limit:
        return ""
    return f"The account has {workspaces} of {limit} workspaces; they stay, and no new one is created."


def first_workspace_planned(name: str) -> str:
    """When the first workspace of a new account is created, and by what."""
    return (
        f"The operator creates the Workspace {name} 2 minutes after the Account, unless a Workspace names the account "
        "by then. Without a cluster, `workspacectl apply` prints its manifest."
    )


def first_name_taken(namespace: str, name: str) -> str:
    """The first workspace cannot be created, since a Workspace of another account has its name."""
    return (
        f"The account {namespace}/{name} has no workspace yet, and the Workspace {name} names another account: write "
        f"the manifest of one with another name and accountName {name}, or set spec.firstWorkspace of the Account to "
        "None."
    )


def first_workspace_refused(resource: AccountResource, first: FirstWorkspaceState) -> str:
    """The first workspace has no free name, or the API server does not let the operator create it; what helps."""
    if first.is_taken:
        return (
            f"The first workspace was not created: there is a Workspace {resource.name} already, which does not name "
            "this account, and accountName cannot be changed. Limit, admins and members are in force. Create a "
            f"Workspace of another name with accountName {resource.name}, or set spec.firstWorkspace to None. The "
            "operator tries again within a minute."
        )
    lacks_right = CANNOT_CREATE in first.refusal
    cause = (
        "allow the operator to create workspaces (the rule is in manifests/rbac)" if lacks_right else "remove the cause"
    )
    return (
        f"The first workspace was not created: {escaped(first.refusal.rstrip('.'))}. Limit, admins and members are in "
        f"force. Create a Workspace with accountName {resource.name} yourself, set spec.firstWorkspace to None, or "
        f"{cause}. The operator tries again within a minute."
    )


def store_replaced(resource: AccountResource, store_id: str) -> str:
    """The database is another one than the status names; how to continue with either."""
    known = escaped(resource.previous.store_id or "")
    return (
        f"This Account is in force in the database {known}, but the operator uses the database {store_id}, to which "
        "nothing was written. It may be the wrong one: once it is the right one, the operator continues. To give the "
        f'database {known} up and put the settings in force in this one, set the annotation {RECREATE}: "{known}".'
    )


def notice_transport_unknown(transport: str, resource: AccountResource, senders: LiveSenders) -> str:
    """No running sender offers the transport of the notices; which ones are offered."""
    what = not_offered(
        transport,
        resource.namespace,
        senders,
        field="spec.notices.transport",
        effect="the admins get no mail",
    )
    return f"{what} Limit, admins and members are in force. The operator checks again within a minute."


def _listed(candidate: Candidate, resource: Resource) -> str:
    """Number, display name and resource of a workspace: the first two are what the command that deletes it takes."""
    workspace, owner = candidate.workspace, candidate.workspace.owner
    released = ", released" if resource.is_in_cluster else ", not among these manifests"
    mark = released if candidate.owner_is_gone else ""
    name = quoted(workspace.settings.display_name)
    return f"{workspace.workspace_id} {name} ({owner.namespace}/{owner.name}{mark})"


def _way_out(ordered: Sequence[Candidate], resource: Resource) -> str:
    """How to delete a workspace; the complete command only for a released one, which no resource needs any more."""
    if not resource.is_in_cluster:
        command = "`workspacectl workspaces delete NUMBER --confirm-name NAME`"
        has_manifest = not all(candidate.owner_is_gone for candidate in ordered)
        manifest = " (remove its manifest, too, or the next apply creates it again)" if has_manifest else ""
        return f"delete one that nobody needs with all its people, {command}{manifest}"
    workspace = ordered[0].workspace
    if not ordered[0].owner_is_gone:
        return (
            "delete the Workspace resource of one that nobody needs, after which this message has the command that "
            "deletes it with all its people"
        )
    name = escaped(shlex.quote(workspace.settings.display_name))
    command = f"`workspacectl workspaces delete {workspace.workspace_id} --confirm-name {name}`"
    return f"delete a released one with all its people, {command}"
