"""A merge of two people before it is done: both side by side, and the person that it gives."""

from collections.abc import Sequence
from dataclasses import dataclass

from workspace_operator.console.texts import text
from workspace_operator.console.views.cleanups.comparisons import ComparisonView
from workspace_operator.console.views.cleanups.groups import MAX_CELL, name_of
from workspace_operator.console.views.formats import day_of, visible
from workspace_operator.console.views.rights import Right
from workspace_operator.identity.model.person import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeChoice:
    """A direction of the merge, by cio_ids: who stays, and who becomes part of them."""

    survivor: str
    secondary: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One of several people with the address that was entered."""

    text: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergingView:
    """A merge of a person with another one.

    Attributes:
        find: what the other person was looked for by.
        empty: why there is no other person; empty if there are some.
        candidates: people to choose from, if there are several.
        compared: both people; None unless the other one is known.
        choices: both directions, the older person staying first.
    """

    href: str
    person_href: str
    name: str
    find: str
    empty: str
    candidates: Sequence[Candidate]
    compared: ComparisonView | None
    choices: Sequence[MergeChoice]
    may_manage: Right


def merging_view(
    person: Person,
    others: Sequence[Person],
    compared: ComparisonView | None,
    *,
    root: str,
    find: str,
    may_manage: Right,
) -> MergingView:
    """The page that merges a person with one of others."""
    href = f"{root}/{person.cio_id}"
    pair = sorted([person, others[0]], key=lambda each: each.age_key) if compared is not None else []
    return MergingView(
        href=f"{href}/merge",
        person_href=href,
        name=name_of(person),
        find=find,
        empty="" if others or not find else text("merging.nobody", find=visible(find)),
        candidates=[] if len(others) < 2 else [_candidate(href, other) for other in others],
        compared=compared,
        choices=[_choice(survivor, secondary) for survivor, secondary in (pair, pair[::-1])] if pair else [],
        may_manage=may_manage,
    )


def _candidate(href: str, other: Person) -> Candidate:
    email = visible(other.email or "", limit=MAX_CELL)
    said = ", ".join((name_of(other), email, day_of(other.created_at)))
    return Candidate(text=said, href=f"{href}/merge?with={other.cio_id}")


def _choice(survivor: Person, secondary: Person) -> MergeChoice:
    said = text("merging.into", secondary=name_of(secondary), survivor=name_of(survivor))
    return MergeChoice(survivor=survivor.cio_id, secondary=secondary.cio_id, text=said)
