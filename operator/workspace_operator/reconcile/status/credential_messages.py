"""Messages about credentials and the Secret that holds them."""

from workspace_operator.reconcile.model.credentials import ObservedCredentials, RotationReason, SecretState
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.status.messages import EVERYTHING_IN_FORCE
from workspace_operator.resources.workspaces import MANAGED_BY, MANAGER

EARLIER_CREDENTIALS_HINT = "status.credentials has the time until which the earlier ones work."
ROTATION_MESSAGES = {
    RotationReason.NONE_IN_FORCE: "Credentials were created in the Secret {}.",
    RotationReason.REQUESTED: f"As requested, the Secret {{}} has new credentials. {EARLIER_CREDENTIALS_HINT}",
    RotationReason.SECRET_ABSENT: (
        f"The Secret {{}} was missing and was created again with new credentials. {EARLIER_CREDENTIALS_HINT}"
    ),
    RotationReason.SECRET_DIFFERS: (
        f"The Secret {{}} did not hold the credentials in force; it now has new ones. {EARLIER_CREDENTIALS_HINT}"
    ),
}


def in_force(resource: Resource, credentials: ObservedCredentials | None) -> str:
    """Every setting is in force; without a cluster, how to create the first credentials."""
    if credentials is None or credentials.secret is not SecretState.NO_CLUSTER or credentials.rotated_at is not None:
        return EVERYTHING_IN_FORCE
    return (
        f"{EVERYTHING_IN_FORCE} The workspace has no credentials yet: create them with "
        f"`workspacectl credentials create --workspace {resource.namespaced_name}`."
    )


def rotated(reason: RotationReason, resource: Resource) -> str:
    """The event of new credentials, without their values."""
    return ROTATION_MESSAGES[reason].format(f"{resource.namespace}/{resource.secret_name}")


def secret_is_being_written(resource: Resource) -> str:
    """The Secret lacks new credentials that another operator may be about to write."""
    return (
        f"New credentials exist, but the Secret {resource.secret_name} does not hold them yet. If it lacks them after "
        "10 seconds, the operator creates others."
    )


def secret_is_foreign(resource: Resource) -> str:
    """A Secret that the operator did not create has the name of the resource's Secret."""
    name = resource.secret_name
    return (
        f"The Secret {name} was not made for this Workspace, so the operator does not write the credentials to it. "
        "All settings are applied. Delete that Secret, or hand it over: `kubectl label --overwrite secret "
        f"{name} -n {resource.namespace} {MANAGED_BY}={MANAGER}`. The operator checks again within a minute."
    )


def secret_is_refused(resource: Resource) -> str:
    """The API server forbids the operator to read or write the Secret."""
    return (
        f"The Kubernetes API does not let the operator keep the credentials in the Secret {resource.secret_name}. "
        "All settings are applied. Grant the rights of manifests/rbac, and check that no policy or quota forbids the "
        "Secret and that it is not immutable; the operator's log has the error. The operator retries within a minute."
    )
