"""The counters of messages sent, for their readers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from workspace_operator.store.engine.databases import Database
from workspace_operator.store.sending.usage import messages_sent
from workspace_operator.workspaces.usage import Month


@dataclass(frozen=True, slots=True)
class SQLMessageCounters:
    """Implements the port ``MessageCounters``."""

    database: Database

    def messages_sent(self, workspace_ids: Collection[int], month: Month) -> Mapping[int, int]:
        """The messages that workspaces sent in a month; a look-up for each of them."""
        with self.database.reading_one_snapshot() as connection:
            return messages_sent(connection, workspace_ids, month)
