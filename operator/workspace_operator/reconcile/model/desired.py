"""What a Workspace resource wants, as a value: its spec in the store's words, and the metadata that counts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from workspace_operator.identity.values.rules import IDUpdates, Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.statuses import ECHO_MAX_LENGTH, WorkspaceStatus
from workspace_operator.resources.workspaces import (
    ADOPT,
    FINALIZER,
    RECONCILE_REQUESTED_AT,
    RECREATE,
    ROTATE_CREDENTIALS_AT,
    DeletionPolicy,
    Toggle,
    WorkspaceSpec,
)
from workspace_operator.workspaces.model import Owner, Settings
from workspace_operator.workspaces.spec_versions import SpecVersion

WORKSPACE_ID_PATTERN = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
"""Spelled in the one way that the status spells it, and small enough for any database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredState:
    """A valid spec. ``mode`` is None when the spec leaves it out: whatever is in force."""

    account: str
    settings: Settings
    mode: Mode | None = None
    on_conflict: OnConflict = OnConflict.BLOCK
    rotation_grace: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidSpec:
    """A spec that cannot be followed, with everything that is wrong with it."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A Workspace resource as the API server (or a manifest) has it.

    Attributes:
        suspended: ``spec.suspend``, readable even if the rest of the spec is not.
        deletion_policy: likewise; Retain unless the spec says exactly Delete.
        created_at: ``metadata.creationTimestamp``; empty without a cluster.
        status: what was written last, as JSON; empty before the first visit.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    desired: DesiredState | InvalidSpec
    suspended: bool = False
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    deleting: bool = False
    created_at: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    status: Mapping[str, Any] = field(default_factory=dict)

    def owner(self, cluster_id: str) -> Owner:
        """Who this resource is to the store."""
        return Owner(
            cluster=cluster_id, namespace=self.namespace, name=self.name, uid=self.uid, created_at=self.created_at
        )

    @property
    def spec_version(self) -> SpecVersion:
        """Which document of the resource this is, for the store to compare."""
        return SpecVersion(uid=self.uid, generation=self.generation)

    @property
    def namespaced_name(self) -> str:
        """The name that command lines take: NAMESPACE/NAME."""
        return f"{self.namespace}/{self.name}"

    @property
    def is_in_cluster(self) -> bool:
        """Whether an API server has it, so that an operator watches it; else it is a manifest of one apply."""
        return bool(self.created_at)

    @property
    def reconcile_request(self) -> str:
        """The newest request to reconcile now; empty if there never was one."""
        return self._request(RECONCILE_REQUESTED_AT)

    @property
    def rotation_request(self) -> str:
        """The newest request for new credentials; empty if there never was one."""
        return self._request(ROTATE_CREDENTIALS_AT)

    @property
    def secret_name(self) -> str:
        """The Secret of its namespace that its credentials belong into."""
        return f"{self.name}-credentials"

    @property
    def adopt_annotation(self) -> str:
        """What the adopt annotation says, stripped; empty if there is none."""
        return self.annotations.get(ADOPT, "").strip()

    @property
    def adopt_workspace_id(self) -> int | None:
        """The workspace that the adopt annotation names, if what it says can be a workspace's number."""
        return int(self.adopt_annotation) if WORKSPACE_ID_PATTERN.fullmatch(self.adopt_annotation) else None

    @property
    def recreate_annotation(self) -> str:
        """What the recreate annotation says, stripped; empty if there is none."""
        return self._request(RECREATE).strip()

    @property
    def recreation_request(self) -> str:
        """What the recreate annotation says, unless that was carried out already."""
        return "" if self.recreate_annotation == self.previous.last_handled_recreate else self.recreate_annotation

    @property
    def previous(self) -> WorkspaceStatus:
        """The status that was written last, without the fields that we could not have written.

        Another version may have written some of them; what the rest says still counts, above all which workspace it is.
        """
        try:
            return WorkspaceStatus.model_validate(self.status)
        except ValidationError as error:
            unreadable = {each["loc"][0] for each in error.errors()}
        readable = {field: value for field, value in self.status.items() if field not in unreadable}
        return WorkspaceStatus.model_validate(readable)

    @property
    def has_finalizer(self) -> bool:
        """Whether our finalizer is on it."""
        return FINALIZER in self.finalizers

    def _request(self, annotation: str) -> str:
        # PostgreSQL cannot store NUL, which an annotation may hold.
        return self.annotations.get(annotation, "").replace("\0", "")[:ECHO_MAX_LENGTH]


def desired_state_of(spec: WorkspaceSpec) -> DesiredState:
    """A valid spec in the store's words."""
    return DesiredState(
        account=spec.account_name,
        settings=_settings_of(spec),
        mode=spec.identifiers.mode,
        on_conflict=spec.identifiers.on_conflict,
        rotation_grace=timedelta(seconds=spec.credentials.rotation_grace_seconds),
    )


def _settings_of(spec: WorkspaceSpec) -> Settings:
    return Settings(
        display_name=spec.display_name,
        color=spec.plain_color,
        email_updates=spec.identifiers.email_updates,
        id_updates=spec.identifiers.id_updates or IDUpdates.NEVER,
        merge_multi_identifier=spec.merge_options.multi_identifier is Toggle.ENABLED,
        send_mode=spec.send_behavior.mode,
        test_address=spec.send_behavior.test_address,
        open_tracking=spec.open_tracking is Toggle.ENABLED,
    )
