"""The review: what Apply would do, who decided it, and what an undo would not bring back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workspace_operator.application.ports import MadeDecisions
from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.model import Cleanup, StoredDecision
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.cleanups.addresses import DEFAULT_COLUMNS
from workspace_operator.console.views.cleanups.bars import count_sentence
from workspace_operator.console.views.cleanups.groups import MAX_CELL, name_of, shown_value
from workspace_operator.console.views.downloads import DownloadLink, download_link
from workspace_operator.console.views.formats import number, visible
from workspace_operator.console.views.rights import Right
from workspace_operator.identity.model.person import Person

SHOWN: Final = 20
"""Decisions of a kind that are shown."""

MAX_COUNTED: Final = 5_000
"""Decisions over which is counted who made them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionLine:
    """A decision in words: the person, what happens, and why it has no effect, if it has none."""

    person: str
    what: str
    refusal: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSection:
    """The decisions of one kind, of which the first are shown."""

    title: str
    lines: Sequence[DecisionLine]
    more: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """The review of a draft.

    Attributes:
        note: what went wrong just now; empty for nothing.
        lost: what an undo would not bring back.
        open_href: the groups that would still block the migration; empty if none would.
        refusal: why the draft cannot be applied; empty if it can.
        apply: text of the button.
    """

    root: str
    note: str
    sentence: str
    open_href: str
    sections: Sequence[KindSection]
    makers: Sequence[str]
    makers_note: str
    refused: str
    lost: Sequence[str]
    apply: str
    number: int
    version: int
    deletions: int
    refusal: str
    may_decide: Right
    download: DownloadLink


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewContent:
    """What a review was read with."""

    root: str
    draft: Cleanup
    decisions: Mapping[DecisionKind, Sequence[StoredDecision]]
    people: Mapping[str, Person]
    makers: Sequence[MadeDecisions]
    refusal: str
    may_decide: Right
    may_download: Right
    note: str = ""


def review_view(content: ReviewContent) -> ReviewView:
    """The review of a draft."""
    draft, after = content.draft, content.draft.people_blocking_after
    is_partial = draft.total > MAX_COUNTED
    return ReviewView(
        root=content.root,
        note=content.note,
        sentence=count_sentence(draft, draft.people_blocking or 0),
        open_href=f"{content.root}?show=open" if after else "",
        sections=[_section(kind, draft.decisions[kind], content) for kind in DecisionKind if draft.decisions.get(kind)],
        makers=_makers(content.makers),
        makers_note=text("review.makers_partial", count=number(MAX_COUNTED)) if is_partial else "",
        refused=counted("review.refused", draft.refused) if draft.refused else "",
        lost=_lost(draft),
        apply=counted("cleanup.apply", draft.total),
        number=draft.number,
        version=draft.version,
        deletions=draft.deletions,
        refusal=content.refusal,
        may_decide=content.may_decide,
        download=download_link(text("exports.decisions"), f"{content.root}/{draft.number}/csv", content.may_download),
    )


def decision_line(stored: StoredDecision, people: Mapping[str, Person]) -> DecisionLine:
    """A decision in words."""
    decision, person = stored.decision, people.get(stored.cio_id)
    before = stored.seen_email_key or (person.email if person and stored.outcome is None else None)
    survivor = people.get(decision.survivor or "")
    target = visible(decision.survivor or "") if survivor is None else name_of(survivor)
    values = {"email": visible(decision.email or "", limit=MAX_CELL), "person": target}
    what = text(f"review.becomes.{decision.kind}", **values)
    if decision.kind is DecisionKind.CORRECT and not decision.email:
        what = text("review.becomes.correct_erased")
    elif before is not None and decision.kind in (DecisionKind.CORRECT, DecisionKind.CLEAR):
        what = text(f"review.becomes.{decision.kind}_from", before=visible(before, limit=MAX_CELL), **values)
    return DecisionLine(
        person=_name_of_missing(stored) if person is None else _full_name(person),
        what=what,
        refusal=visible(stored.refusal or ""),
        by=visible(stored.decided_by),
    )


def _lost(draft: Cleanup) -> Sequence[str]:
    said = [counted("review.lost", draft.deletions)] if draft.deletions else []
    return [*said, text("review.undo" if draft.people_blocking_after else "review.undo_change")]


def _full_name(person: Person) -> str:
    """The id or address, and the name as far as there is one."""
    names = " ".join(shown_value(person.attributes.get(name)) for name in DEFAULT_COLUMNS).strip()
    return f"{name_of(person)} ({names})" if names else name_of(person)


def _name_of_missing(stored: StoredDecision) -> str:
    """A person who does not exist any more, by the address of then."""
    return visible(" ".join(filter(None, (stored.seen_email_key, stored.cio_id))), limit=2 * MAX_CELL)


def _section(kind: DecisionKind, count: int, content: ReviewContent) -> KindSection:
    lines = [decision_line(each, content.people) for each in content.decisions[kind]]
    more = counted("review.more", count - len(lines)) if count > len(lines) else ""
    return KindSection(title=counted(f"review.count.{kind}", count), lines=lines, more=more)


def _makers(made: Sequence[MadeDecisions]) -> Sequence[str]:
    """What each maker decided, as a line."""
    said: dict[str, list[str]] = {}
    for actor, kind, count in made:
        said.setdefault(visible(actor), []).append(counted(f"review.count.{kind}", count))
    return [f"{actor}: {', '.join(counts)}" for actor, counts in said.items()]
