"""Port of the rules of cleanups: decisions about many groups at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from workspace_operator.application.ports.accounts.audit import Actor
from workspace_operator.cleanups.rules import Rule, RuleCounts, StoredRule


class RuleGroup(NamedTuple):
    """A group that a rule decides about: the e-mail key, and the number of people."""

    email_key: str
    people: int


class RuleGroups(NamedTuple):
    """Groups in the order of their keys; ``next`` is the key behind which there may be more, or empty."""

    groups: Sequence[RuleGroup]
    next: str


class CleanupRules(Protocol):
    """The rules of drafts. Each method raises NotFound without the cleanup or the rule.

    A method that changes something raises Conflict if the cleanup is no draft.
    """

    def rules(self, workspace_id: int, number: int) -> Sequence[StoredRule]:
        """The rules of a cleanup, in the order in which they were added."""
        ...

    def get(self, workspace_id: int, number: int, position: int) -> StoredRule:
        """A rule."""
        ...

    def groups(self, workspace_id: int, number: int, position: int, *, after: str = "", limit: int) -> RuleGroups:
        """Groups without a decision that a rule applies to, after a key.

        There can be fewer than ``limit``, even none, while there are more behind: a call reads few people.
        """
        ...

    def add(self, workspace_id: int, number: int, rule: Rule, *, actor: Actor, now: datetime) -> StoredRule:
        """Have the worker count what a rule would decide. Raises Conflict if there are too many rules."""
        ...

    def confirm(
        self,
        workspace_id: int,
        number: int,
        position: int,
        seen: RuleCounts,
        *,
        rule: Rule | None = None,
        actor: Actor,
        now: datetime,
    ) -> StoredRule:
        """Have the worker make the decisions of a rule that was counted.

        ``rule`` is the one that was seen: a position can have another one since that was removed; None for any. Raises
        Conflict if it was not counted, and StaleRevision if it is another one, or its counts are not those that were
        ``seen``.
        """
        ...

    def remove(
        self, workspace_id: int, number: int, position: int, *, rule: Rule | None = None, actor: Actor, now: datetime
    ) -> StoredRule:
        """Have the worker take the decisions of a rule back, and delete it. ``rule`` is as of `confirm`."""
        ...
