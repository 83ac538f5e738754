"""Text helpers, and the messages about specs, suspension, the store and deletion.

Each message is complete: what happened, to what, how many, what to do next.
"""

from collections.abc import Sequence

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import ALLOWED_MODES
from workspace_operator.reconcile.model.desired import ApiObject, Resource
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import CONFIRM_DELETE, RECONCILE_REQUESTED_AT
from workspace_operator.workspaces.model import Workspace

MESSAGE_LENGTH = 1000
"""In characters. The events API allows 1024; conditions use the same text."""

QUOTE_LENGTH = 120

EVERYTHING_IN_FORCE = "Every setting is in force."
SEE_READY = "See the message of condition Ready."
PAUSED = "Nothing is reconciled, and a running identifier change is paused. To resume, set spec.suspend to false."
RESUMED = "spec.suspend is false again: reconciliation and a paused identifier change continue."
NOT_IN_FORCE_WHILE_PAUSED = "Not every setting is in force, because spec.suspend is true. See condition Suspended."


def quoted(text: str) -> str:
    """User input in quotes, on one line, without characters that a terminal interprets."""
    cut = text if len(text) <= QUOTE_LENGTH else text[:QUOTE_LENGTH] + "…"
    return '"' + escaped(cut.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def escaped(text: str) -> str:
    """The text with each unprintable character as an escape sequence."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def truncated(message: str) -> str:
    """The message, cut to `MESSAGE_LENGTH`."""
    return message if len(message) <= MESSAGE_LENGTH else message[: MESSAGE_LENGTH - 1] + "…"


def format_people(count: int) -> str:
    """A number of people with its noun."""
    return "1 person" if count == 1 else f"{count} people"


def invalid(problems: Sequence[Problem]) -> str:
    """Every problem of a spec."""
    listed = "; ".join(str(problem).rstrip(".") for problem in problems)
    return f"Nothing of this spec is applied until it is corrected: {escaped(listed)}."


def account_mismatch(workspace: Workspace) -> str:
    """The workspace is in another account than the spec names; the account of a workspace is immutable."""
    return (
        f"must be {quoted(workspace.account)}, the account of workspace {workspace.workspace_id}: set it back, or "
        "delete this resource with deletionPolicy Retain and create a resource of another name for a new workspace"
    )


def mode_not_reachable(in_force: Mode, wanted: Mode) -> str:
    """The mode in force cannot change to the wanted one."""
    reachable = " or ".join(sorted(ALLOWED_MODES[in_force]))
    return f"may not be {wanted} while {in_force} is in force: keep {in_force}, or change to {reachable}"


def generation_went_back(what: str, resource: Resource) -> str:
    """An operation is held because the spec is older than one that was carried out; how to confirm it."""
    return (
        f"Generation {resource.generation} of this resource is older than one that was already carried out, as after a "
        f"restore of etcd, so {what}. Settings are applied. If this spec is the right one, set the annotation "
        f"{RECONCILE_REQUESTED_AT} to a new value; otherwise apply the newest manifest again."
    )


def store_unavailable(resource: ApiObject) -> str:
    """The database does not respond; an operator retries, without a cluster the next apply does."""
    again = (
        "The operator retries until it responds; the operator's log has the error."
        if resource.is_in_cluster
        else "Run `workspacectl apply` again once it responds."
    )
    return f"The database does not respond. Nothing was read or changed; what was in force stays in force. {again}"


def deletion_not_confirmed(workspace: Workspace, confirmation: str | None) -> str:
    """A deletion with policy Delete lacks its confirmation."""
    name = workspace.settings.display_name
    wrong = "is missing" if confirmation is None else f"is {quoted(confirmation)}, which is not its name"
    return (
        f"Deleting this resource destroys workspace {workspace.workspace_id} and all its people, but the annotation "
        f"{CONFIRM_DELETE} {wrong}. Set it to the exact display name, {quoted(name)}, or set spec.deletionPolicy to "
        "Retain to keep the people."
    )


def workspace_deleted(workspace_id: int) -> str:
    """The event of a completed deletion."""
    return f"Workspace {workspace_id} and all its people were destroyed."
