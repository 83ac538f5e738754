"""Credentials in the database, as digests, found without a workspace number."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from workspace_operator.application.ports import CredentialDigests, StoredCredentials
from workspace_operator.errors import NotFound, StaleRevision
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import credential, workspace
from workspace_operator.store.schema.types import EPOCH
from workspace_operator.workspaces.app_keys import AppKeyMay

_NOW = sa.bindparam("now", type_=credential.c.valid_until.type)
_OF_WORKSPACE = credential.c.workspace_id == sa.bindparam("workspace_id")
_IS_VALID = sa.or_(credential.c.valid_until.is_(None), credential.c.valid_until > _NOW)

_SETS = sa.select(credential, workspace.c.app_key_may).join(
    workspace, workspace.c.workspace_id == credential.c.workspace_id
)

_VALID_SETS = _SETS.where(_OF_WORKSPACE, _IS_VALID).order_by(credential.c.number.desc())

_NEWEST = sa.select(sa.func.max(credential.c.number), sa.func.max(sa.case((_IS_VALID, credential.c.number)))).where(
    _OF_WORKSPACE
)

_INSERT = sa.insert(credential).returning(credential)


@dataclass(frozen=True, slots=True)
class SQLCredentials:
    """Implements the port ``Credentials``."""

    database: Database

    def valid_sets(self, workspace_id: int, *, now: datetime) -> Sequence[StoredCredentials]:
        """The valid sets of a workspace, newest first."""
        with self.database.reading() as connection:
            rows = connection.execute(_VALID_SETS, {"workspace_id": workspace_id, "now": now})
            return [_credentials_of(row, row.app_key_may) for row in rows]

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
        """Create a set; earlier sets expire after the grace period at the latest (`ports.credentials`)."""

        def work(connection: sa.Connection) -> StoredCredentials:
            app_key_may = _lock(connection, workspace_id)
            newest, newest_valid = _newest_numbers(connection, workspace_id, now)
            if after is not None and newest_valid != after:
                raise StaleRevision(f"the credentials of workspace number {workspace_id} were rotated meanwhile")
            if newest:
                _expire(connection, workspace_id, at=now + grace)
                _prune(connection, workspace_id, now)
            keys = {f"{name}_digest": digest for name, digest in asdict(digests).items()}
            values = {"workspace_id": workspace_id, "number": newest + 1, "created_at": now, "request": request, **keys}
            return _credentials_of(connection.execute(_INSERT, values).one(), app_key_may)

        return self.database.writing(work)

    def revoke(self, workspace_id: int) -> int:
        """Revoke all sets at once; return the number that were not revoked. Raises NotFound."""

        def work(connection: sa.Connection) -> int:
            _lock(connection, workspace_id)
            return _expire(connection, workspace_id, at=EPOCH)

        return self.database.writing(work)

    def find_by_site_ids(self, digests: Collection[str], *, now: datetime) -> Mapping[str, StoredCredentials]:
        """The valid sets with these site ids, by digest; unknown digests are left out."""
        return {found.digests.site_id: found for found in self._having(credential.c.site_id_digest, digests, now)}

    def find_by_app_keys(self, digests: Collection[str], *, now: datetime) -> Mapping[str, StoredCredentials]:
        """The valid sets with these app keys, by digest; unknown digests are left out."""
        return {found.digests.app_key: found for found in self._having(credential.c.app_key_digest, digests, now)}

    def _having(self, column: sa.Column[str], digests: Collection[str], now: datetime) -> Sequence[StoredCredentials]:
        query = _SETS.where(column.in_(digests), _IS_VALID)
        with self.database.reading() as connection:
            return [_credentials_of(row, row.app_key_may) for row in connection.execute(query, {"now": now})]


def _lock(connection: sa.Connection, workspace_id: int) -> str:
    """Lock the workspace against concurrent rotations and deletion; return what its App keys may do."""
    query = sa.select(workspace.c.app_key_may).filter_by(workspace_id=workspace_id)
    row = connection.execute(query.with_for_update(key_share=True)).first()
    if row is None:
        raise NotFound(f"there is no workspace number {workspace_id}")
    return str(row.app_key_may)


def _expire(connection: sa.Connection, workspace_id: int, *, at: datetime) -> int:
    """Expire all sets at a time; a set that expires earlier is not changed."""
    is_later = sa.or_(credential.c.valid_until.is_(None), credential.c.valid_until > at)
    update = sa.update(credential).where(credential.c.workspace_id == workspace_id, is_later)
    return connection.execute(update.values(valid_until=at)).rowcount


def _newest_numbers(connection: sa.Connection, workspace_id: int, now: datetime) -> tuple[int, int]:
    """The highest numbers of all sets, as none is reused, and of the valid ones; 0 for none."""
    newest, newest_valid = connection.execute(_NEWEST, {"workspace_id": workspace_id, "now": now}).one()
    return newest or 0, newest_valid or 0


def _prune(connection: sa.Connection, workspace_id: int, now: datetime) -> None:
    ended = credential.c.valid_until <= now
    connection.execute(sa.delete(credential).where(credential.c.workspace_id == workspace_id, ended))


def _credentials_of(row: Row, app_key_may: str) -> StoredCredentials:
    return StoredCredentials(
        workspace_id=row.workspace_id,
        number=row.number,
        digests=CredentialDigests(site_id=row.site_id_digest, api_key=row.api_key_digest, app_key=row.app_key_digest),
        created_at=row.created_at,
        valid_until=row.valid_until,
        request=row.request,
        app_key_may=AppKeyMay.stored(app_key_may),
    )
