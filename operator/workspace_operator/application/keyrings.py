"""A workspace's credentials in the store, and the Secret that hands them to callers.

New credentials are put in force in the store first, except the very first ones of a workspace. A process that dies
before the Secret is written leaves one that differs, and the earlier credentials valid for their grace time: a later
reconcile makes new ones again. Of two operators that rotate at once, the store refuses the second.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from workspace_operator.application.key_making import Keys, Random, digests_of, make_keys
from workspace_operator.application.ports import CredentialDigests, Credentials, Secrets, StoredCredentials
from workspace_operator.errors import ClusterRefused, Moved, NotFound
from workspace_operator.reconcile.credentials import CredentialsSeen, RotationCause, SecretState
from workspace_operator.reconcile.plan import ClaimSecret, RemoveSecret, RotateCredentials, SecretAction
from workspace_operator.reconcile.secrets import Secret, secret_with, state_of
from workspace_operator.reconcile.wishes import Resource

logger = logging.getLogger(__name__)

SITE_ID, API_KEY, APP_KEY = "siteID", "apiKey", "appKey"

OTHERS_MAY_WRITE = timedelta(seconds=10)
"""For so long a second operator leaves new credentials alone whose Secret it does not see yet."""


@dataclass(slots=True, kw_only=True)
class Keyring:
    """The credentials of one resource during one reconcile.

    Its Secret is read at most once, and again only when another client has written it meanwhile. It is not read where
    the status says that it holds the newest credentials, unless ``check_secret``, nor for a resource that was never
    visited: there it is made, and read only if one is there already. Without a cluster there is none (``secrets`` is
    None), and credentials are the command line's business.
    """

    credentials: Credentials
    secrets: Secrets | None
    random: Random
    resource: Resource
    check_secret: bool = True
    _secret: Secret | None = None
    _state: SecretState | None = None
    _was_there: bool = False

    def seen(self, workspace_id: int | None, *, now: datetime) -> CredentialsSeen:
        """What there is; without a workspace, only the Secret. Raises ClusterUnavailable, StoreUnavailable."""
        sets = self.credentials.sets(workspace_id, now=now) if workspace_id is not None else ()
        is_known_current = bool(sets) and self._status_says_current(sets[0])
        if self._state is None and not is_known_current:
            self._state = SecretState.ABSENT if self._is_first_visit(workspace_id, sets) else self._read()
        secret = self._state or SecretState.OWN
        if not sets:
            return CredentialsSeen(secret=secret)
        newest, *earlier = sets
        holds_newest = self._secret is not None and _digests_in(self._secret) == newest.digests
        return CredentialsSeen(
            secret=secret,
            is_current=holds_newest or (self._state is None and is_known_current),
            rotated_at=newest.created_at,
            previous_valid_until=max((each.valid_until for each in earlier if each.valid_until), default=None),
            request=newest.request,
            number=newest.number,
            was_just_made=now - newest.created_at < OTHERS_MAY_WRITE,
        )

    def _status_says_current(self, newest: StoredCredentials) -> bool:
        """Whether an earlier visit saw the Secret hold these credentials, and nothing asks to look again."""
        status, request = self.resource.previous.credentials, self.resource.rotation_request
        return (
            not (self.check_secret or self._was_there)
            and request in ("", newest.request)
            and self.secrets is not None
            and status is not None
            and status.secret_name == self.resource.secret_name
            and status.rotation_time == newest.created_at.replace(microsecond=0)
        )

    def _is_first_visit(self, workspace_id: int | None, sets: Sequence[StoredCredentials]) -> bool:
        """Whether the Secret is made before it is read: no visit has left one, and no credentials are in force."""
        is_new = self.resource.previous.workspace_id is None and workspace_id is not None
        return is_new and not sets and self.secrets is not None and not self._was_there

    def carry_out(self, action: SecretAction, *, now: datetime) -> None:
        """Carry one action out. Raises Moved if all is to be looked at again; then it was not done as a whole."""
        if self.secrets is None:
            raise Moved("without a cluster there is no Secret")
        try:
            self._carry_out(action, self.secrets, now)
        except ClusterRefused as error:
            self._state = self._refused(error)
            raise Moved("the cluster refuses the Secret") from error
        except Moved:
            self._state, self._was_there = None, True
            raise

    def _carry_out(self, action: SecretAction, secrets: Secrets, now: datetime) -> None:
        match action:
            case RotateCredentials():
                self._secret = self._rotated(action, secrets, now)
                self._state = SecretState.OWN
            case ClaimSecret():
                self._secret = secrets.write(*self._place, self._secret_with({}, action))
                self._state = SecretState.OWN
            case RemoveSecret():
                secrets.remove(*self._place, version=self._secret.version if self._secret else "")
                self._secret, self._state = None, SecretState.ABSENT
            case _ as never:
                assert_never(never)

    def _rotated(self, action: RotateCredentials, secrets: Secrets, now: datetime) -> Secret:
        keys = make_keys(self.random)
        wanted = self._secret_with({SITE_ID: keys.site_id, API_KEY: keys.api_key, APP_KEY: keys.app_key}, action)
        if action.cause is RotationCause.NONE_IN_FORCE and self._state is SecretState.ABSENT:
            # Nobody uses earlier keys that a Secret without effect could take away, so one request is enough.
            made = secrets.write(*self._place, wanted)
            self._put_in_force(action, digests_of(keys), now)
            return made
        # What the cluster does not take must not cost a rotation in the store at each try.
        secrets.write(*self._place, wanted, trial=True)
        self._put_in_force(action, digests_of(keys), now)
        return secrets.write(*self._place, wanted)

    def _put_in_force(self, action: RotateCredentials, digests: CredentialDigests, now: datetime) -> None:
        try:
            self.credentials.rotate(
                action.workspace_id,
                digests,
                grace=action.grace,
                request=action.request,
                now=now,
                after=action.after,
            )
        except NotFound as error:
            raise Moved(f"workspace number {action.workspace_id} is gone") from error

    def _secret_with(self, values: Mapping[str, str], action: RotateCredentials | ClaimSecret) -> Secret:
        return secret_with(values, self.resource, action.workspace_id, over=self._secret)

    def _read(self) -> SecretState:
        if self.secrets is None:
            return SecretState.NOWHERE
        try:
            self._secret = self.secrets.read(*self._place)
        except ClusterRefused as error:
            return self._refused(error)
        return state_of(self._secret, self.resource)

    def _refused(self, error: ClusterRefused) -> SecretState:
        logger.warning("%s: the credentials have no place: %s", self.resource.title, error)
        return SecretState.REFUSED

    @property
    def _place(self) -> tuple[str, str]:
        return self.resource.namespace, self.resource.secret_name


def _digests_in(secret: Secret) -> CredentialDigests:
    site_id, api_key, app_key = (secret.values.get(key, "") for key in (SITE_ID, API_KEY, APP_KEY))
    return digests_of(Keys(site_id=site_id, api_key=api_key, app_key=app_key))
