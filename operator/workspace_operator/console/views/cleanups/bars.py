"""The count of a draft: one sentence, with the ways to review and to apply."""

from collections.abc import Sequence
from dataclasses import dataclass

from workspace_operator.application.cleanups.lists import CleanupStatus
from workspace_operator.cleanups.model import Cleanup, CleanupState
from workspace_operator.cleanups.rules import UNFINISHED, RuleState, StoredRule
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.rights import Right


@dataclass(frozen=True, slots=True, kw_only=True)
class BarView:
    """The bar below the list.

    Attributes:
        root: path of the cleanup page.
        sentence: the count after the decisions.
        said: what the live region says: what was done just now, and the count.
        apply: text of the button; empty if there is nothing to apply.
        number: of the draft, as the form sends it; ``version`` likewise.
        deletions: number of people that would be deleted; the button leads to the review then, which asks.
        refusal: why the draft cannot be applied; empty if it can.
        is_counting: whether the count comes by itself.
    """

    root: str
    sentence: str
    said: str
    apply: str
    number: int
    version: int
    deletions: int
    refusal: str
    is_counting: bool


def bar_view(
    status: CleanupStatus, rules: Sequence[StoredRule], root: str, may_apply: Right, *, done: str = ""
) -> BarView:
    """The bar of a draft with its rules, or of a list without decisions; ``done`` is what was done just now."""
    draft, blocked = status.draft, status.blocked
    busy = next((stored for stored in rules if stored.state in UNFINISHED), None)
    sentence = count_sentence(draft, blocked.violations.people_concerned if blocked else 0)
    if draft is not None and busy is not None:
        sentence = f"{counted('cleanup.decisions', draft.total)} {busy_sentence(busy)}"
    return BarView(
        root=root,
        sentence=sentence,
        said=f"{done} {sentence}".strip(),
        apply=counted("cleanup.apply", draft.total) if draft is not None and draft.total else "",
        number=draft.number if draft else 0,
        version=draft.version if draft else 0,
        deletions=draft.deletions if draft else 0,
        refusal=reason_against_applying(status, rules, may_apply),
        is_counting=busy is not None or (draft is not None and draft.state is CleanupState.COUNTING),
    )


def busy_sentence(stored: StoredRule) -> str:
    """What is done with a rule that is not finished."""
    groups = counted("cleanup.groups", stored.groups)
    return text(f"rules.busy.{stored.state}", position=stored.position, groups=groups)


def reason_against_applying(status: CleanupStatus, rules: Sequence[StoredRule], may_apply: Right) -> str:
    """Why a draft cannot be applied now; empty if it can."""
    if not may_apply.is_granted:
        return may_apply.refusal
    if status.blocked is not None and status.blocked.paused:
        return text("cleanup.suspended_workspace")
    if status.draft is not None and status.draft.state is CleanupState.COUNTING:
        return text("cleanup.counting")
    changing = (RuleState.DECIDING, RuleState.REMOVING)
    return next((busy_sentence(stored) for stored in rules if stored.state in changing), "")


def count_sentence(draft: Cleanup | None, blocking: int) -> str:
    """How many people would still block the migration."""
    decisions = counted("cleanup.decisions", draft.total if draft else 0)
    if draft is None or not draft.total:
        return f"{decisions} {counted('cleanup.blocking', blocking)}"
    after = draft.people_blocking_after
    if after is None:
        return f"{decisions} {text('cleanup.counting')}"
    them = text("cleanup.them" if draft.total > 1 else "cleanup.it")
    said = counted("cleanup.after", after, them=them) if after else text("cleanup.after_none", them=them)
    return f"{decisions} {said}"
