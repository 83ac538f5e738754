"""Credentials, in memory: digests only, as the store has them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tests.fakes.database import InMemoryDatabase, WorkspaceState
from workspace_operator.application.ports import CredentialDigests, StoredCredentials
from workspace_operator.errors import StaleRevision


@dataclass(frozen=True, slots=True)
class FakeCredentials:
    """Implements the port ``Credentials``."""

    memory: InMemoryDatabase

    def valid_sets(self, workspace_id: int, *, now: datetime) -> Sequence[StoredCredentials]:
        state = self.memory.states.get(workspace_id)
        return [_read(each, state) for each in reversed(state.credentials) if _is_valid(each, now)] if state else []

    def rotate(
        self,
        workspace_id: int,
        digests: CredentialDigests,
        *,
        grace: timedelta,
        request: str,
        now: datetime,
        after: int | None = None,
    ) -> StoredCredentials:
        state = self.memory.state(workspace_id)
        newest = max((each.number for each in self.valid_sets(workspace_id, now=now)), default=0)
        if after not in (None, newest):
            raise StaleRevision(f"the credentials of workspace number {workspace_id} were rotated meanwhile")
        made = StoredCredentials(
            workspace_id=workspace_id,
            number=state.credentials[-1].number + 1 if state.credentials else 1,
            digests=digests,
            created_at=now,
            valid_until=None,
            request=request,
        )
        _end(state, now + grace)
        state.credentials.append(made)
        return _read(made, state)

    def revoke(self, workspace_id: int) -> int:
        return _end(self.memory.state(workspace_id), datetime.fromtimestamp(0, UTC))

    def find_by_site_ids(self, digests: Collection[str], *, now: datetime) -> Mapping[str, StoredCredentials]:
        return {each.digests.site_id: each for each in self._valid(now) if each.digests.site_id in digests}

    def find_by_app_keys(self, digests: Collection[str], *, now: datetime) -> Mapping[str, StoredCredentials]:
        return {each.digests.app_key: each for each in self._valid(now) if each.digests.app_key in digests}

    def _valid(self, now: datetime) -> Sequence[StoredCredentials]:
        everything = (_read(each, state) for state in self.memory.states.values() for each in state.credentials)
        return [each for each in everything if _is_valid(each, now)]


def _read(each: StoredCredentials, state: WorkspaceState) -> StoredCredentials:
    """A set with what the workspace allows now."""
    return replace(each, app_key_may=state.workspace.settings.app_key_may)


def _end(state: WorkspaceState, at: datetime) -> int:
    """Let no set be valid for longer; the ended ones stay, so that no number is given twice."""
    before = list(state.credentials)
    state.credentials[:] = [replace(each, valid_until=min(each.valid_until or at, at)) for each in before]
    return sum(one != other for one, other in zip(before, state.credentials, strict=True))


def _is_valid(each: StoredCredentials, now: datetime) -> bool:
    return each.valid_until is None or now < each.valid_until
