"""The Workspace resource as pydantic models (design §4): every field, its default, bounds and description.

``schema.py`` generates the CustomResourceDefinition from these models, ``rules.py`` has the rules that a schema cannot
express, and ``parsing.py`` parses documents. A spec refuses what the schema refuses, so it converts no types.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from workspace_operator.identity.values.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.resources.documents import INT64, Document, Toggle
from workspace_operator.resources.statuses import WorkspaceStatus
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.app_keys import AppKeyMay

GROUP = "workspace-operator.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "Workspace"
PLURAL = "workspaces"
SHORT_NAME = "ws"
CATEGORY = "messaging"

DEFAULT_ACCOUNT: Final = "default"
"""The account of a Workspace whose manifest names none."""

CONFIRM_DELETE = f"{GROUP}/confirm-delete"
"""Annotation: the exact display name, which confirms that deletionPolicy Delete deletes the people."""

CONFIRM_SENDING = f"{GROUP}/confirm-sending"
"""Annotation: the exact display name, which confirms a change to sendBehavior.mode Normal. Only the admission policies
of manifests/policies read it."""

RECONCILE_REQUESTED_AT = f"{GROUP}/reconcile-requested-at"
"""Annotation: a new value requests a reconcile now, and is copied to the status."""

ROTATE_CREDENTIALS_AT = f"{GROUP}/rotate-credentials-at"
"""Annotation: a new value requests new credentials."""

ADOPT = f"{GROUP}/adopt"
"""Annotation: the workspaceID of a workspace without owner that this resource adopts."""

RECREATE = f"{GROUP}/recreate"
"""Annotation: the workspaceID of a workspace that the store no longer has, which allows to create a new one instead;
or ``new``, which allows a new one beside the workspace of the same name in another cluster."""

RECREATE_NEW = "new"

FINALIZER = f"{GROUP}/delete-people"
"""Only on resources with deletionPolicy Delete: the people are deleted before the resource."""

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "workspace-operator"
"""Label, and its value, on the Secrets of the operator."""

WORKSPACE_ID = f"{GROUP}/workspace-id"
"""Label on the same Secrets: a number, since a resource's name may be too long for a label."""

DAY_SECONDS = 24 * 60 * 60

NAME_MAX_LENGTH = 241
"""In characters: ``<name>-credentials`` must still be a valid name of a Secret."""


class DeletionPolicy(StrEnum):
    """What happens to a workspace's people when its resource is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"


class Metadata(Document):
    """The part of the metadata that Kubernetes does not validate by itself."""

    name: Annotated[str, Field(min_length=1, max_length=NAME_MAX_LENGTH)]


class Identifiers(Document):
    """The desired identifiers."""

    mode: Mode | None = None
    """mode is which identifiers people have beside cio_id: EmailOrID (either one is enough), IDOnly (email is an
    ordinary attribute) or EmailOnly (only at creation of the workspace). If absent, a new workspace has EmailOrID and
    an existing one keeps the mode in force, so that removing the line never starts a migration. From the mode in force
    (status.identifiers.mode), IDOnly and EmailOnly may change to EmailOrID, and EmailOrID to IDOnly."""

    email_updates: EmailUpdates = EmailUpdates.BY_ID_OR_CIO_ID
    """emailUpdates is which requests may change an email that is set: those that identify the person by id or cio_id
    (ByIDOrCioID), or by cio_id only (ByCioID). It has an effect in mode EmailOrID."""

    id_updates: IDUpdates | None = None
    """idUpdates is which requests may change an id that is set: none (Never), or those that identify the person by
    cio_id (ByCioID). It may be set only together with mode IDOnly; absent means Never."""

    on_conflict: OnConflict = OnConflict.BLOCK
    """onConflict is what happens to people who share an address when email becomes an identifier: Block stops the
    migration until they are fixed, Merge merges them. Invalid and suppressed addresses block it in either case."""


class MergeOptions(Document):
    """Automatic merging (identity-rules §5)."""

    multi_identifier: Toggle = Toggle.ENABLED
    """multiIdentifier is whether two people, one with an id only and the other with an email only, are merged when a
    request names both. It has an effect in mode EmailOrID."""


class SendBehavior(Document):
    """Whether messages are sent, and to which addresses (identity-rules §8, sending §3)."""

    mode: SendMode = SendMode.NORMAL
    """mode is where messages are sent: to the person (Normal), e-mail to testAddress only and other channels to the
    person (Test), or nowhere, on any channel (Never). A message that was accepted in Test or Never is never sent to a
    person, whatever the mode is later."""

    test_address: Annotated[str, Field(min_length=1, max_length=254)] | None = None
    """testAddress is the e-mail address that receives all e-mail in mode Test. It is required in mode Test and
    forbidden in others."""


class Sending(Document):
    """How e-mail is sent (sending §4)."""

    transport: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """transport is the name of a transport, that is, an SMTP server that the installation offers to this namespace. It
    is a DNS label: lower-case letters, digits and hyphens. If absent, the transport called default is used, if the
    installation offers one."""

    sender: Annotated[str, Field(min_length=1, max_length=320)] | None = None
    """from is the sender of messages that have none themselves and use no template that has one: an e-mail address, or
    a name with an address, such as Shop <hello@shop.example>."""


class CredentialSettings(Document):
    """What the credentials allow, and what happens to them when new ones are created."""

    rotation_grace_seconds: Annotated[int, Field(strict=True, ge=0, le=30 * DAY_SECONDS, json_schema_extra=INT64)] = (
        DAY_SECONDS
    )
    """rotationGraceSeconds is how long credentials stay valid after new ones were created, in seconds, at most 30 days.
    A new value takes effect at the next rotation."""

    app_key_may: AppKeyMay = AppKeyMay.READ
    """appKeyMay is what requests with the App key may do. Read allows everything but the requests that clean up people:
    cleanups, imports, and retries of a migration that people block. Clean allows those, too, which can change and
    delete any number of people. A new value takes effect within seconds, for all keys of the workspace."""


class WorkspaceSpec(Document):
    """The desired settings of a Workspace."""

    display_name: Annotated[str, Field(min_length=1, max_length=100)]
    """displayName is the name shown to users, 1 to 100 characters. It is unique in its account, case-sensitive, and may
    change. It may contain visible characters, and plain spaces between them. Names that differ only in Unicode
    normalization (NFC) are the same name."""

    color: Annotated[str, Field(min_length=1, max_length=7)] = "6B7280"
    """color is the workspace's colour in lists: six hexadecimal digits, RRGGBB, with or without a # before them. Put
    it in quotes: YAML reads 000000 and 123e45 as numbers, and an unquoted # starts a comment."""

    account_name: Annotated[str, Field(min_length=1, max_length=63)] = DEFAULT_ACCOUNT
    """accountName is the account of this namespace that the workspace belongs to; displayName is unique in it. It is a
    DNS label: lower-case letters, digits and hyphens. It cannot change after the workspace is created."""

    identifiers: Identifiers = Identifiers()
    """identifiers is how people are identified, and which requests may change identifiers. A new mode starts a
    migration, which checks all people first; until its cut-over the old mode stays in force."""

    merge_options: MergeOptions = MergeOptions()
    """mergeOptions is when people are merged automatically."""

    send_behavior: SendBehavior = SendBehavior()
    """sendBehavior is whether messages are sent, and e-mail to which addresses."""

    open_tracking: Toggle = Toggle.ENABLED
    """openTracking is whether opened messages are counted. Disabled overrides the setting of each message and template;
    links are tracked in either case."""

    sending: Sending = Sending()
    """sending is by which transport e-mail is sent, and from which address."""

    credentials: CredentialSettings = CredentialSettings()
    """credentials is what the credentials of the HTTP API allow, and how long they stay valid after new ones were
    created. They are in the Secret that status.credentials names; the annotation
    workspace-operator.dev/rotate-credentials-at requests new ones."""

    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    """deletionPolicy is what happens when this resource is deleted. Retain keeps the workspace and its people in the
    store. Delete deletes them, and requires the annotation workspace-operator.dev/confirm-delete with the exact
    displayName."""

    suspend: Annotated[bool, Field(strict=True)] = False
    """suspend pauses reconciliation and a running migration. What is in force stays in force."""

    @property
    def plain_color(self) -> str:
        """The colour in normal form: six upper-case digits."""
        return self.color.removeprefix("#").upper()


class Workspace(Document):
    """Workspace is a container for people: how they are identified, and where messages to them are sent."""

    api_version: Literal["workspace-operator.dev/v1alpha1"]
    kind: Literal["Workspace"]
    metadata: Metadata

    spec: WorkspaceSpec
    """spec is the desired state of the workspace."""

    status: WorkspaceStatus = WorkspaceStatus()
    """status is the observed state of the workspace; only the operator writes it."""


def account_name_of(spec: Mapping[str, Any]) -> str:
    """The account that the spec of a Workspace names, which may lack the default."""
    return str(spec.get("accountName") or DEFAULT_ACCOUNT)
