"""The status of a Workspace, which only the operator writes (design §4)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from workspace_operator.identity.values.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.resources.documents import INT64, MAX_SAFE_INTEGER, Count, Document

ECHO_MAX_LENGTH = 256
"""How much is kept of an annotation that asks for something: the operator cuts it there."""

NOT_OBSERVED = -1
"""The observedGeneration of a status that the operator has not written yet: no generation is negative."""

PENDING = "Pending"
"""The reason of Ready before the operator's first visit."""

DEFAULT_STATUS = {
    "conditions": [
        {
            "type": "Ready",
            "status": "Unknown",
            "observedGeneration": NOT_OBSERVED,
            "lastTransitionTime": "1970-01-01T00:00:00Z",
            "reason": PENDING,
            "message": "The operator has not visited this resource yet.",
        }
    ],
    "observedGeneration": NOT_OBSERVED,
}
"""What the API server gives to a new resource. Its condition speaks of the same generation as its root, since tools
refuse a status whose parts speak of several (kubernetes.md §2); a constant time is all that a default can have."""

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
    SUSPENDED = "Suspended"


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Document):
    """One aspect of the resource's state."""

    type: Annotated[str, Field(min_length=1, max_length=316, pattern=QUALIFIED_NAME)]
    """type is the aspect: Ready, Reconciling, Stalled, IdentifiersApplied or Suspended."""

    status: ConditionStatus
    """status says whether it holds: True, False or Unknown."""

    observed_generation: ObservedGeneration
    """observedGeneration is the metadata.generation that the condition speaks of; -1 before the operator's first
    visit."""

    last_transition_time: datetime
    """lastTransitionTime is when status changed last."""

    reason: Annotated[str, Field(min_length=1, max_length=1024, pattern=REASON)]
    """reason is why, in one CamelCase word for programs."""

    message: Annotated[str, Field(min_length=1, max_length=32768)]
    """message is why, for people: what, how many, and what to do next."""


class IdentifiersInForce(Document):
    """The identifiers that hold for every call now."""

    mode: Mode | None = None
    """mode is the mode in force."""

    email_updates: EmailUpdates | None = None
    """emailUpdates is the setting in force."""

    id_updates: IDUpdates | None = None
    """idUpdates is the setting in force."""


class People(Document):
    """How many people there were at the last reconcile."""

    total: Count = 0
    """total is how many people there are."""

    with_email: Count = 0
    """withEmail is how many have an email, whether or not it is a valid address."""

    without_id: Count = 0
    """withoutID is how many have no id, so that they are reached by email or cio_id."""


class Violations(Document):
    """People per violation (identity-rules §7); somebody may have several."""

    duplicate_email: Count = 0
    """duplicateEmail is how many people share their address with somebody."""

    invalid_email: Count = 0
    """invalidEmail is how many have an email that is not a valid address."""

    suppressed_email: Count = 0
    """suppressedEmail is how many have an address that is suppressed."""

    id_is_another_email: Count = 0
    """idIsAnotherEmail is how many have an e-mail address as their id that is not their email."""


class MigrationStatus(Document):
    """The newest identifier change."""

    from_mode: Mode
    """from is the mode before the change."""

    to_mode: Mode
    """to is the mode after the change."""

    on_conflict: OnConflict = OnConflict.BLOCK
    """onConflict is what the change does with people who share an address, as spec.identifiers.onConflict says. It
    matters from IDOnly to EmailOrID only."""

    stage: Stage
    """stage is where the change stands. Until Switched the old mode holds for every call, from then on the
    new one; Merging puts people together who became one, and Blocked waits for people to be mended."""

    start_time: datetime | None = None
    """startTime is when the change was first taken up."""

    completion_time: datetime | None = None
    """completionTime is when the change was completed or cancelled."""

    estimated_completion_time: datetime | None = None
    """estimatedCompletionTime is when the present stage should be through; absent while nobody can say."""

    people_total: Count = 0
    """peopleTotal is how many people there are to check."""

    people_checked: Count = 0
    """peopleChecked is how many of them have been checked, and prepared for the new mode where that is needed."""

    people_without_id: Count = 0
    """peopleWithoutID is how many people have no id."""

    people_without_identifier: Count = 0
    """peopleWithoutIdentifier is how many people have none of the new mode's identifiers: they are reached by cio_id
    only. In mode IDOnly that is everybody who has no id."""

    people_to_merge: Count = 0
    """peopleToMerge is, with onConflict Merge, how many people become part of somebody else at the switch."""

    people_merged: Count = 0
    """peopleMerged is how many of these have been put together with them since. Until then nobody can tell."""

    ids_given_up: Count = 0
    """idsGivenUp is, with onConflict Merge, how many ids become free, since whoever is left keeps one."""

    violations: Violations = Violations()
    """violations is how many people stand in the way, by what is wrong with them."""

    people_concerned: Count = 0
    """peopleConcerned is how many people stand in the way in all; somebody may have several violations."""

    export: Count | None = None
    """export is the number of the newest list of those people, which this command fetches: workspacectl
    exports get --workspace NAMESPACE/NAME --id NUMBER."""


class CredentialsInForce(Document):
    """The credentials that clients call with; they themselves are in the Secret only."""

    secret_name: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """secretName is the Secret of this namespace that holds them, under siteID, apiKey and appKey; absent while
    none does, and without a cluster."""

    rotation_time: datetime | None = None
    """rotationTime is when they were made."""

    previous_expiration_time: datetime | None = None
    """previousExpirationTime is when the last of the earlier ones ends; absent once none of them works."""


class WorkspaceStatus(Document):
    """What the operator has seen and done."""

    conditions: Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra=LIST_MAP)] = ()
    """conditions is the state in named aspects; Ready sums it up."""

    observed_generation: ObservedGeneration = NOT_OBSERVED
    """observedGeneration is the metadata.generation that this status speaks of; -1 before the operator's
    first visit."""

    workspace_id: Count | None = None
    """workspaceID is the workspace's number in the store."""

    store_id: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """storeID is the identity of the database that has the workspace, a UUID that was made with its schema."""

    identifiers: IdentifiersInForce | None = None
    """identifiers is what is in force now, whatever spec.identifiers wishes."""

    people: People | None = None
    """people is how many people there were at the last reconcile; it does not follow them by itself, and rests while
    identifiers change."""

    migration: MigrationStatus | None = None
    """migration is the newest change of identifiers, whether running, blocked or ended."""

    credentials: CredentialsInForce | None = None
    """credentials is where the credentials are, and since when; absent while there are none."""

    last_handled_reconcile_at: Annotated[str, Field(min_length=1, max_length=ECHO_MAX_LENGTH)] | None = None
    """lastHandledReconcileAt is the value of the annotation workspace-operator.dev/reconcile-requested-at
    that was handled last, cut to 256 characters."""

    last_handled_recreate: Annotated[str, Field(min_length=1, max_length=ECHO_MAX_LENGTH)] | None = None
    """lastHandledRecreate is the value of the annotation workspace-operator.dev/recreate that was carried out, or that
    was there while no workspace was missing. Each value counts once."""
