"""The Workspace resource as pydantic models (design §4): every field, its default, bounds and description.

``schema.py`` makes the CustomResourceDefinition of these models, ``rules.py`` holds what a schema cannot say,
and ``parsing.py`` makes a Workspace of a document. Nothing is judged here: a document is checked before it
becomes a model.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from workspace_operator.identity.values.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.resources.documents import INT64, Document
from workspace_operator.resources.statuses import WorkspaceStatus
from workspace_operator.workspaces.model import SendMode

GROUP = "workspace-operator.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "Workspace"
PLURAL = "workspaces"
SHORT_NAME = "ws"
CATEGORY = "messaging"

CONFIRM_DELETE = f"{GROUP}/confirm-delete"
"""Annotation: the exact display name, which allows deletionPolicy Delete to destroy the people."""

RECONCILE_REQUESTED_AT = f"{GROUP}/reconcile-requested-at"
"""Annotation: any value; a new one asks for a reconcile now and is echoed in the status."""

ROTATE_CREDENTIALS_AT = f"{GROUP}/rotate-credentials-at"
"""Annotation: any value; a new one has new credentials made."""

ADOPT = f"{GROUP}/adopt"
"""Annotation: the workspaceID of a released workspace that this resource shall take over."""

RECREATE = f"{GROUP}/recreate"
"""Annotation: the workspaceID of a workspace that the store no longer has, which allows the operator to make a new one
instead; or ``new``, which allows a new one beside the workspace that another cluster has under this name."""

RECREATE_NEW = "new"

FINALIZER = f"{GROUP}/delete-people"
"""On resources with deletionPolicy Delete only: the people are destroyed before the resource goes."""

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "workspace-operator"
"""Label, and its value, on Secrets that the operator keeps."""

WORKSPACE_ID = f"{GROUP}/workspace-id"
"""Label on the same: a resource's name may be longer than a label's value, the workspace's number never is."""

DAY_SECONDS = 24 * 60 * 60

NAME_MAX_LENGTH = 241
"""So that the name of a Secret, ``<name>-credentials``, is still a Kubernetes name."""


class Toggle(StrEnum):
    """On or off, as words, so that further values may come."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"


class DeletionPolicy(StrEnum):
    """What becomes of a workspace's people when its resource is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"


class Metadata(Document):
    """What the operator uses of a resource's metadata."""

    name: str
    namespace: str = "default"
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    annotations: Mapping[str, str] = Field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    deletion_timestamp: datetime | None = None


class Identifiers(Document):
    """The wanted identifiers."""

    mode: Mode | None = None
    """mode says which identifiers people have beside cio_id: EmailOrID (either one is enough), IDOnly (email
    is an ordinary attribute) or EmailOnly (only when the workspace is made). Absent means EmailOrID for a
    new workspace and whatever is in force for an existing one, so that dropping the line never starts a
    change of people. From the mode in force (status.identifiers.mode), IDOnly and EmailOnly may become
    EmailOrID, and EmailOrID may become IDOnly."""

    email_updates: EmailUpdates = EmailUpdates.BY_ID_OR_CIO_ID
    """emailUpdates says who may change an email that is set: calls that name the person by id or cio_id
    (ByIDOrCioID), or by cio_id only (ByCioID). It matters in mode EmailOrID."""

    id_updates: IDUpdates | None = None
    """idUpdates says whether an id that is set may be changed: Never, or by calls that name the person by
    cio_id (ByCioID). It may be given only together with mode IDOnly; absent means Never."""

    on_conflict: OnConflict = OnConflict.BLOCK
    """onConflict says what enabling email does with people who share an address: Block stops the change until
    they are mended, Merge makes one person of them. Invalid and suppressed addresses stop it in either
    case."""


class MergeOptions(Document):
    """Automatic merging (identity-rules §5)."""

    multi_identifier: Toggle = Toggle.ENABLED
    """multiIdentifier says whether two people, one known by id only and the other by email only, become one
    when a call names both. It matters in mode EmailOrID."""


class SendBehavior(Document):
    """How e-mail is sent (identity-rules §8)."""

    mode: SendMode = SendMode.NORMAL
    """mode says where e-mail goes: as addressed (Normal), to testAddress only (Test), or nowhere (Never).
    Other channels go as addressed in any case."""

    test_address: Annotated[str, Field(min_length=1, max_length=254)] | None = None
    """testAddress is the e-mail address that receives all e-mail in mode Test. It must be given in mode Test,
    and may not be given in any other."""


class CredentialRotation(Document):
    """What happens to credentials when new ones are made."""

    rotation_grace_seconds: Annotated[int, Field(ge=0, le=30 * DAY_SECONDS, json_schema_extra=INT64)] = DAY_SECONDS
    """rotationGraceSeconds is how long credentials still work after new ones were made, at most 30 days. What
    was promised at a rotation stays: another value counts from the next one on."""


class WorkspaceSpec(Document):
    """The wanted settings."""

    display_name: Annotated[str, Field(min_length=1, max_length=100)]
    """displayName is the name that people see, 1 to 100 characters. It is unique in its account,
    case-sensitive, and may change. It holds characters that can be seen, and plain spaces
    between them; names that differ in Unicode normalization (NFC) only are one name."""

    color: Annotated[str, Field(min_length=1, max_length=7)] = "6B7280"
    """color is the workspace's colour in lists: six hexadecimal digits, RRGGBB. Put it in quotes, since YAML
    reads 000000 and 123e45 as numbers and takes what follows an unquoted # for a comment; a # before it is
    allowed."""

    account_name: Annotated[str, Field(min_length=1, max_length=63)] = "default"
    """accountName is the account of this namespace that the workspace belongs to; displayName is unique in
    it. A DNS label: lower-case letters, digits and hyphens. It may not be changed once the workspace is
    made."""

    identifiers: Identifiers = Identifiers()
    """identifiers says how people are identified, and who may change their identifiers. A change of mode is
    checked against all people first; until it is through, the old mode stays in force."""

    merge_options: MergeOptions = MergeOptions()
    """mergeOptions says when people are merged automatically."""

    send_behavior: SendBehavior = SendBehavior()
    """sendBehavior says whether e-mail leaves the workspace, and to whom."""

    open_tracking: Toggle = Toggle.ENABLED
    """openTracking says whether opened messages are counted. Disabled overrides every message's own setting;
    links are tracked all the same."""

    credentials: CredentialRotation = CredentialRotation()
    """credentials says how long credentials work after new ones were made. They are in the Secret that
    status.credentials names; the annotation workspace-operator.dev/rotate-credentials-at asks for new ones."""

    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    """deletionPolicy says what deleting this resource does. Retain leaves the workspace and its people in the
    store. Delete destroys them, and needs the annotation workspace-operator.dev/confirm-delete with the exact
    displayName."""

    suspend: bool = False
    """suspend pauses reconciliation, and a running identifier change with it. What is in force stays in
    force."""

    @property
    def plain_color(self) -> str:
        """The colour in one spelling: six upper-case digits."""
        return self.color.removeprefix("#").upper()


class Workspace(Document):
    """Workspace is a container for people: how they are identified, and how messages reach them."""

    api_version: Literal["workspace-operator.dev/v1alpha1"] = "workspace-operator.dev/v1alpha1"
    kind: Literal["Workspace"] = "Workspace"
    metadata: Metadata

    spec: WorkspaceSpec
    """spec is how the workspace shall be."""

    status: WorkspaceStatus = WorkspaceStatus()
    """status is how the workspace is; only the operator writes it."""
