"""The status of a Workspace and of an Account; only the operator writes it (design §4, accounts §3)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from workspace_operator.identity.values.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.resources.documents import INT64, MAX_SAFE_INTEGER, Count, Document, Toggle
from workspace_operator.sending.rules import SendMode

ECHO_MAX_LENGTH = 256
"""Characters of a request annotation that the operator keeps."""

NOT_OBSERVED = -1
"""The observedGeneration of a status that the operator has not written yet."""

PENDING = "Pending"
"""The reason of Ready before the first reconcile."""

DEFAULT_STATUS = {
    "conditions": [
        {
            "type": "Ready",
            "status": "Unknown",
            "observedGeneration": NOT_OBSERVED,
            "lastTransitionTime": "1970-01-01T00:00:00Z",
            "reason": PENDING,
            "message": "The operator has not reconciled this resource yet.",
        }
    ],
    "observedGeneration": NOT_OBSERVED,
}
"""The default status of a new resource. The condition has the same generation as the status, since tools refuse a
status of several generations (kubernetes.md §2). A default can only have a constant time."""

QUALIFIED_NAME = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
)
REASON = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
ObservedGeneration = Annotated[int, Field(ge=NOT_OBSERVED, le=MAX_SAFE_INTEGER, json_schema_extra=INT64)]
LIST_MAP = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}


class ConditionType(StrEnum):
    """The conditions that the operator writes."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    IDENTIFIERS_APPLIED = "IdentifiersApplied"
    SENDING_APPLIED = "SendingApplied"
    SUSPENDED = "Suspended"


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Document):
    """One aspect of the resource's state."""

    type: Annotated[str, Field(min_length=1, max_length=316, pattern=QUALIFIED_NAME)]
    """type is the name of the condition: Ready, Reconciling, Stalled, IdentifiersApplied, SendingApplied or
    Suspended."""

    status: ConditionStatus
    """status is True if the condition holds, else False or Unknown."""

    observed_generation: ObservedGeneration
    """observedGeneration is the metadata.generation that the condition is based on; -1 before the first reconcile."""

    last_transition_time: datetime
    """lastTransitionTime is the time of the last change of status."""

    reason: Annotated[str, Field(min_length=1, max_length=1024, pattern=REASON)]
    """reason is the cause in one CamelCase word, for programs."""

    message: Annotated[str, Field(min_length=1, max_length=32768)]
    """message is the cause as text: what happened, how many, and what to do next."""


Conditions = Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra=LIST_MAP)]
Echo = Annotated[str, Field(min_length=1, max_length=ECHO_MAX_LENGTH)]


def ready_condition(conditions: tuple[Condition, ...]) -> Condition | None:
    """The condition Ready, if there is one."""
    return next((condition for condition in conditions if condition.type == ConditionType.READY), None)


class IdentifiersInForce(Document):
    """The identifiers in force, which hold for every request."""

    mode: Mode | None = None
    """mode is the mode in force."""

    email_updates: EmailUpdates | None = None
    """emailUpdates is the setting in force."""

    id_updates: IDUpdates | None = None
    """idUpdates is the setting in force."""


class People(Document):
    """The counts of people at the last reconcile."""

    total: Count = 0
    """total is the number of people."""

    with_email: Count = 0
    """withEmail is the number of people who have an email, whether or not it is a valid address."""

    without_id: Count = 0
    """withoutID is the number of people who have no id, so that only email or cio_id identifies them."""


class Violations(Document):
    """The number of people by violation (identity-rules §7); a person can have several."""

    duplicate_email: Count = 0
    """duplicateEmail is the number of people whose address another person has, too."""

    invalid_email: Count = 0
    """invalidEmail is the number of people whose email is not a valid address."""

    suppressed_email: Count = 0
    """suppressedEmail is the number of people whose address is suppressed."""

    id_is_another_email: Count = 0
    """idIsAnotherEmail is the number of people whose id is an e-mail address other than their email."""


class MigrationStatus(Document):
    """The newest migration, that is, change of identifiers."""

    from_mode: Mode
    """from is the mode before the migration."""

    to_mode: Mode
    """to is the mode after the migration."""

    on_conflict: OnConflict = OnConflict.BLOCK
    """onConflict is the value of spec.identifiers.onConflict: what happens to people who share an address. It has an
    effect from IDOnly to EmailOrID only."""

    stage: Stage
    """stage is the stage of the migration. Before Switched the old mode holds for every request, from then on the new
    one. Merging merges people who share an address, and Blocked waits until people are fixed."""

    start_time: datetime | None = None
    """startTime is the time when a worker started the migration."""

    completion_time: datetime | None = None
    """completionTime is the time when the migration was completed or cancelled."""

    estimated_completion_time: datetime | None = None
    """estimatedCompletionTime is the estimated end of the present stage; absent without an estimate."""

    people_total: Count = 0
    """peopleTotal is the number of people to check."""

    people_checked: Count = 0
    """peopleChecked is the number of people already checked, and prepared for the new mode if necessary."""

    people_without_id: Count = 0
    """peopleWithoutID is the number of people who have no id."""

    people_without_identifier: Count = 0
    """peopleWithoutIdentifier is the number of people who have none of the new mode's identifiers, so that only cio_id
    identifies them. In mode IDOnly these are all people without an id."""

    people_to_merge: Count = 0
    """peopleToMerge is, with onConflict Merge, the number of people who become part of another at the cut-over."""

    people_merged: Count = 0
    """peopleMerged is the number of these merges that are stored. To clients, all are merged from the cut-over on."""

    ids_given_up: Count = 0
    """idsGivenUp is, with onConflict Merge, the number of ids that become free, since each survivor keeps one."""

    violations: Violations = Violations()
    """violations is the number of people who block the migration, by violation."""

    people_concerned: Count = 0
    """peopleConcerned is the number of people who block the migration; a person can have several violations."""

    export: Count | None = None
    """export is the number of the newest list of these people. Fetch it with workspacectl exports get --workspace
    NAMESPACE/NAME --id NUMBER."""


class CredentialsInForce(Document):
    """Where the credentials of API clients are; the values are in the Secret only."""

    secret_name: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """secretName is the Secret of this namespace that has the keys siteID, apiKey and appKey; absent if no Secret has
    them, and without a cluster."""

    rotation_time: datetime | None = None
    """rotationTime is the time when they were created."""

    previous_expiration_time: datetime | None = None
    """previousExpirationTime is the time when the last of the earlier ones expires; absent once all have expired."""


class SendingInForce(Document):
    """The sending rules in force, and the messages at the last reconcile."""

    mode: SendMode | None = None
    """mode is the send behavior in force; Never also for a value that this version of the operator does not know."""

    test_address: Annotated[str, Field(min_length=1, max_length=254)] | None = None
    """testAddress is the address that receives all e-mail in mode Test."""

    open_tracking: Toggle | None = None
    """openTracking is whether opened messages are counted."""

    transport: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """transport is the transport in force; absent if it is the one called default."""

    waiting: Count = 0
    """waiting is the number of messages that are accepted and not sent yet, including scheduled ones, at the last
    reconcile."""

    in_flight: Count = 0
    """inFlight is the number of messages that were being handed over to a transport at the last reconcile."""


class WorkspaceStatus(Document):
    """The observed state of a Workspace."""

    conditions: Conditions = ()
    """conditions is the list of conditions; Ready is the summary."""

    observed_generation: ObservedGeneration = NOT_OBSERVED
    """observedGeneration is the metadata.generation that this status is based on; -1 before the first reconcile."""

    workspace_id: Count | None = None
    """workspaceID is the number of the workspace in the store."""

    store_id: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """storeID is the identity of the database that has the workspace, a UUID created with its schema."""

    identifiers: IdentifiersInForce | None = None
    """identifiers is what is in force now, which can differ from spec.identifiers."""

    people: People | None = None
    """people is the counts of people at the last reconcile. It is not updated between reconciles, or during a
    migration."""

    sending: SendingInForce | None = None
    """sending is the sending rules in force, which can differ from the spec, and the messages that they concern. Its
    counts are not updated between reconciles."""

    migration: MigrationStatus | None = None
    """migration is the newest migration, whether running, blocked or ended."""

    credentials: CredentialsInForce | None = None
    """credentials is where the credentials are, and since when; absent if there are none."""

    last_handled_reconcile_at: Echo | None = None
    """lastHandledReconcileAt is the newest handled value of the annotation
    workspace-operator.dev/reconcile-requested-at, cut to 256 characters."""

    last_handled_recreate: Echo | None = None
    """lastHandledRecreate is the value of the annotation workspace-operator.dev/recreate that was carried out, or that
    was present while no workspace was missing. Each value counts once."""

    @property
    def ready(self) -> Condition | None:
        """The condition Ready."""
        return ready_condition(self.conditions)


class AccountUsage(Document):
    """What the workspaces of the account use together."""

    workspaces: Count = 0
    """workspaces is the number of the account's workspaces in the store, which take the places of
    spec.plan.workspaceLimit; released ones count as well."""

    people: Count = 0
    """people is the number of people in these workspaces."""

    messages_sent: Count = 0
    """messagesSent is the number of messages that these workspaces sent in the calendar month (UTC) of the last
    reconcile."""


class AccountStatus(Document):
    """The observed state of an Account."""

    conditions: Conditions = ()
    """conditions is the list of conditions; Ready is the summary."""

    observed_generation: ObservedGeneration = NOT_OBSERVED
    """observedGeneration is the metadata.generation that this status is based on; -1 before the first reconcile."""

    store_id: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """storeID is the identity of the database that has the account, a UUID created with its schema."""

    usage: AccountUsage | None = None
    """usage is what the workspaces of the account use together, at the last reconcile."""

    first_workspace_time: datetime | None = None
    """firstWorkspaceTime is the time when the operator created the first workspace, or found that the account already
    has one. From then on it creates none."""

    last_handled_reconcile_at: Echo | None = None
    """lastHandledReconcileAt is the newest handled value of the annotation
    workspace-operator.dev/reconcile-requested-at, cut to 256 characters."""

    @property
    def ready(self) -> Condition | None:
        """The condition Ready."""
        return ready_condition(self.conditions)
