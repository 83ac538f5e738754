"""The counters of messages sent, in memory."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tests.fakes.database import InMemoryDatabase
from workspace_operator.workspaces.usage import Month


@dataclass(frozen=True, slots=True)
class FakeMessageCounters:
    """Implements the port ``MessageCounters``."""

    memory: InMemoryDatabase

    def messages_sent(self, workspace_ids: Collection[int], month: Month) -> Mapping[int, int]:
        states = self.memory.states
        return {number: states[number].sending.sent[month] if number in states else 0 for number in workspace_ids}
