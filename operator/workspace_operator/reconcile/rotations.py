"""The credentials of our own workspace: made, made anew, kept in their Secret (design §4)."""

from workspace_operator.reconcile import messages
from workspace_operator.reconcile.credentials import SecretState
from workspace_operator.reconcile.plan import ClaimSecret, RotateCredentials
from workspace_operator.reconcile.situations import Holding
from workspace_operator.reconcile.steps import Step
from workspace_operator.reconcile.verdicts import Reason, Verdict


def credentials_are_due(holding: Holding) -> Step | None:
    """There are none, others are asked for, or the Secret does not hold those that were made last."""
    seen, request = holding.observed.credentials, holding.resource.rotation_request
    cause = seen.rotation_due(request) if seen else None
    if seen is None or cause is None:
        return None
    return RotateCredentials(
        workspace_id=holding.workspace.workspace_id,
        after=seen.number,
        grace=holding.wish.rotation_grace,
        request=request or seen.request,
        cause=cause,
    )


def secret_is_being_written(holding: Holding) -> Step | None:
    """Credentials were made moments ago, by another operator or just before a crash: the Secret may come any moment."""
    seen = holding.observed.credentials
    if seen is None or not seen.is_being_written:
        return None
    return Verdict(reason=Reason.PROGRESSING, message=messages.secret_is_being_written(holding.resource))


def secret_is_inherited(holding: Holding) -> Step | None:
    """An earlier resource of this name left the Secret, and it holds what is in force."""
    seen = holding.observed.credentials
    if seen is None or seen.secret is not SecretState.INHERITED:
        return None
    return ClaimSecret(workspace_id=holding.workspace.workspace_id)


def secret_is_foreign(holding: Holding) -> Step | None:
    """What is not ours is never overwritten."""
    seen = holding.observed.credentials
    if seen is None or seen.secret is not SecretState.FOREIGN:
        return None
    return Verdict(reason=Reason.CREDENTIALS_CONFLICT, message=messages.secret_is_foreign(holding.resource))


def secret_is_refused(holding: Holding) -> Step | None:
    """The cluster does not let us read or write the Secret: rights, a policy, a quota."""
    seen = holding.observed.credentials
    if seen is None or seen.secret is not SecretState.REFUSED:
        return None
    return Verdict(reason=Reason.CREDENTIALS_REFUSED, message=messages.secret_is_refused(holding.resource))
