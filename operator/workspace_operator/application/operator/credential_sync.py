"""Synchronization of a workspace's credentials in the store with the Secret that delivers them to clients.

New credentials are stored before the Secret is written, except the first ones of a workspace. If the process dies in
between, the Secret differs from the store, the earlier credentials stay valid for the grace time, and a later
reconcile rotates again. If two operators rotate at the same time, the store rejects the second rotation.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from workspace_operator.application.operator.api_keys import ApiKeys, RandomBytes, digests_of, generate_api_keys
from workspace_operator.application.ports import CredentialDigests, Credentials, Secrets, StoredCredentials
from workspace_operator.errors import ClusterForbidden, NotFound, StaleRevision
from workspace_operator.reconcile.model.actions import ClaimSecret, DeleteSecret, RotateCredentials, SecretAction
from workspace_operator.reconcile.model.credentials import ObservedCredentials, RotationReason, SecretState
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.secrets import Secret, desired_secret, secret_state

logger = logging.getLogger(__name__)

SITE_ID, API_KEY, APP_KEY = "siteID", "apiKey", "appKey"

ROTATION_GRACE = timedelta(seconds=10)
"""Time in which a second operator does not rotate new credentials whose Secret it cannot see yet."""


@dataclass(slots=True, kw_only=True)
class CredentialManager:
    """Observes and changes the credentials of one resource during one reconcile.

    It reads the Secret at most once, and again only after a conflicting write. It does not read it if the status says
    that it has the newest credentials, unless ``check_secret`` is set. In the first reconcile of a resource it creates
    the Secret, and reads it only if one exists already. Without a cluster, ``secrets`` is None: there is no Secret, and
    credentials are managed from the command line.
    """

    credentials: Credentials
    secrets: Secrets | None
    random: RandomBytes
    resource: Resource
    check_secret: bool = True
    _secret: Secret | None = None
    _secret_state: SecretState | None = None
    _secret_existed: bool = False

    def observe(self, workspace_id: int | None, *, now: datetime) -> ObservedCredentials:
        """Observe credentials and Secret; without a workspace, only the Secret."""
        sets = self.credentials.valid_sets(workspace_id, now=now) if workspace_id is not None else ()
        is_known_current = bool(sets) and self._is_current_by_status(sets[0])
        if self._secret_state is None and not is_known_current:
            self._secret_state = SecretState.ABSENT if self._is_first_visit(workspace_id, sets) else self._read()
        secret = self._secret_state or SecretState.OWN
        if not sets:
            return ObservedCredentials(secret=secret)
        newest, *earlier = sets
        holds_newest = self._secret is not None and _digests_in(self._secret) == newest.digests
        return ObservedCredentials(
            secret=secret,
            is_current=holds_newest or (self._secret_state is None and is_known_current),
            rotated_at=newest.created_at,
            previous_valid_until=max((old.valid_until for old in earlier if old.valid_until), default=None),
            request=newest.request,
            number=newest.number,
            is_recent=now - newest.created_at < ROTATION_GRACE,
        )

    def _is_current_by_status(self, newest: StoredCredentials) -> bool:
        """Whether an earlier reconcile found these credentials in the Secret, and nothing requests a check."""
        status, request = self.resource.previous.credentials, self.resource.rotation_request
        return (
            not (self.check_secret or self._secret_existed)
            and request in ("", newest.request)
            and self.secrets is not None
            and status is not None
            and status.secret_name == self.resource.secret_name
            and status.rotation_time == newest.created_at.replace(microsecond=0)
        )

    def _is_first_visit(self, workspace_id: int | None, sets: Sequence[StoredCredentials]) -> bool:
        """Whether to create the Secret before reading it: nothing was reconciled yet, and no credentials are valid."""
        is_new = self.resource.previous.workspace_id is None and workspace_id is not None
        return is_new and not sets and self.secrets is not None and not self._secret_existed

    def apply(self, action: SecretAction, *, now: datetime) -> None:
        """Apply one action. Raises StaleRevision if a new observation is needed; the action may be half done."""
        if self.secrets is None:
            raise StaleRevision("without a cluster there is no Secret")
        try:
            self._apply(action, self.secrets, now)
        except ClusterForbidden as error:
            self._secret_state = self._refused(error)
            raise StaleRevision("the cluster refuses the Secret") from error
        except StaleRevision:
            self._secret_state, self._secret_existed = None, True
            raise

    def _apply(self, action: SecretAction, secrets: Secrets, now: datetime) -> None:
        match action:
            case RotateCredentials():
                self._secret = self._rotate(action, secrets, now)
                self._secret_state = SecretState.OWN
            case ClaimSecret():
                self._secret = secrets.write(*self._secret_location, self._secret_with({}, action))
                self._secret_state = SecretState.OWN
            case DeleteSecret():
                secrets.remove(*self._secret_location, version=self._secret.version if self._secret else "")
                self._secret, self._secret_state = None, SecretState.ABSENT
            case _ as never:
                assert_never(never)

    def _rotate(self, action: RotateCredentials, secrets: Secrets, now: datetime) -> Secret:
        keys = generate_api_keys(self.random)
        wanted = self._secret_with({SITE_ID: keys.site_id, API_KEY: keys.api_key, APP_KEY: keys.app_key}, action)
        if action.reason is RotationReason.NONE_IN_FORCE and self._secret_state is SecretState.ABSENT:
            # No client depends on earlier keys that a failed rotation could invalidate, so one request is enough.
            created = secrets.write(*self._secret_location, wanted)
            self._rotate_in_store(action, digests_of(keys), now)
            return created
        # A Secret that the cluster rejects must not cost a rotation in the store at each attempt.
        secrets.write(*self._secret_location, wanted, dry_run=True)
        self._rotate_in_store(action, digests_of(keys), now)
        return secrets.write(*self._secret_location, wanted)

    def _rotate_in_store(self, action: RotateCredentials, digests: CredentialDigests, now: datetime) -> None:
        try:
            self.credentials.rotate(
                action.workspace_id, digests, grace=action.grace, request=action.request, now=now, after=action.after
            )
        except NotFound as error:
            raise StaleRevision(f"workspace number {action.workspace_id} is gone") from error

    def _secret_with(self, values: Mapping[str, str], action: RotateCredentials | ClaimSecret) -> Secret:
        return desired_secret(values, self.resource, action.workspace_id, existing=self._secret)

    def _read(self) -> SecretState:
        if self.secrets is None:
            return SecretState.NO_CLUSTER
        try:
            self._secret = self.secrets.read(*self._secret_location)
        except ClusterForbidden as error:
            return self._refused(error)
        return secret_state(self._secret, self.resource)

    def _refused(self, error: ClusterForbidden) -> SecretState:
        logger.warning("%s: the Secret for the credentials cannot be written: %s", self.resource.namespaced_name, error)
        return SecretState.REFUSED

    @property
    def _secret_location(self) -> tuple[str, str]:
        return self.resource.namespace, self.resource.secret_name


def _digests_in(secret: Secret) -> CredentialDigests:
    site_id, api_key, app_key = (secret.values.get(key, "") for key in (SITE_ID, API_KEY, APP_KEY))
    return digests_of(ApiKeys(site_id=site_id, api_key=api_key, app_key=app_key))
