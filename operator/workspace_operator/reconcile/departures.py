"""A resource is being deleted: whether its people go with it (design §4, Deletion)."""

from workspace_operator.reconcile import messages
from workspace_operator.reconcile.credentials import SecretState
from workspace_operator.reconcile.observed import Observed, Owner, StoreAway, StoredWorkspace
from workspace_operator.reconcile.plan import DestroyWorkspace, Event, RemoveSecret
from workspace_operator.reconcile.situations import Departure
from workspace_operator.reconcile.spec_versions import held, is_held
from workspace_operator.reconcile.steps import LeaveAlone, LetGo, Step, first_of
from workspace_operator.reconcile.verdicts import Reason, Verdict
from workspace_operator.reconcile.wishes import Resource
from workspace_operator.resources.display_names import comparison_key
from workspace_operator.resources.workspaces import CONFIRM_DELETE, DeletionPolicy


def step_of_departure(resource: Resource, observed: Observed | StoreAway, owner: Owner) -> Step:
    """What to do for a resource that is being deleted; neither suspend nor an invalid spec holds it up."""
    if not resource.holds_people:
        return LeaveAlone()
    if resource.deletion_policy is DeletionPolicy.RETAIN:
        return LetGo()
    if isinstance(observed, StoreAway):
        return Verdict(reason=Reason.STORE_UNAVAILABLE, message=messages.store_away(resource))
    departure = Departure(resource=resource, observed=observed, owner=owner)
    return first_of(RULES, departure) or LetGo()


def people_belong_to_somebody_else(departure: Departure) -> Step | None:
    """What is not ours is never destroyed, whatever was confirmed."""
    remembered = departure.observed.remembered
    near = remembered.workspace if remembered and remembered.is_near(departure.owner) else None
    workspace = departure.observed.workspace or near
    if workspace is None or workspace == departure.ours:
        return None
    kept = Event(reason="WorkspaceKept", message=messages.not_destroyed(workspace), warning=True)
    return LetGo(events=(kept,))


def deletion_is_not_confirmed(departure: Departure) -> Step | None:
    """The annotation must say the display name in force, in any Unicode form of it."""
    workspace, said = departure.ours, departure.resource.annotations.get(CONFIRM_DELETE)
    if workspace is None or _says_name(said, workspace):
        return None
    message = messages.deletion_not_confirmed(workspace, said)
    return Verdict(reason=Reason.DELETION_NOT_CONFIRMED, message=message)


def destruction_is_held(departure: Departure) -> Step | None:
    """The deletion is that of an older document, as after a restore of etcd: a person confirms it first."""
    workspace = departure.ours
    if workspace is None or not is_held(departure.resource, workspace):
        return None
    return held("the people are not destroyed", departure.resource)


def people_are_to_be_destroyed(departure: Departure) -> Step | None:
    """Policy Delete, and confirmed."""
    workspace = departure.ours
    if workspace is None:
        return None
    return DestroyWorkspace(workspace_id=workspace.workspace_id, row_version=workspace.row_version)


def secret_is_left(departure: Departure) -> Step | None:
    """The people are gone, and the credentials with them; a Secret of somebody else stays."""
    seen = departure.observed.credentials
    return RemoveSecret() if seen is not None and seen.secret is SecretState.OWN else None


def _says_name(said: str | None, workspace: StoredWorkspace) -> bool:
    return said is not None and comparison_key(said) == comparison_key(workspace.settings.display_name)


RULES = (
    people_belong_to_somebody_else,
    deletion_is_not_confirmed,
    destruction_is_held,
    people_are_to_be_destroyed,
    secret_is_left,
)
