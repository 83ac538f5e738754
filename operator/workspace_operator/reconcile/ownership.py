"""Whose workspace it is: made, taken over, adopted, or in dispute (design §4, Ownership).

Of what lies outside its own cluster and namespace a resource is told nothing. The one exception is a workspace of the
very same namespace and name, in a cluster that has become silent: without a word of it a new one would be made, empty.
"""

from workspace_operator.identity.rules import Mode
from workspace_operator.reconcile import messages
from workspace_operator.reconcile.missing import gives_up, is_recreated
from workspace_operator.reconcile.observed import Candidate, Owner, Pulse, StoredWorkspace
from workspace_operator.reconcile.plan import CreateWorkspace, TakeOver
from workspace_operator.reconcile.situations import Situation
from workspace_operator.reconcile.spec_versions import held, is_an_earlier_owner
from workspace_operator.reconcile.steps import Step, first_of
from workspace_operator.reconcile.validity import invalid, problems_of_new_values
from workspace_operator.reconcile.verdicts import Reason, Verdict


def another_workspace_is_to_be_adopted(situation: Situation) -> Step | None:
    """A resource has one workspace; it cannot adopt a second."""
    own, wanted = situation.observed.workspace, situation.resource.adopts
    if own is None or not wanted or wanted == str(own.workspace_id):
        return None
    return _dispute(messages.adopts_another(wanted, own))


def owner_was_made_anew(situation: Situation) -> Step | None:
    """Cluster, namespace and name are ours: an owner of another UID is gone, as a name is taken once."""
    own = situation.observed.workspace
    return None if own is None else _take_over(own, situation.owner)


def take_over_is_held(situation: Situation) -> Step | None:
    """The store's owner is younger than this resource, as after a restore of etcd: a person confirms it first."""
    own = situation.observed.workspace
    if own is None or not is_an_earlier_owner(situation.resource, situation.owner, own):
        return None
    return held(f"workspace {own.workspace_id} is not taken over", situation.resource)


def adoption_is_asked_for(situation: Situation) -> Step | None:
    """The adopt annotation names a workspace, and we have none."""
    wanted, candidate = situation.resource.adopts, situation.observed.adoptable
    if not wanted:
        return None
    if candidate is None or not candidate.is_near(situation.owner):
        return _dispute(messages.adoptable_missing(wanted))
    if not may_be_adopted(candidate, situation.owner):
        return _dispute(messages.adoptable_is_held(candidate))
    return _take_over(candidate.workspace, situation.owner)


def remembered_workspace_is_somebody_elses(situation: Situation) -> Step | None:
    """Our status names a workspace that was given away: making another would hide that."""
    remembered = situation.observed.remembered
    if remembered is None or not remembered.is_near(situation.owner):
        return None
    if gives_up(situation.resource, situation.observed):
        return None
    return _dispute(messages.remembered_is_held(remembered.workspace))


def new_values_are_invalid(situation: Situation) -> Step | None:
    """No workspace is made with texts that no workspace may be given."""
    problems = problems_of_new_values(situation.wish.settings, None)
    return invalid(problems) if problems else None


def wanted_name_is_held(situation: Situation) -> Step | None:
    """No workspace can be made under a display name that another one of the account has."""
    holder = situation.observed.name_holder
    if holder is None:
        return None
    adoptable = may_be_adopted(holder, situation.owner)
    message = messages.name_taken(situation.wish.settings.display_name, holder, situation.owner, adoptable=adoptable)
    return Verdict(reason=Reason.NAME_CONFLICT, message=message)


def another_cluster_may_be_alive(situation: Situation) -> Step | None:
    """A cluster has a workspace of our namespace and name: whether its operator is alive is not known yet."""
    is_known = all(each.pulse is not Pulse.UNKNOWN for each in situation.observed.namesakes)
    if is_known or is_recreated(situation.resource):
        return None
    return Verdict(reason=Reason.PROGRESSING, message=messages.BEING_MADE)


def silent_cluster_has_a_namesake(situation: Situation) -> Step | None:
    """A cluster that is silent has a workspace of our namespace and name: it may be what this resource stands for."""
    is_silent = any(each.pulse is Pulse.SILENT for each in situation.observed.namesakes)
    if not is_silent or is_recreated(situation.resource):
        return None
    return _dispute(messages.namesake_waits(situation.resource))


RULES = (
    take_over_is_held,
    owner_was_made_anew,
    adoption_is_asked_for,
    remembered_workspace_is_somebody_elses,
    new_values_are_invalid,
    wanted_name_is_held,
    another_cluster_may_be_alive,
    silent_cluster_has_a_namesake,
)


def step_of_claim(situation: Situation) -> Step:
    """How a resource that has no workspace of its own comes to one; a new one is EmailOrID by default."""
    return first_of(RULES, situation) or CreateWorkspace(
        owner=situation.owner,
        account=situation.wish.account,
        mode=situation.wish.mode or Mode.EMAIL_OR_ID,
        settings=situation.wish.settings,
        instead_of=situation.resource.previous.workspace_id,
    )


def may_be_adopted(candidate: Candidate, owner: Owner) -> bool:
    """Only what was released, and only within one namespace of one cluster."""
    return candidate.released and candidate.is_near(owner)


def _dispute(message: str) -> Verdict:
    return Verdict(reason=Reason.OWNERSHIP_CONFLICT, message=message)


def _take_over(workspace: StoredWorkspace, owner: Owner) -> TakeOver:
    return TakeOver(workspace_id=workspace.workspace_id, row_version=workspace.row_version, owner=owner)
