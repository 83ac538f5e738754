"""Port of the maintenance of a database: what it is, and whether it is sound. It never upgrades or writes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class SchemaState(StrEnum):
    """How the schema of a database relates to that of this version; the values are shown."""

    NONE = "none"
    CURRENT = "current"
    OLDER = "older"
    FOREIGN = "of another version"
    """A newer version made it, or an unreleased one: this version can neither use nor upgrade it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionState:
    """How the tables of a database of Citus are distributed over its machines.

    Attributes:
        shards: of each table; None if no table is distributed.
        problem: what is wrong with it, and what to do; None if nothing is.
    """

    shards: int | None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseDescription:
    """A database, as `workspacectl database status` shows it.

    Attributes:
        engine: ``SQLite`` or ``PostgreSQL``, with ``engine_version``.
        revision: of its schema; None if it has none. ``required_revision`` is that of this version.
        size_bytes: with indexes and, for SQLite, the write-ahead log.
        store_id: its identity; None if it has no schema.
        people: of all workspaces; an estimate of PostgreSQL unless ``are_people_counted``.
        root_key_fingerprint: of the root key whose installation sends from it; None before the first sender.
        distribution: how its tables are distributed over the machines of a Citus cluster; None without Citus.
    """

    name: str
    engine: str
    engine_version: str
    revision: str | None
    required_revision: str
    schema: SchemaState
    size_bytes: int
    store_id: str | None = None
    workspaces: int = 0
    people: int = 0
    are_people_counted: bool = True
    root_key_fingerprint: str | None = None
    distribution: DistributionState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check of a database found wrong.

    Attributes:
        check: a name that stays the same, such as ``identifiers-missing``.
        count: rows, or messages of the database, that are wrong.
        samples: the first of them, as keys without personal data.
    """

    check: str
    meaning: str
    remedy: str
    count: int
    samples: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The messages of a workspace that sends, or could: its transport, and when the first message is due.

    Attributes:
        transport: as the workspace names it; None for the one called default.
        next_due_at: None if nothing waits.
    """

    namespace: str
    name: str
    transport: str | None
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeAccount:
    """An Account whose admins get notices, the transport that it names, and when its next waiting notice is due."""

    namespace: str
    name: str
    transport: str
    next_due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedNotice:
    """A notice that was given up, by the workspace that it is about.

    Attributes:
        kind: what it is about, such as ``MigrationBlocked``.
        failure: why it was given up, without personal data.
    """

    namespace: str
    name: str
    kind: str
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """What the directory of workspaces says about all of them; every number of queries is constant.

    Attributes:
        workspaces_by_cluster: number of workspaces, by the cluster of their owners.
        queues: of the workspaces that name a transport or have a message that waits, unless they send nothing.
        unknown_send_modes: namespaces and names of workspaces whose send mode this version does not know.
        overdue_migrations: numbers of workspaces whose migration waits for a worker since a time.
        notice_accounts: Accounts whose admins get notices.
        failed_notices: notices of these accounts that were given up within a week, newest first.
    """

    workspaces_by_cluster: Mapping[str, int]
    queues: Sequence[Queue]
    unknown_send_modes: Sequence[tuple[str, str]]
    overdue_migrations: frozenset[int]
    notice_accounts: Sequence[NoticeAccount] = ()
    failed_notices: Sequence[FailedNotice] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedTable:
    """A table that was distributed, and in words where its rows are now."""

    name: str
    placement: str


class DatabaseDistribution(Protocol):
    """Distributes a database over the machines of a Citus cluster."""

    def distribute(self, *, shards: int | None, default_shards: int) -> Iterator[PlacedTable]:
        """Upgrade the schema, and distribute the tables that are not; yield each once it is done.

        What is done stays done if it is interrupted. ``shards`` is the number of shards of each table; None is the one
        that the tables have, or ``default_shards``.

        Raises:
            InvalidInput: the database is not one of Citus, or is distributed in another way.
            LockTimeout: another process uses a table.
            StoreUnavailable: the database does not answer, or refuses it.
        """
        ...

    def shards(self) -> int:
        """The number of shards of each table. Raises as `distribute`."""
        ...

    def limit_role(self) -> str | None:
        """Limit on all machines how long the role of the URL waits for a lock.

        Returns None, or the statement for an administrator if the role may not. Raises StoreUnavailable.
        """
        ...


class DatabaseInspection(Protocol):
    """Reads a database without changing it, also one of another version or a damaged one."""

    def describe(self, *, counts_people: bool = False) -> DatabaseDescription:
        """Describe the database. Raises StoreUnavailable, also if the file is damaged too much to be read.

        ``counts_people`` also where the database has an estimate, which is fast.
        """
        ...

    def check(self) -> Iterator[Finding]:
        """Check the file and the rows, and yield what is wrong, each check at most once.

        Raises:
            InvalidInput: the database has no schema, or that of another version, so that rows cannot be checked. A
                SQLite file was checked before that.
            StoreUnavailable: the database does not answer.
        """
        ...

    def directory(self, *, overdue_since: datetime, now: datetime) -> Directory:
        """Read the directory of a database with this version's schema; a migration that became due later is not late.

        Raises StoreUnavailable.
        """
        ...
