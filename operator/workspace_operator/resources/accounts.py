"""The Account resource as pydantic models (accounts §1): every field, its default, bounds and description.

``account_rules.py`` has the rules that a schema cannot express. The rest is as for Workspaces (``workspaces.py``).
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from workspace_operator.access.model import Role
from workspace_operator.resources.documents import INT64, Document
from workspace_operator.resources.statuses import AccountStatus
from workspace_operator.resources.workspaces import NAME_MAX_LENGTH as WORKSPACE_NAME_MAX_LENGTH

KIND = "Account"
PLURAL = "accounts"
SHORT_NAME = "wsacc"

NAME_MAX_LENGTH = 63
"""In characters, as ``spec.accountName`` of a Workspace."""

MAX_WORKSPACES = 10_000
MAX_ADMINS = 50
MAX_MEMBERS = 400
"""The rule about their addresses costs the API server in proportion; 500 are over its budget for one rule."""

MAX_MEMBER_WORKSPACES = 200

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
EmailAddress = Annotated[str, Field(min_length=1, max_length=254)]
WorkspaceName = Annotated[
    str, Field(min_length=1, max_length=WORKSPACE_NAME_MAX_LENGTH, pattern=rf"^{_LABEL}(\.{_LABEL})*$")
]
"""A name that a Workspace can have. A pattern, since a CEL rule over all lists is beyond the API server's budget."""

SET = {"x-kubernetes-list-type": "set"}
MAP_BY_EMAIL = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["email"]}


class FirstWorkspace(StrEnum):
    """Whether the operator creates the first workspace of an account."""

    CREATE = "Create"
    NONE = "None"


class Metadata(Document):
    """The part of the metadata that Kubernetes does not validate by itself."""

    name: Annotated[str, Field(min_length=1, max_length=NAME_MAX_LENGTH)]


class Plan(Document):
    """What the account may have."""

    workspace_limit: Annotated[int, Field(strict=True, ge=1, le=MAX_WORKSPACES, json_schema_extra=INT64)] | None = None
    """workspaceLimit is the largest number of workspaces of the account; absent for no limit. Each workspace of the
    account in the store takes a place, also one whose resource was deleted with deletionPolicy Retain. A lower limit
    takes no place away; it holds back new workspaces only."""


class MemberEntry(Document):
    """A person who reaches some workspaces of the account."""

    email: EmailAddress
    """email is the address of the member. Two spellings of one address, such as in upper and lower case, are the same
    member."""

    workspaces: Annotated[
        tuple[WorkspaceName, ...], Field(max_length=MAX_MEMBER_WORKSPACES, json_schema_extra=SET)
    ] = ()
    """workspaces is the list of Workspace resources of this namespace that the member reaches, by name. There may be
    none of that name yet."""

    role: Role = Role.VIEWER
    """role is what the member may do in these workspaces: look (Viewer), also prepare and correct (Author), or also
    apply, delete and undo (Manager)."""


class AccountNotices(Document):
    """How the admins get mail about the workspaces of the account."""

    transport: Annotated[str, Field(min_length=1, max_length=63)]
    """transport is the name of a transport, that is, an SMTP server that the installation offers to this namespace."""

    sender: Annotated[str, Field(min_length=1, max_length=320)]
    """from is the sender of the mail: an e-mail address, or a name with an address, such as Shop
    <hello@shop.example>."""


class AccountSpec(Document):
    """The desired settings of an Account."""

    display_name: Annotated[str, Field(min_length=1, max_length=100)]
    """displayName is the name shown to users, 1 to 100 characters. It may contain visible characters, and plain spaces
    between them."""

    plan: Plan = Plan()
    """plan is what the account may have."""

    admins: Annotated[tuple[EmailAddress, ...], Field(max_length=MAX_ADMINS, json_schema_extra=SET)] = ()
    """admins is the list of addresses of the people who reach every workspace of the account. Nothing that members or
    workspaces say shuts them out."""

    members: Annotated[tuple[MemberEntry, ...], Field(max_length=MAX_MEMBERS, json_schema_extra=MAP_BY_EMAIL)] = ()
    """members is the list of people who reach the workspaces that their entry lists."""

    first_workspace: FirstWorkspace = FirstWorkspace.CREATE
    """firstWorkspace is whether the operator creates a Workspace of the account's name, once, if the account has none 2
    minutes after it was created (Create), or never (None), for accounts whose workspaces come from Git."""

    notices: AccountNotices | None = None
    """notices is how the admins get mail about the workspaces of the account; absent if nobody is mailed."""


class Account(Document):
    """Account is a group of workspaces of one namespace: who reaches them, and how many there may be."""

    api_version: Literal["workspace-operator.dev/v1alpha1"]
    kind: Literal["Account"]
    metadata: Metadata

    spec: AccountSpec
    """spec is the desired state of the account."""

    status: AccountStatus = AccountStatus()
    """status is the observed state of the account; only the operator writes it."""
