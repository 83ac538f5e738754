"""The usage of workspaces, and of accounts as the sum over their workspaces (accounts §5)."""

from collections.abc import Sequence
from dataclasses import dataclass

from workspace_operator.application.ports import MessageCounters, People
from workspace_operator.workspaces.model import Workspace
from workspace_operator.workspaces.usage import Month, WorkspaceUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReader:
    """Reads usage; it counts the people of each workspace by index scans."""

    people: People
    counters: MessageCounters

    def usage(self, workspaces: Sequence[Workspace], month: Month) -> Sequence[WorkspaceUsage]:
        """The usage of workspaces, in their order: people now, and messages sent in a month."""
        numbers = [workspace.workspace_id for workspace in workspaces]
        sent = self.counters.messages_sent(numbers, month)
        return [
            WorkspaceUsage(workspace_id=number, people=self.people.count(number).total, messages_sent=sent[number])
            for number in numbers
        ]
