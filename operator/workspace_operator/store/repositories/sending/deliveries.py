"""The deliveries of workspaces in the database: acceptance, queries, and what recipients do with messages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from workspace_operator.application.ports import (
    AcceptResult,
    DeliveryQuery,
    DeliveryRecord,
    NewDelivery,
    WaitingCounts,
)
from workspace_operator.errors import NotFound
from workspace_operator.sending.deliveries import ArchivedContent, Attempt, Delivery
from workspace_operator.sending.messages import Message
from workspace_operator.sending.rules import SendingRules
from workspace_operator.store.engine.databases import RetryTransaction
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouchRepository
from workspace_operator.store.schema.mappers import sending_rules_of
from workspace_operator.store.sending import delivery_actions
from workspace_operator.store.sending.acceptance import accept
from workspace_operator.store.sending.claims import ContentCache, message_of_delivery
from workspace_operator.store.sending.delivery_queries import (
    archived_content,
    attempts_of_delivery,
    list_deliveries,
    one_delivery,
    require_delivery,
    waiting_counts,
)
from workspace_operator.store.sending.retention import purge
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.sql_unit_of_work import WorkspaceCache
from workspace_operator.store.unit_of_work.workspace_lock import read_settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SQLDeliveries(MergeOnTouchRepository):
    """Implements the port ``Deliveries``."""

    new_id: CioIDGenerator = field(default_factory=CioIDGenerator)
    _contents: ContentCache = field(default_factory=ContentCache, init=False)
    _cache: WorkspaceCache = field(default_factory=WorkspaceCache, init=False)

    def accept(self, workspace_id: int, messages: Sequence[NewDelivery], *, now: datetime) -> Sequence[AcceptResult]:
        """Store messages durably in one transaction, under the rules that are in force in it. Raises NotFound."""

        def attempt(connection: sa.Connection) -> Sequence[AcceptResult]:
            try:
                settings = self._cache.settings(connection, workspace_id)
                return accept(connection, settings, messages, now=now, new_id=self.new_id)
            except (RetryTransaction, NotFound):
                self._cache.invalidate(workspace_id)
                raise

        return self.merge_on_touch.run(workspace_id, lambda: self.database.writing(attempt))

    def rules(self, workspace_id: int) -> SendingRules:
        """The sending rules in force. Raises NotFound."""
        with self.database.reading() as connection:
            return sending_rules_of(read_settings(connection, workspace_id).row)

    def list(self, workspace_id: int, query: DeliveryQuery) -> Sequence[DeliveryRecord]:
        """List deliveries, newest first. Raises NotFound."""
        with self.database.reading_one_snapshot() as connection:
            settings = read_settings(connection, workspace_id)
            return list_deliveries(connection, settings, query)

    def get(self, workspace_id: int, delivery_id: str) -> DeliveryRecord:
        """Get one delivery. Raises NotFound."""
        with self.database.reading_one_snapshot() as connection:
            settings = read_settings(connection, workspace_id)
            return one_delivery(connection, settings, delivery_id)

    def message(self, workspace_id: int, delivery_id: str) -> Message:
        """The message of a delivery, as the gate sees it. Raises NotFound, also if its content was forgotten."""
        with self.database.reading_one_snapshot() as connection:
            return message_of_delivery(connection, workspace_id, delivery_id, self._contents)

    def attempts(self, workspace_id: int, delivery_id: str) -> Sequence[Attempt]:
        """The attempts of a delivery, in order. Raises NotFound."""
        return self._of_delivery(workspace_id, delivery_id, attempts_of_delivery)

    def archived(self, workspace_id: int, delivery_id: str) -> ArchivedContent:
        """The content of a delivery as it was handed over. Raises NotFound."""
        return self._of_delivery(workspace_id, delivery_id, archived_content)

    def cancel(self, workspace_id: int, delivery_id: str, *, now: datetime) -> Delivery:
        """Cancel a delivery that is waiting or drafted. Raises NotFound, or Conflict with its state."""
        return self.database.writing(
            lambda connection: delivery_actions.cancel(connection, workspace_id, delivery_id, now=now)
        )

    def send_draft(self, workspace_id: int, delivery_id: str, *, now: datetime) -> Delivery:
        """Accept a draft now, under the mode in force now. Raises NotFound, or Conflict if it is no draft."""
        return self.database.writing(
            lambda connection: delivery_actions.send_draft(connection, workspace_id, delivery_id, now=now)
        )

    def record_open(
        self, workspace_id: int, delivery_id: str, *, by_machine: bool, is_test: bool, now: datetime
    ) -> None:
        """Count an open while open tracking is on, and log it. Raises NotFound."""
        self.database.writing(
            lambda connection: delivery_actions.record_open(
                connection,
                workspace_id,
                delivery_id,
                by_machine=by_machine,
                is_test=is_test,
                now=now,
                new_id=self.new_id,
            )
        )

    def record_click(self, workspace_id: int, delivery_id: str, *, url: str, is_test: bool, now: datetime) -> None:
        """Count a click, and log it. Raises NotFound."""
        self.database.writing(
            lambda connection: delivery_actions.record_click(
                connection, workspace_id, delivery_id, url=url, is_test=is_test, now=now, new_id=self.new_id
            )
        )

    def unsubscribe(self, workspace_id: int, delivery_id: str, *, now: datetime) -> str | None:
        """Record that the person of a delivery unsubscribes; their cio_id, None if there is no such person."""
        return self.database.writing(
            lambda connection: delivery_actions.unsubscribe(connection, workspace_id, delivery_id, now=now)
        )

    def counts(self, workspace_id: int, *, now: datetime) -> WaitingCounts:
        """Count what waits and what is being handed over. Raises NotFound."""
        with self.database.reading_one_snapshot() as connection:
            read_settings(connection, workspace_id)
            return waiting_counts(connection, workspace_id, now=now)

    def purge(self, *, content_before: datetime, deliveries_before: datetime, now: datetime, limit: int) -> bool:
        """Delete old content and deliveries of all workspaces, one batch of each; whether more may be left."""
        before = {"content_before": content_before, "deliveries_before": deliveries_before}
        return purge(self.database, **before, now=now, limit=limit)

    def _of_delivery(self, workspace_id: int, delivery_id: str, read: Callable[[sa.Connection, int, str], T]) -> T:
        with self.database.reading_one_snapshot() as connection:
            require_delivery(connection, workspace_id, delivery_id)
            return read(connection, workspace_id, delivery_id)
