"""Policies for credentials: create, rotate, and keep them in their Secret (design §4)."""

from workspace_operator.reconcile.model.actions import ClaimSecret, RotateCredentials
from workspace_operator.reconcile.model.context import OwnedContext
from workspace_operator.reconcile.model.credentials import SecretState
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.model.policy_results import PolicyResult
from workspace_operator.reconcile.status import credential_messages


def rotate_credentials(owned: OwnedContext) -> PolicyResult | None:
    """Rotate if there are no credentials, if requested, or if the Secret does not hold the newest ones."""
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
    """Wait for the Secret of very new credentials, which another operator may still be writing."""
    credentials = owned.observed.credentials
    if credentials is None or not credentials.is_being_written:
        return None
    return Outcome(reason=Reason.PROGRESSING, message=credential_messages.secret_is_being_written(owned.resource))


def claim_secret(owned: OwnedContext) -> PolicyResult | None:
    """Claim the Secret of an earlier resource of this name, if it holds the credentials in force."""
    credentials = owned.observed.credentials
    if credentials is None or credentials.secret is not SecretState.INHERITED:
        return None
    return ClaimSecret(workspace_id=owned.workspace.workspace_id)


def report_foreign_secret(owned: OwnedContext) -> PolicyResult | None:
    """Report a Secret that the operator did not create; it is never overwritten."""
    credentials = owned.observed.credentials
    if credentials is None or credentials.secret is not SecretState.FOREIGN:
        return None
    return Outcome(reason=Reason.CREDENTIALS_CONFLICT, message=credential_messages.secret_is_foreign(owned.resource))


def report_refused_secret(owned: OwnedContext) -> PolicyResult | None:
    """Report that the API server forbids to read or write the Secret: rights, a policy, a quota."""
    credentials = owned.observed.credentials
    if credentials is None or credentials.secret is not SecretState.REFUSED:
        return None
    return Outcome(reason=Reason.CREDENTIALS_REFUSED, message=credential_messages.secret_is_refused(owned.resource))
