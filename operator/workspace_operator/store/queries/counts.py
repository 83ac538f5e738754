"""Counts of people and violations, from indexes alone (trials §1).

One scan over ``(workspace_id, email_key, cio_id)`` counts people with an address and with a shared one; the other
counts have partial indexes. People without a key are counted separately: grouping them doubles the time on SQLite.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from workspace_operator.migrations.model import ViolationCounts
from workspace_operator.store.engine.sql import disable_nested_loops, exists_per_row
from workspace_operator.store.schema.mappers import IS_PENDING_MERGE
from workspace_operator.store.schema.tables import KIND_EMAIL, person, shared_email, suppression, workspace
from workspace_operator.workspaces.model import PeopleCounts

_WORKSPACE = sa.bindparam("workspace_id", type_=sa.BigInteger)
_OF_WORKSPACE = person.c.workspace_id == _WORKSPACE


def _count(*conditions: sa.ColumnElement[bool]) -> sa.Select[int]:
    return sa.select(sa.func.count()).select_from(person).where(_OF_WORKSPACE, *conditions)


_GROUPS = (
    sa.select(sa.func.count().label("people"))
    .where(_OF_WORKSPACE, person.c.email_key.is_not(None))
    .group_by(person.c.email_key)
    .subquery()
)

SHARING = sa.select(
    sa.func.coalesce(sa.func.sum(_GROUPS.c.people), 0).label("with_key"),
    sa.func.coalesce(sa.func.sum(sa.case((_GROUPS.c.people > 1, _GROUPS.c.people))), 0).label("sharing"),
)
WITH_KEY = _count(person.c.email_key.is_not(None))
WITHOUT_KEY = _count(person.c.email_key.is_(None))
WITHOUT_ID = _count(person.c.id.is_(None))
# `coalesce` prevents the use of the e-mail index: usually few people lack an id, but many lack an address.
WITHOUT_IDENTIFIER = _count(person.c.id.is_(None), sa.func.coalesce(person.c.email_key, "") == "")
INVALID = _count(person.c.email_is_invalid)
ID_IS_ANOTHER = _count(person.c.id_is_another_email)

_MERGED = shared_email.c.people - 1
_MERGED_WITHOUT_ID = shared_email.c.people - shared_email.c.ids - sa.case((shared_email.c.ids == 0, 1), else_=0)
PENDING_MERGES = sa.select(
    sa.func.coalesce(sa.func.sum(_MERGED), 0).label("people"),
    sa.func.coalesce(sa.func.sum(_MERGED_WITHOUT_ID), 0).label("without_id"),
).where(
    shared_email.c.workspace_id == _WORKSPACE,
    sa.select(workspace.c.merges_pending).where(workspace.c.workspace_id == _WORKSPACE).scalar_subquery(),
    IS_PENDING_MERGE,
)
"""Rows of people who are already part of another person, whose merges are pending."""

_MERGES = sa.select(
    sa.func.coalesce(sa.func.sum(_MERGED), 0).label("people"),
    sa.func.coalesce(sa.func.sum(sa.case((shared_email.c.merged, _MERGED), else_=0)), 0).label("merged"),
    sa.func.coalesce(sa.func.sum(sa.case((shared_email.c.ids > 1, shared_email.c.ids - 1), else_=0)), 0).label("ids"),
).where(shared_email.c.workspace_id == _WORKSPACE, shared_email.c.people > 1)

_SUPPRESSIONS = sa.select(suppression.c.value_key).where(
    suppression.c.workspace_id == _WORKSPACE, suppression.c.kind == KIND_EMAIL
)
SUPPRESSED_EMAILS = _SUPPRESSIONS.distinct()
SUPPRESSED_KEYS = SUPPRESSED_EMAILS.cte("suppressed_keys")
IS_SUPPRESSED = exists_per_row(_SUPPRESSIONS.where(suppression.c.value_key == person.c.email_key).correlate(person))
"""Whether a person's address is suppressed."""

SUPPRESSED = sa.select(sa.func.count()).select_from(
    SUPPRESSED_KEYS.join(person, sa.and_(_OF_WORKSPACE, person.c.email_key == SUPPRESSED_KEYS.c.value_key))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeCounts:
    """Numbers of secondaries of a migration, of those merged so far, and of ids given up."""

    people: int
    merged: int
    ids: int


def count_merges(connection: sa.Connection, workspace_id: int) -> MergeCounts:
    """Count the merges of a cut-over."""
    row = connection.execute(_MERGES, {"workspace_id": workspace_id}).one()
    return MergeCounts(people=int(row.people), merged=int(row.merged), ids=int(row.ids))


def count_people(connection: sa.Connection, workspace_id: int) -> PeopleCounts:
    """Count people; ``with_email`` counts any e-mail text that is not empty, valid or not."""
    values = {"workspace_id": workspace_id}
    with_key = connection.execute(WITH_KEY, values).scalar_one()
    return _people_counts(connection, values, with_key, invalid=connection.execute(INVALID, values).scalar_one())


def count_violations(connection: sa.Connection, workspace_id: int) -> tuple[PeopleCounts, ViolationCounts]:
    """Count people and all four violations; ``people_concerned`` stays 0.

    The number of people concerned is known when an export is written, which happens only if there are violations.
    """
    disable_nested_loops(connection)
    values = {"workspace_id": workspace_id}
    with_key, sharing = connection.execute(SHARING, values).one()
    counts = ViolationCounts(
        duplicate_email=int(sharing),
        invalid_email=connection.execute(INVALID, values).scalar_one(),
        suppressed_email=connection.execute(SUPPRESSED, values).scalar_one(),
        id_is_another_email=connection.execute(ID_IS_ANOTHER, values).scalar_one(),
    )
    return _people_counts(connection, values, int(with_key), invalid=counts.invalid_email), counts


def _people_counts(connection: sa.Connection, values: dict[str, int], with_key: int, *, invalid: int) -> PeopleCounts:
    pending = connection.execute(PENDING_MERGES, values).one()
    with_key -= int(pending.people)
    return PeopleCounts(
        total=with_key + connection.execute(WITHOUT_KEY, values).scalar_one(),
        with_email=with_key + invalid,
        without_id=connection.execute(WITHOUT_ID, values).scalar_one() - int(pending.without_id),
        without_identifier=connection.execute(WITHOUT_IDENTIFIER, values).scalar_one(),
    )
