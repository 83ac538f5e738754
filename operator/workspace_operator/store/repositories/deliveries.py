"""The deliveries of workspaces in the database: acceptance, queries, and what recipients do with messages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from workspace_operator.application.ports import (
    AcceptResult,
    DeliveryQuery,
    DeliveryRecord,
    NewDelivery,
)
from workspace_operator.errors import NotFound
from workspace_operator.sending.rules import SendingRules
from workspace_operator.store.engine.databases import RetryTransaction
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouchRepository
from workspace_operator.store.schema.mappers import sending_rules_of
from workspace_operator.store.sending.acceptance import accept
from workspace_operator.store.sending.delivery_queries import list_deliveries, one_delivery
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.sql_unit_of_work import WorkspaceCache
from workspace_operator.store.unit_of_work.workspace_lock import read_settings


@dataclass(frozen=True, slots=True)
class SQLDeliveries(MergeOnTouchRepository):
    """Implements the port ``Deliveries``."""

    new_id: Callable[[], str] = field(default_factory=CioIDGenerator)
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
