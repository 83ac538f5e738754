"""Port of the counters of messages sent."""

from collections.abc import Collection, Mapping
from typing import Protocol

from workspace_operator.workspaces.usage import Month


class MessageCounters(Protocol):
    """Messages that workspaces sent, by calendar month.

    The transaction that ends an attempt as sent counts it, under the lease of the workspace's mailroom.
    """

    def messages_sent(self, workspace_ids: Collection[int], month: Month) -> Mapping[int, int]:
        """The messages that workspaces sent in a month; a workspace that sent none is 0."""
        ...
