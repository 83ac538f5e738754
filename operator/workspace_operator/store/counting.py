"""Counting people and violations from the indexes, without looking at a single person (trials.md, Validation).

One scan over ``(workspace_id, email_key, cio_id)`` gives who has an address and who shares one; the rest has partial
indexes. People without a key are counted apart: in the grouping they would cost SQLite twice the time.
"""

import sqlalchemy as sa

from workspace_operator.migrations.records import ViolationCounts
from workspace_operator.reconcile.observed import PeopleCounts
from workspace_operator.store.tables import KIND_EMAIL, person, suppression

_OF_WORKSPACE = person.c.workspace_id == sa.bindparam("workspace_id")


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
INVALID = _count(person.c.email_is_invalid)
ID_IS_ANOTHER = _count(person.c.id_is_another_email)

BLOCKED_KEYS = (
    sa.select(suppression.c.value_key)
    .distinct()
    .where(suppression.c.workspace_id == sa.bindparam("workspace_id"), suppression.c.kind == KIND_EMAIL)
    .cte("blocked_keys")
)
SUPPRESSED = sa.select(sa.func.count()).select_from(
    BLOCKED_KEYS.join(person, sa.and_(_OF_WORKSPACE, person.c.email_key == BLOCKED_KEYS.c.value_key))
)


def count_people(connection: sa.Connection, workspace_id: int) -> PeopleCounts:
    """Count people; ``with_email`` are those with any e-mail text that is not empty, valid or not."""
    parameters = {"workspace_id": workspace_id}
    with_key = connection.execute(WITH_KEY, parameters).scalar_one()
    return _people(connection, parameters, with_key, invalid=connection.execute(INVALID, parameters).scalar_one())


def count_violations(connection: sa.Connection, workspace_id: int) -> tuple[PeopleCounts, ViolationCounts]:
    """Count people and all four violations; ``people_concerned`` stays 0 where any of them needs a look at rows.

    How many people are concerned is known once the violations are written down, which happens only if there are any.
    """
    parameters = {"workspace_id": workspace_id}
    with_key, sharing = connection.execute(SHARING, parameters).one()
    counts = ViolationCounts(
        duplicate_email=int(sharing),
        invalid_email=connection.execute(INVALID, parameters).scalar_one(),
        suppressed_email=connection.execute(SUPPRESSED, parameters).scalar_one(),
        id_is_another_email=connection.execute(ID_IS_ANOTHER, parameters).scalar_one(),
    )
    return _people(connection, parameters, int(with_key), invalid=counts.invalid_email), counts


def _people(connection: sa.Connection, parameters: dict[str, int], with_key: int, *, invalid: int) -> PeopleCounts:
    return PeopleCounts(
        total=with_key + connection.execute(WITHOUT_KEY, parameters).scalar_one(),
        with_email=with_key + invalid,
        without_id=connection.execute(WITHOUT_ID, parameters).scalar_one(),
    )
