"""The credentials of our own workspace: made, made anew, kept in their Secret (design §4)."""

from workspace_operator.reconcile.model.actions import ClaimSecret, RotateCredentials
from workspace_operator.reconcile.model.context import OwnedContext
from workspace_operator.reconcile.model.credentials import SecretState
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.model.policy_results import PolicyResult
from workspace_operator.reconcile.status import credential_messages


def rotate_credentials(owned: OwnedContext) -> PolicyResult | None:
    """There are none, others are asked for, or the Secret does not hold those that were made last."""
    credentials, request = owned.observed.credentials, owned.resource.rotation_request
    reason = credentials.rotation_due(request) if credentials else None
    if credentials is None or reason is None:
        return None
    return RotateCredentials(
        workspace_id=owned.workspace.workspace_id,
        after=credentials.number,
        grace=owned.desired.rotation_grace,
        request=request or credentials.request,
        reason=reason,
    )


def await_secret(owned: OwnedContext) -> PolicyResult | None:
    """Credentials were made moments ago, by another operator or just before a crash: the Secret may come any moment."""
    credentials = owned.observed.credentials
    if credentials is None or not credentials.is_being_written:
        return None
    return Outcome(reason=Reason.PROGRESSING, message=credential_messages.secret_is_being_written(owned.resource))


def claim_secret(owned: OwnedContext) -> PolicyResult | None:
    """An earlier resource of this name left the Secret, and it holds what is in force."""
    credentials = owned.observed.credentials
    if credentials is None or credentials.secret is not SecretState.INHERITED:
        return None
    return ClaimSecret(workspace_id=owned.workspace.workspace_id)


def report_foreign_secret(owned: OwnedContext) -> PolicyResult | None:
    """What is not ours is never overwritten."""
    credentials = owned.observed.credentials
    if credentials is None or credentials.secret is not SecretState.FOREIGN:
        return None
    return Outcome(reason=Reason.CREDENTIALS_CONFLICT, message=credential_messages.secret_is_foreign(owned.resource))


def report_refused_secret(owned: OwnedContext) -> PolicyResult | None:
    """The cluster does not let us read or write the Secret: rights, a policy, a quota."""
    credentials = owned.observed.credentials
    if credentials is None or credentials.secret is not SecretState.REFUSED:
        return None
    return Outcome(reason=Reason.CREDENTIALS_REFUSED, message=credential_messages.secret_is_refused(owned.resource))
