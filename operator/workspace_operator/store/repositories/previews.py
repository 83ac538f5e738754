"""Previews: the effect of a migration on people, from indexes in one snapshot.

Memory does not grow with the number of people: groups are read in the order of their index, and only a few people with
violations are read. `counts` has the checks themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, assert_never

import sqlalchemy as sa

from workspace_operator.errors import NotFound
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Violation, ViolationCounts, enables_email
from workspace_operator.reconcile.plan.previews import Preview, ViolationSample
from workspace_operator.reconcile.plan.sending import SendingPreview
from workspace_operator.reconcile.plan.simulation import WorkspacesSnapshot
from workspace_operator.sending.rules import SendMode
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import exists_per_row
from workspace_operator.store.queries.accounts import all_accounts
from workspace_operator.store.queries.counts import IS_SUPPRESSED, SUPPRESSED_EMAILS, count_people, count_violations
from workspace_operator.store.queries.sending_state import live_senders
from workspace_operator.store.schema.mappers import (
    IS_NEWEST_MIGRATION,
    WORKSPACES_WITH_ACCOUNT,
    Row,
    migration_of,
    workspace_of,
)
from workspace_operator.store.schema.sending_tables import template
from workspace_operator.store.schema.tables import (
    cluster_heartbeat,
    migration,
    person,
    suppression,
    workspace,
)
from workspace_operator.store.sending.delivery_queries import waiting_counts

MAX_NAMED_DUPLICATES = 5
"""Limit of other people with the same address that a sample names; there may be thousands."""

_WORKSPACE = sa.bindparam("workspace_id", type_=sa.BigInteger)
_OF_WORKSPACE = person.c.workspace_id == _WORKSPACE
_other = person.alias("other")


def _others_with(key: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return sa.and_(_other.c.workspace_id == _WORKSPACE, _other.c.email_key == key)


_SHARING = (
    sa.select(person.c.email_key, sa.func.count().label("people"))
    .where(_OF_WORKSPACE, person.c.email_key.is_not(None))
    .group_by(person.c.email_key)
    .having(sa.func.count() > 1)
)
_SHARED = _SHARING.subquery("shared")
_GROUPS = (
    sa.select(
        _SHARED.c.people,
        sa.select(sa.func.count(_other.c.id))
        .where(_others_with(_SHARED.c.email_key))
        .correlate(_SHARED)
        .scalar_subquery()
        .label("ids"),
    )
    .limit(2**62)  # keeps SQLite from flattening the subquery, which would count the ids several times
    .subquery("groups")
)
MERGES = sa.select(
    sa.func.count().label("groups"),
    sa.func.coalesce(sa.func.sum(_GROUPS.c.people - 1), 0).label("people"),
    sa.func.coalesce(sa.func.sum(sa.case((_GROUPS.c.ids > 1, _GROUPS.c.ids - 1), else_=0)), 0).label("ids"),
).select_from(_GROUPS)
"""Numbers of groups, of secondaries, and of ids given up, if all people with shared addresses are merged."""

_IS_SHARED = exists_per_row(
    sa.select(_other.c.cio_id)
    .where(_others_with(person.c.email_key), _other.c.cio_id != person.c.cio_id)
    .correlate(person)
)
# As an independent subquery it is read in the order of its index, without a copy.
_SUPPRESSED_SUBQUERY = SUPPRESSED_EMAILS.subquery("suppressed_keys")
_SUPPRESSED_PEOPLE = (
    sa.select(sa.func.count())
    .select_from(_other)
    .where(_others_with(_SUPPRESSED_SUBQUERY.c.value_key))
    .correlate(_SUPPRESSED_SUBQUERY)
    .scalar_subquery()
)
SUPPRESSED_ALONE = sa.select(sa.func.count()).select_from(_SUPPRESSED_SUBQUERY).where(_SUPPRESSED_PEOPLE == 1)
_ANOTHER = (_OF_WORKSPACE, person.c.id_is_another_email, person.c.email_is_invalid.is_(False), ~IS_SUPPRESSED)
ANOTHER_BESIDE = sa.select(sa.func.count()).select_from(person).where(*_ANOTHER)
ANOTHER_ALONE = sa.select(sa.func.count()).select_from(person).where(*_ANOTHER, ~_IS_SHARED)
"""People with this violation and none of those before it, so that each person counts once."""

_PERSON = (person.c.cio_id, person.c.id, person.c.email, person.c.email_key)
_LIMIT = sa.bindparam("samples", type_=sa.BigInteger)
SHARED_KEYS = _SHARING.order_by(person.c.email_key).limit(_LIMIT)
SUPPRESSED_KEYS = (
    SUPPRESSED_EMAILS.where(
        sa.exists(sa.select(_other.c.cio_id).where(_others_with(suppression.c.value_key)).correlate(suppression))
    )
    .order_by(suppression.c.value_key)
    .limit(_LIMIT)
)
_PEOPLE = sa.select(*_PERSON).where(_OF_WORKSPACE)
INVALID_PEOPLE = _PEOPLE.where(person.c.email_is_invalid).order_by(person.c.cio_id).limit(_LIMIT)
ANOTHER_PEOPLE = _PEOPLE.where(person.c.id_is_another_email).order_by(person.c.cio_id).limit(_LIMIT)
_HAS_KEY = person.c.email_key == sa.bindparam("key")
_BY_AGE = (person.c.created_at, person.c.inserted_at, person.c.cio_id)
OLDEST_OF_KEY = _PEOPLE.where(_HAS_KEY).order_by(*_BY_AGE).limit(_LIMIT)
PEOPLE_OF_KEY = sa.select(sa.func.count()).select_from(person).where(_OF_WORKSPACE, _HAS_KEY)

TRACKING_TEMPLATES = sa.select(sa.func.count()).where(
    template.c.workspace_id == _WORKSPACE, template.c.open_tracking.is_(True)
)


@dataclass(frozen=True, slots=True)
class SQLPreviews:
    """Implements the port ``Previews``."""

    database: Database

    def snapshot(self, *, now: datetime) -> WorkspacesSnapshot:
        """All workspaces with their newest migrations, and the live senders, in one snapshot."""
        newest = sa.select(migration).where(IS_NEWEST_MIGRATION)
        with self.database.reading_one_snapshot() as connection:
            workspaces = [workspace_of(row) for row in connection.execute(WORKSPACES_WITH_ACCOUNT)]
            migrations = [migration_of(row) for row in connection.execute(newest)]
            senders = live_senders(connection, now)
            accounts = all_accounts(connection)
            heartbeats = {row.cluster: row.beat_at for row in connection.execute(sa.select(cluster_heartbeat))}
        return WorkspacesSnapshot(
            workspaces={found.workspace_id: found for found in workspaces},
            migrations={found.workspace_id: found for found in migrations},
            heartbeat_times=heartbeats,
            senders=senders,
            accounts=accounts,
        )

    def preview(self, workspace_id: int, *, from_mode: Mode, to_mode: Mode, samples: int) -> Preview:
        """Preview the effect of a migration on a workspace, in one snapshot. Raises NotFound."""
        with self.database.reading_one_snapshot(sets=True) as connection:
            self._require_workspace(connection, workspace_id)
            if not enables_email(from_mode, to_mode):
                people = count_people(connection, workspace_id)
                unusable = people.without_id if to_mode is Mode.ID_ONLY else people.without_identifier
                return Preview(people=people, people_without_usable_identifier=unusable)
            return _PreviewQuery(connection=connection, workspace_id=workspace_id, samples=samples).preview()

    def preview_sending(self, workspace_id: int, *, now: datetime) -> SendingPreview:
        """Count the messages that a change of the sending rules concerns, in one snapshot. Raises NotFound."""
        with self.database.reading_one_snapshot() as connection:
            self._require_workspace(connection, workspace_id)
            counts = waiting_counts(connection, workspace_id, now=now)
            templates = connection.execute(TRACKING_TEMPLATES, {"workspace_id": workspace_id}).scalar_one()
        return SendingPreview(
            waiting=counts.waiting,
            accepted_in_normal=counts.by_accepted_mode.get(SendMode.NORMAL, 0),
            next_due_at=counts.next_due_at,
            in_flight=counts.in_flight,
            tracking_templates=templates,
        )

    def _require_workspace(self, connection: sa.Connection, workspace_id: int) -> None:
        known = sa.select(workspace.c.workspace_id).where(workspace.c.workspace_id == workspace_id)
        if connection.execute(known).first() is None:
            raise NotFound(f"there is no workspace number {workspace_id} in {self.database.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _PreviewQuery:
    """Computes the preview of a migration that makes e-mail addresses identifiers."""

    connection: sa.Connection
    workspace_id: int
    samples: int
    holders: dict[str, tuple[Sequence[Row], int]] = field(default_factory=dict)
    """By e-mail key: its oldest people, and their number. For a million people, the query takes half a second."""

    def preview(self) -> Preview:
        people, counts = count_violations(self.connection, self.workspace_id)
        merges = self._row(MERGES) if counts.duplicate_email else None
        alone, beside = self._count_blocking(counts)
        return Preview(
            people=people,
            people_without_usable_identifier=people.without_identifier,
            violations=replace(counts, people_concerned=counts.duplicate_email + alone),
            people_concerned_beside_sharing=beside,
            groups=int(merges.groups) if merges else 0,
            people_to_merge=int(merges.people) if merges else 0,
            ids_given_up=int(merges.ids) if merges else 0,
            samples=self._samples(counts),
        )

    def _count_blocking(self, counts: ViolationCounts) -> tuple[int, int]:
        """Count people with a violation besides duplicates: without a shared address, and all."""
        another_alone = another = suppressed_alone = 0
        if counts.id_is_another_email:
            another_alone, another = self._count(ANOTHER_ALONE), self._count(ANOTHER_BESIDE)
        if counts.suppressed_email:
            suppressed_alone = self._count(SUPPRESSED_ALONE)
        alone = counts.invalid_email + suppressed_alone + another_alone
        return alone, counts.invalid_email + counts.suppressed_email + another

    def _samples(self, counts: ViolationCounts) -> dict[Violation, Sequence[ViolationSample]]:
        if self.samples <= 0:
            return {}
        rows = {name: self._sample_rows(name) for name, count in counts.by_violation().items() if count}
        return {name: tuple(map(self._sample, sampled)) for name, sampled in rows.items()}

    def _sample_rows(self, violation: Violation) -> Sequence[Row]:
        match violation:
            case Violation.DUPLICATE_EMAIL:
                return self._oldest(SHARED_KEYS)
            case Violation.INVALID_EMAIL:
                return self._rows(INVALID_PEOPLE, samples=self.samples)
            case Violation.SUPPRESSED_EMAIL:
                return self._oldest(SUPPRESSED_KEYS)
            case Violation.ID_IS_ANOTHER_EMAIL:
                return self._rows(ANOTHER_PEOPLE, samples=self.samples)
            case _ as never:
                assert_never(never)

    def _oldest(self, keys: sa.Select[Any]) -> Sequence[Row]:
        """The oldest person of each address."""
        return [self._holders(row[0])[0][0] for row in self._rows(keys, samples=self.samples)]

    def _sample(self, row: Row) -> ViolationSample:
        oldest, sharing = ((), 1) if row.email_key is None else self._holders(row.email_key)
        others = [other.cio_id for other in oldest if other.cio_id != row.cio_id]
        return ViolationSample(
            cio_id=row.cio_id,
            id=row.id,
            email=row.email,
            sharing=sharing,
            shares_with=tuple(others[:MAX_NAMED_DUPLICATES]),
        )

    def _holders(self, key: str) -> tuple[Sequence[Row], int]:
        if key not in self.holders:
            oldest = self._rows(OLDEST_OF_KEY, key=key, samples=MAX_NAMED_DUPLICATES + 1)
            self.holders[key] = oldest, self._count(PEOPLE_OF_KEY, key=key)
        return self.holders[key]

    def _count(self, query: sa.Select[Any], **values: object) -> int:
        return int(self._row(query, **values)[0])

    def _row(self, query: sa.Select[Any], **values: object) -> Row:
        return self.connection.execute(query, {"workspace_id": self.workspace_id, **values}).one()

    def _rows(self, query: sa.Select[Any], **values: object) -> Sequence[Row]:
        return self.connection.execute(query, {"workspace_id": self.workspace_id, **values}).all()
