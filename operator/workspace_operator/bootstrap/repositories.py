"""The repositories of one database. Each is imported when it is first used: most commands use two or three."""

from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from workspace_operator.store.engine.clocks import DatabaseClock
from workspace_operator.store.engine.databases import Database, TransactionObserver
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator

if TYPE_CHECKING:
    from workspace_operator.application.ports import (
        Accounts,
        AddressBlocks,
        AuditLog,
        CleanupRules,
        Cleanups,
        Credentials,
        Deliveries,
        Exports,
        Heartbeats,
        Imports,
        ListedCalls,
        Listings,
        MergeJournal,
        MessageCounters,
        Migrations,
        Notices,
        Ownership,
        People,
        PersonRecords,
        Previews,
        Segments,
        SendingQueue,
        Sessions,
        SignInPins,
        Templates,
        UndoPreviews,
        Workspaces,
        WritePath,
    )


class Repositories:
    """The implementations of all ports for one database.

    Attributes:
        name: the database as messages name it, without a password.
        file: that of an embedded database; None for a server's.
        clock: the database's clock.
    """

    def __init__(self, database: Database) -> None:
        self.name = database.name
        self.file = Path(str(database.url.database)) if database.is_sqlite else None
        self.clock = DatabaseClock(database)
        self._new_id = CioIDGenerator(self.clock.cached_timestamp)
        self._database = database

    def create_all(self) -> None:
        """Create all repositories, for a process with threads, which share them and must not wait for an import."""
        for name, attribute in vars(type(self)).items():
            if isinstance(attribute, cached_property):
                getattr(self, name)

    def observe_transactions(self, observer: TransactionObserver) -> None:
        """Set the function that is called after each transaction."""
        self._database.observer = observer

    def limiting_reads(self, seconds: float) -> AbstractContextManager[None]:
        """Limit the statements of reads that this thread makes in a block. They raise StatementTimeout."""
        return self._database.limiting_reads(seconds)

    def sharing_reads(self) -> AbstractContextManager[None]:
        """Have the reads that this thread makes in a block share one transaction, with one snapshot."""
        return self._database.sharing_reads()

    @cached_property
    def workspaces(self) -> "Workspaces":
        """Workspaces, with their owners and settings."""
        from workspace_operator.store.repositories.workspaces import SQLWorkspaces

        return SQLWorkspaces(self._database)

    @cached_property
    def accounts(self) -> "Accounts":
        """Accounts, with their plans and members."""
        from workspace_operator.store.repositories.accounts.accounts import SQLAccounts

        return SQLAccounts(self._database)

    @cached_property
    def heartbeats(self) -> "Heartbeats":
        """Heartbeats of the clusters that use the database."""
        from workspace_operator.store.repositories.heartbeats import SQLHeartbeats

        return SQLHeartbeats(self._database)

    @cached_property
    def ownership(self) -> "Ownership":
        """Owners of workspaces, for a move between clusters."""
        from workspace_operator.store.repositories.ownership import SQLOwnership

        return SQLOwnership(self._database)

    @cached_property
    def people(self) -> "People":
        """People, and the units of work that change them."""
        from workspace_operator.store.repositories.people import SQLPeople

        return SQLPeople(self._database, new_cio_id=self._new_id)

    @cached_property
    def person_records(self) -> "PersonRecords":
        """Activities, devices and segment memberships of people."""
        from workspace_operator.store.repositories.person_records import SQLPersonRecords

        return SQLPersonRecords(self._database)

    @cached_property
    def segments(self) -> "Segments":
        """Manual segments."""
        from workspace_operator.store.repositories.segments import SQLSegments

        return SQLSegments(self._database)

    @cached_property
    def merges(self) -> "MergeJournal":
        """The journal of merges."""
        from workspace_operator.store.repositories.merges import SQLMergeJournal

        return SQLMergeJournal(self._database, new_id=self._new_id)

    @cached_property
    def audit_log(self) -> "AuditLog":
        """Who did what, when, and by which way."""
        from workspace_operator.store.repositories.accounts.audit_log import SQLAuditLog

        return SQLAuditLog(self._database, new_id=self._new_id)

    @cached_property
    def migrations(self) -> "Migrations":
        """Identifier migrations."""
        from workspace_operator.store.repositories.migrations import SQLMigrations

        return SQLMigrations(self._database, new_id=self._new_id)

    @cached_property
    def cleanups(self) -> "Cleanups":
        """Cleanups: decisions about people who block a migration."""
        from workspace_operator.store.repositories.cleanups.cleanups import SQLCleanups

        return SQLCleanups(self._database, new_id=self._new_id)

    @cached_property
    def cleanup_rules(self) -> "CleanupRules":
        """Rules of cleanups: decisions about many groups at once."""
        from workspace_operator.store.repositories.cleanups.rules import SQLCleanupRules

        return SQLCleanupRules(self._database, new_id=self._new_id)

    @cached_property
    def listed_calls(self) -> "ListedCalls":
        """The calls that named people who block a migration."""
        from workspace_operator.store.repositories.cleanups.listed_calls import SQLListedCalls

        return SQLListedCalls(self._database)

    @cached_property
    def undo_previews(self) -> "UndoPreviews":
        """What would come back of a cleanup."""
        from workspace_operator.store.repositories.cleanups.undo_previews import SQLUndoPreviews

        return SQLUndoPreviews(self._database)

    @cached_property
    def listings(self) -> "Listings":
        """Lists of people who block a migration, with the decisions about them."""
        from workspace_operator.store.repositories.cleanups.listings import SQLListings

        return SQLListings(self._database)

    @cached_property
    def imports(self) -> "Imports":
        """Imports of files as jobs."""
        from workspace_operator.store.repositories.imports.imports import SQLImports

        return SQLImports(self._database, new_id=self._new_id)

    @cached_property
    def exports(self) -> "Exports":
        """Lists of people who block a migration."""
        from workspace_operator.store.repositories.exports import SQLExports

        return SQLExports(self._database)

    @cached_property
    def previews(self) -> "Previews":
        """The effects that changes would have."""
        from workspace_operator.store.repositories.previews import SQLPreviews

        return SQLPreviews(self._database)

    @cached_property
    def deliveries(self) -> "Deliveries":
        """Messages, from their acceptance on."""
        from workspace_operator.store.repositories.sending.deliveries import SQLDeliveries

        return SQLDeliveries(self._database, new_id=self._new_id)

    @cached_property
    def sending_queue(self) -> "SendingQueue":
        """The queue that the senders work off."""
        from workspace_operator.store.repositories.sending.queue import SQLSendingQueue

        return SQLSendingQueue(self._database, clock=self.clock)

    @cached_property
    def templates(self) -> "Templates":
        """Templates of messages."""
        from workspace_operator.store.repositories.sending.templates import SQLTemplates

        return SQLTemplates(self._database)

    @cached_property
    def address_blocks(self) -> "AddressBlocks":
        """Addresses that get no messages."""
        from workspace_operator.store.repositories.sending.address_blocks import SQLAddressBlocks

        return SQLAddressBlocks(self._database)

    @cached_property
    def message_counters(self) -> "MessageCounters":
        """Numbers of messages that were sent."""
        from workspace_operator.store.repositories.sending.usage import SQLMessageCounters

        return SQLMessageCounters(self._database)

    @cached_property
    def notices(self) -> "Notices":
        """Notices to administrators."""
        from workspace_operator.store.repositories.sending.notices import SQLNotices

        return SQLNotices(self._database)

    @cached_property
    def credentials(self) -> "Credentials":
        """API credentials."""
        from workspace_operator.store.repositories.credentials import SQLCredentials

        return SQLCredentials(self._database)

    @cached_property
    def sessions(self) -> "Sessions":
        """Sessions of the console, and the links that start one."""
        from workspace_operator.store.repositories.accounts.sessions import SQLSessions

        return SQLSessions(database=self._database, new_id=self._new_id)

    @cached_property
    def sign_in_pins(self) -> "SignInPins":
        """The identities that addresses belong to since their first sign-in."""
        from workspace_operator.store.repositories.accounts.sign_in_pins import SQLSignInPins

        return SQLSignInPins(database=self._database, new_id=self._new_id)

    @cached_property
    def write_path(self) -> "WritePath":
        """A check whether the database can write."""
        from workspace_operator.store.repositories.write_path import SQLWritePath

        return SQLWritePath(self._database)
