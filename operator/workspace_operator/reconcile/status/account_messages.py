"""Messages about accounts: their limit of workspaces, their first workspace and their mail (accounts §2)."""

import shlex
from collections.abc import Sequence

from workspace_operator.reconcile.model.account_resources import AccountResource
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import AccountPlaces, Candidate
from workspace_operator.reconcile.model.sending import LiveSenders
from workspace_operator.reconcile.status.messages import escaped, quoted

MAX_LISTED = 8
"""Workspaces that the message names, released ones first."""


def plan_limit_reached(account: str, places: AccountPlaces, resource: Resource) -> str:
    """The account has no free place for a new workspace: which ones take the places, and how one becomes free."""
    ordered = sorted(places.taken, key=lambda candidate: not candidate.owner_is_gone)
    listed = ", ".join(_listed(candidate, resource) for candidate in ordered[:MAX_LISTED])
    more = f" and {len(ordered) - MAX_LISTED} more" if len(ordered) > MAX_LISTED else ""
    again = (
        "This resource is created by itself when a place is free"
        if resource.is_in_cluster
        else "Run `workspacectl apply` again when a place is free"
    )
    return (
        f"The account {quoted(account)} has {len(ordered)} of at most {places.limit} workspaces, so this one is not "
        f"created and exists nowhere in the store. They are: {listed}{more}. To free a place, delete one with all its "
        f"people, {_command(ordered)}, or raise spec.plan.workspaceLimit of the Account. {again}."
    )


def first_workspace_refused(resource: AccountResource, refusal: str) -> str:
    """The API server does not let the operator create the first workspace; what helps."""
    return (
        f"The first workspace was not created: {escaped(refusal.rstrip('.'))}. Limit, admins and members are in force. "
        f"Create a Workspace with accountName {resource.name} yourself, set spec.firstWorkspace to None, or allow the "
        "operator to create workspaces (the rule is in manifests/rbac). The operator tries again within a minute."
    )


def notice_transport_unknown(transport: str, resource: AccountResource, senders: LiveSenders) -> str:
    """No running sender offers the transport of the notices; which ones are offered."""
    offered = ", ".join(sorted(senders.offered_to(resource.namespace))) or "none"
    return (
        f"No running sender offers the transport {transport} to the namespace {resource.namespace}, so the admins get "
        f"no mail. Offered are: {offered}. Correct spec.notices.transport, or have that transport offered to this "
        "namespace. Limit, admins and members are in force. The operator checks again within a minute."
    )


def _listed(candidate: Candidate, resource: Resource) -> str:
    workspace = candidate.workspace
    released = "released" if resource.is_in_cluster else "not among these manifests"
    return f"{workspace.workspace_id} {workspace.owner.name}" + (f" ({released})" if candidate.owner_is_gone else "")


def _command(ordered: Sequence[Candidate]) -> str:
    """The command that deletes the first workspace of the list, with its name if that is short."""
    workspace = ordered[0].workspace
    name = escaped(shlex.quote(workspace.settings.display_name))
    return f"`workspacectl workspaces delete {workspace.workspace_id} --confirm-name {name}`"
