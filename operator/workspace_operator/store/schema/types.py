"""Column types that behave the same in both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UTCTime(sa.types.TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since 1970 in UTC: the same in both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Turn an aware datetime into microseconds."""
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Turn microseconds into an aware datetime."""
        return None if value is None else from_microseconds(value)


def to_microseconds(value: datetime) -> int:
    """An aware datetime as a value of a `UTCTime` column, for statements that go directly to the driver."""
    return (value - EPOCH) // _MICROSECOND


def from_microseconds(value: int) -> datetime:
    """The time of a value of a `UTCTime` column."""
    return EPOCH + timedelta(microseconds=value)


BinaryText = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text that is compared byte by byte, as in Python and SQLite, regardless of the database's locale."""

# SQLite generates numbers only for a primary key of type INTEGER.
SerialNumber = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
