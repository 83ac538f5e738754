"""Port of the rules of cleanups: decisions about many groups at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from workspace_operator.application.ports.accounts.audit import Actor
from workspace_operator.cleanups.rules import Rule, StoredRule


class CleanupRules(Protocol):
    """The rules of drafts. Each method raises NotFound without the cleanup or the rule, Conflict if it is no draft."""

    def rules(self, workspace_id: int, number: int) -> Sequence[StoredRule]:
        """The rules of a cleanup, in the order in which they were added."""
        ...

    def add(self, workspace_id: int, number: int, rule: Rule, *, actor: Actor, now: datetime) -> StoredRule:
        """Have the worker count what a rule would decide. Raises Conflict if there are too many rules."""
        ...

    def confirm(self, workspace_id: int, number: int, position: int, *, actor: Actor, now: datetime) -> StoredRule:
        """Have the worker make the decisions of a rule that was counted. Raises Conflict if it was not."""
        ...

    def remove(self, workspace_id: int, number: int, position: int, *, actor: Actor, now: datetime) -> None:
        """Have the worker take the decisions of a rule back, and delete it."""
        ...
