"""The desired state of a Workspace resource: its spec as settings, and the metadata that matters of any kind."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import ValidationError

from workspace_operator.identity.values.rules import IDUpdates, Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.resources.documents import Document, Toggle
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.statuses import ECHO_MAX_LENGTH, WorkspaceStatus
from workspace_operator.resources.workspaces import (
    ADOPT,
    FINALIZER,
    RECONCILE_REQUESTED_AT,
    RECREATE,
    ROTATE_CREDENTIALS_AT,
    DeletionPolicy,
    WorkspaceSpec,
)
from workspace_operator.workspaces.model import Owner, Settings
from workspace_operator.workspaces.spec_versions import SpecVersion

WORKSPACE_ID_PATTERN = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
"""The format of workspaceID in the status; the number fits into 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredState:
    """A valid spec. ``mode`` is None if the spec has none: the mode in force stays."""

    account: str
    settings: Settings
    mode: Mode | None = None
    on_conflict: OnConflict = OnConflict.BLOCK
    rotation_grace: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidSpec:
    """A spec that cannot be applied, with all its problems."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiObject:
    """What resources of all kinds have in common.

    Attributes:
        created_at: ``metadata.creationTimestamp``; empty without a cluster.
        status: as written last, as JSON; empty before the first reconcile.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    deleting: bool = False
    created_at: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    status: Mapping[str, Any] = field(default_factory=dict)

    @property
    def namespaced_name(self) -> str:
        """NAMESPACE/NAME, as commands take it."""
        return f"{self.namespace}/{self.name}"

    @property
    def is_in_cluster(self) -> bool:
        """Whether it comes from an API server, so that an operator watches it, not from a manifest."""
        return bool(self.created_at)

    @property
    def reconcile_request(self) -> str:
        """The newest request to reconcile now; empty without one."""
        return self.request(RECONCILE_REQUESTED_AT)

    @property
    def recreate_annotation(self) -> str:
        """The value of the recreate annotation, stripped; empty without one."""
        return self.request(RECREATE).strip()

    def request(self, annotation: str) -> str:
        """The value of an annotation that requests something, as far as it is kept."""
        # PostgreSQL cannot store NUL, which an annotation may contain.
        return self.annotations.get(annotation, "").replace("\0", "")[:ECHO_MAX_LENGTH]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(ApiObject):
    """A Workspace resource, from the API server or a manifest.

    Attributes:
        suspended: ``spec.suspend``, which is read even if the rest of the spec is invalid.
        deletion_policy: likewise; Retain unless the spec has exactly Delete.
    """

    desired: DesiredState | InvalidSpec
    suspended: bool = False
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    finalizers: tuple[str, ...] = ()

    @property
    def valid_state(self) -> DesiredState | None:
        """The desired state; None if the spec is invalid."""
        return self.desired if isinstance(self.desired, DesiredState) else None

    def owner(self, cluster_id: str) -> Owner:
        """This resource as the owner of a workspace in the store."""
        return Owner(
            cluster=cluster_id, namespace=self.namespace, name=self.name, uid=self.uid, created_at=self.created_at
        )

    @property
    def spec_version(self) -> SpecVersion:
        """The version of the spec, which the store compares."""
        return SpecVersion(uid=self.uid, generation=self.generation)

    @property
    def rotation_request(self) -> str:
        """The newest request for new credentials; empty without one."""
        return self.request(ROTATE_CREDENTIALS_AT)

    @property
    def secret_name(self) -> str:
        """The name of the Secret for its credentials, in its namespace."""
        return f"{self.name}-credentials"

    @property
    def adopt_annotation(self) -> str:
        """The value of the adopt annotation, stripped; empty without one."""
        return self.annotations.get(ADOPT, "").strip()

    @property
    def adopt_workspace_id(self) -> int | None:
        """The number of the workspace that the adopt annotation names; None if it is not a valid number."""
        return int(self.adopt_annotation) if WORKSPACE_ID_PATTERN.fullmatch(self.adopt_annotation) else None

    @property
    def recreation_request(self) -> str:
        """The value of the recreate annotation, unless it was already carried out."""
        return "" if self.recreate_annotation == self.previous.last_handled_recreate else self.recreate_annotation

    @property
    def previous(self) -> WorkspaceStatus:
        """The status that was written last, as far as it is readable: above all the workspace's number."""
        return readable_status(WorkspaceStatus, self.status)

    @property
    def has_finalizer(self) -> bool:
        """Whether it has our finalizer."""
        return FINALIZER in self.finalizers


Status = TypeVar("Status", bound=Document)


def readable_status(model: type[Status], status: Mapping[str, Any]) -> Status:
    """A status without the fields that this version cannot read; another version may have written those."""
    try:
        return model.model_validate(status)
    except ValidationError as error:
        unreadable = {problem["loc"][0] for problem in error.errors()}
    readable = {field: value for field, value in status.items() if field not in unreadable}
    return model.model_validate(readable)


def desired_state_of(spec: WorkspaceSpec) -> DesiredState:
    """The desired state of a valid spec."""
    settings = Settings(
        display_name=spec.display_name,
        color=spec.plain_color,
        email_updates=spec.identifiers.email_updates,
        id_updates=spec.identifiers.id_updates or IDUpdates.NEVER,
        merge_multi_identifier=spec.merge_options.multi_identifier is Toggle.ENABLED,
        send_mode=spec.send_behavior.mode,
        test_address=spec.send_behavior.test_address,
        open_tracking=spec.open_tracking is Toggle.ENABLED,
        transport=spec.sending.transport,
        sender=spec.sending.sender,
        app_key_may=spec.credentials.app_key_may,
    )
    return DesiredState(
        account=spec.account_name,
        settings=settings,
        mode=spec.identifiers.mode,
        on_conflict=spec.identifiers.on_conflict,
        rotation_grace=timedelta(seconds=spec.credentials.rotation_grace_seconds),
    )
