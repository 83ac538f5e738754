"""Rules: what they do in words, how many people they decide about, and the form of a new one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from workspace_operator.application.ports import RuleGroups
from workspace_operator.cleanups.model import Cleanup
from workspace_operator.cleanups.rules import UNFINISHED, Rule, RuleAction, RuleState, StoredRule
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.cleanups.addresses import ListAddress
from workspace_operator.console.views.cleanups.bars import busy_sentence
from workspace_operator.console.views.cleanups.groups import MAX_CELL
from workspace_operator.console.views.cleanups.marks import mark_of_rule
from workspace_operator.console.views.formats import ShownTime, number, time, visible
from workspace_operator.console.views.rights import Right

GROUPS: Final = 25
"""Groups of a rule that a page lists."""

NEVER: Final = "never"
DAYS: Final = "days"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChoice:
    """An action that can be chosen."""

    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleForm:
    """The form of a new rule, as it was typed.

    Attributes:
        calls: empty for any, `NEVER` or `DAYS`.
        error: what is wrong; empty for nothing.
        wrong: name of the field that is wrong.
    """

    action: str = RuleAction.MERGE_INTO_OLDEST
    max_people: str = ""
    equal_attributes: str = ""
    calls: str = ""
    days: str = ""
    suffix: str = ""
    error: str = ""
    wrong: str = ""

    @property
    def choices(self) -> Sequence[RuleChoice]:
        """The actions."""
        return [
            RuleChoice(value=each, text=text(f"cleanup.do.{each}"), is_chosen=each == self.action)
            for each in RuleAction
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """A rule of the list."""

    href: str
    number: str
    action: str
    conditions: Sequence[str]
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesView:
    """All rules of a draft.

    Attributes:
        refusal: why none can be added; empty if one can.
        is_moving: whether a worker has work with one of them.
    """

    root: str
    lines: Sequence[RuleLine]
    form: RuleForm
    may_decide: Right
    refusal: str
    is_moving: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroupLine:
    """A group that a rule decides about, with its page."""

    address: str
    people: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """One rule.

    Attributes:
        note: what went wrong just now; empty for nothing.
        cleanup: number of the draft, as the forms send it back.
        mark: of the rule, likewise.
        groups: how many groups it decides about, likewise; and ``people``.
        can_confirm: whether it was counted, and decides about somebody.
        groups_href: lists some of its groups; empty if that is not possible.
        listed: these groups; None unless they are wanted.
        next_href: the groups behind them; empty if there are no more.
    """

    line: RuleLine
    root: str
    note: str
    cleanup: int
    mark: str
    groups: int
    people: int
    created_by: str
    created_at: ShownTime
    can_confirm: bool
    can_remove: bool
    is_moving: bool
    may_decide: Right
    groups_href: str
    listed: Sequence[RuleGroupLine] | None
    next_href: str


def rules_view(
    workspace_id: int, rules: Sequence[StoredRule], form: RuleForm, *, may_decide: Right, refusal: str
) -> RulesView:
    """The page of all rules."""
    root = ListAddress(workspace_id=workspace_id).root
    return RulesView(
        root=root,
        lines=[_line(root, stored) for stored in rules],
        form=form,
        may_decide=may_decide,
        refusal=refusal,
        is_moving=any(stored.state in UNFINISHED for stored in rules),
    )


def rule_view(
    draft: Cleanup, stored: StoredRule, listed: RuleGroups | None, *, may_decide: Right, note: str = ""
) -> RuleView:
    """The page of a rule of a draft; ``listed`` are groups that it decides about, if they are wanted."""
    address = ListAddress(workspace_id=draft.workspace_id)
    line = _line(address.root, stored)
    can_confirm = stored.state is RuleState.COUNTED and stored.groups > 0
    return RuleView(
        line=line,
        root=address.root,
        note=note,
        cleanup=draft.number,
        mark=mark_of_rule(stored.rule),
        groups=stored.groups,
        people=stored.people,
        created_by=visible(stored.created_by),
        created_at=time(stored.created_at),
        can_confirm=can_confirm,
        can_remove=stored.state is not RuleState.REMOVING,
        is_moving=stored.state in (RuleState.COUNTING, RuleState.DECIDING),
        may_decide=may_decide,
        groups_href=f"{line.href}?groups=1" if can_confirm else "",
        listed=None if listed is None else list(_group_lines(address, listed)),
        next_href=f"{line.href}?{urlencode({'groups': 1, 'after': listed.next})}" if listed and listed.next else "",
    )


def _group_lines(address: ListAddress, listed: RuleGroups) -> Iterator[RuleGroupLine]:
    for key, people in listed.groups:
        yield RuleGroupLine(
            address=visible(key, limit=2 * MAX_CELL),
            people=text("cleanup.share", people=number(people)),
            href=address.of_group(key).href,
        )


def _line(root: str, stored: StoredRule) -> RuleLine:
    return RuleLine(
        href=f"{root}/rules/{stored.position}",
        number=text("rules.number", position=stored.position),
        action=text(f"cleanup.do.{stored.rule.action}"),
        conditions=list(_conditions(stored.rule)) or [text("rule.if.any")],
        sentence=_sentence(stored),
    )


def _conditions(rule: Rule) -> Iterator[str]:
    if rule.max_people is not None:
        yield text("rule.if.max_people", people=number(rule.max_people))
    for name in rule.equal_attributes:
        yield text("rule.if.equal", name=visible(name, limit=MAX_CELL))
    if rule.not_called_since == 0:
        yield text("rule.if.never")
    elif rule.not_called_since is not None:
        yield text("rule.if.since", time=time(datetime.fromtimestamp(rule.not_called_since, UTC)).text)
    if rule.suffix:
        yield text("rule.if.suffix", suffix=visible(rule.suffix, limit=MAX_CELL))


def _sentence(stored: StoredRule) -> str:
    """What a rule decides about, or is doing."""
    if stored.state in UNFINISHED:
        return busy_sentence(stored)
    if not stored.groups:
        return text("rule.nobody")
    counts = {"groups": counted("cleanup.groups", stored.groups), "people": counted("people", stored.people)}
    is_open = counted("rule.open", stored.groups_open) if stored.groups_open else text("rule.settled")
    done = text("rule.decided" if stored.state is RuleState.DECIDED else "rule.counted", **counts)
    return f"{done} {is_open}"
