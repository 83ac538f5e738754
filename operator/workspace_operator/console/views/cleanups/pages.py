"""The cleanup page: what it is about, kinds of violations, groups, and the count."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from workspace_operator.application.cleanups.lists import CleanupStatus
from workspace_operator.application.ports import GroupCursor, ListedGroup, SentPeople
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.changes import change_view, mode_text
from workspace_operator.console.views.cleanups.addresses import ListAddress, Show
from workspace_operator.console.views.cleanups.bars import BarView
from workspace_operator.console.views.cleanups.groups import GroupView, is_settled
from workspace_operator.console.views.downloads import DownloadLink, download_link
from workspace_operator.console.views.formats import ShownTime, day, number, time, visible
from workspace_operator.console.views.rights import Right
from workspace_operator.migrations.model import Migration, OnConflict, Violation

YAML: Final = """spec:
  identifiers:
    mode: EmailOrID
    onConflict: Merge
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A kind of violations, with the number of people who have it."""

    text: str
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOption:
    """A choice of which groups are shown."""

    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupView:
    """The cleanup page.

    Attributes:
        state: the sentence at the top.
        more: what is to know about the state; empty for nothing.
        at_work_href: the cleanup that runs or ran; empty without one.
        title: the heading.
        sent: how many people systems go on sending; empty for nothing.
        yaml: the settings under which the change itself merges people; empty if it does not help.
        download: the list as a file; None if there is none yet.
        note: how many of the groups of this page are shown; empty if all are.
        empty: why no group is shown; empty if one is.
        fixed: fields of the form that filters, beside those that one sees.
        rules: how many rules there are, as a sentence; ``rules_link`` leads to them.
        is_list: whether people block a change, so that there is a list.
    """

    root: str
    title: str
    state: str
    more: Sequence[str]
    help_calls: str
    at_work_href: str
    at_work_text: str
    sent: str
    yaml: str
    tabs: Sequence[Tab]
    shows: Sequence[ShowOption]
    find: str
    columns: str
    fixed: Sequence[tuple[str, str]]
    groups: Sequence[GroupView]
    note: str
    empty: str
    next_href: str
    first_href: str
    may_decide: Right
    may_retry: Right
    tried: ShownTime | None
    bar: BarView
    rules: str
    rules_link: str
    download: DownloadLink | None
    is_list: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PageContent:
    """What a page was read with.

    Attributes:
        read: number of groups that were read; some of them may not be shown.
        rules: number of rules of the draft.
        calls_recorded_since: since when the last calls of people are recorded; None if they are not.
        sent: people who share an address and whom systems go on sending; None if that is not to be said.
    """

    address: ListAddress
    groups: Sequence[GroupView]
    read: int
    next: GroupCursor | None
    may_decide: Right
    may_retry: Right
    may_download: Right
    bar: BarView
    rules: int
    calls_recorded_since: datetime | None
    sent: SentPeople | None
    undo_period: timedelta
    now: datetime


def is_shown(group: ListedGroup, show: Show) -> bool:
    """Whether a group is among those that are wanted."""
    return show is Show.ALL or (show is Show.DECIDED) == is_settled(group)


def cleanup_view(status: CleanupStatus, content: PageContent) -> CleanupView:
    """The cleanup page of a workspace."""
    blocked, address = status.blocked, content.address
    other = status.at_work or (status.last if blocked is None else None)
    shown = status.at_work is None and blocked is not None
    return CleanupView(
        root=address.root,
        title=text("cleanup.heading", mode=mode_text(blocked.to_mode)) if blocked else text("cleanup.title"),
        state=_state(status, content.now),
        more=_more(blocked, content) if blocked and shown else (),
        help_calls=_help_calls(content.calls_recorded_since),
        at_work_href=f"{address.root}/{other.number}" if other else "",
        at_work_text=text(f"cleanup.state.{other.state}", number=other.number) if other else "",
        sent=_sent(blocked, content.sent) if blocked and content.sent else "",
        yaml=YAML if blocked and _would_merge(blocked) else "",
        tabs=_tabs(blocked, address) if blocked else (),
        shows=[
            ShowOption(value=each, text=text(f"cleanup.show.{each}"), is_chosen=each is address.show) for each in Show
        ],
        find=visible(address.find),
        columns=visible(", ".join(address.attributes)),
        fixed=(("kind", address.kind),) if address.kind else (),
        groups=content.groups,
        note=_note(content),
        empty=_empty(content),
        next_href=replace(address, after=content.next, opened="").href if content.next else "",
        first_href=replace(address, after=GroupCursor(), opened="").href if address.after != GroupCursor() else "",
        may_decide=content.may_decide,
        may_retry=content.may_retry,
        tried=time(blocked.stage_since) if blocked and blocked.stage_since else None,
        bar=content.bar,
        rules=counted("rules.some", content.rules) if content.rules else text("rules.none"),
        rules_link=text("rules.show_link") if content.rules else text("rules.add_link"),
        download=_download(blocked, content) if blocked else None,
        is_list=shown,
    )


def _download(blocked: Migration, content: PageContent) -> DownloadLink | None:
    if blocked.export is None:
        return None
    href = f"/w/{blocked.workspace_id}/exports/{blocked.export}/csv"
    return download_link(text("exports.download"), href, content.may_download)


def _state(status: CleanupStatus, now: datetime) -> str:
    migration, blocked = status.migration, status.blocked
    if status.at_work is not None:
        return text("cleanup.at_work")
    if blocked is None:
        is_running = migration is not None and migration.completed_at is None
        return change_view(migration, now=now).text + "." if is_running else text("cleanup.nothing")
    people, blocking = counted("people", blocked.people_total), number(blocked.violations.people_concerned)
    modes = {"before": mode_text(blocked.from_mode), "after": mode_text(blocked.to_mode)}
    return text("cleanup.blocked", blocking=blocking, people=people, **modes)


def _more(blocked: Migration, content: PageContent) -> Sequence[str]:
    until = day(content.now + content.undo_period)
    undo = text("cleanup.undo_until", day=until) if content.undo_period else text("cleanup.no_undo")
    suspended = (text("cleanup.suspended_workspace"),) if blocked.paused else ()
    return (f"{text('cleanup.nothing_yet')} {undo}", *suspended)


def _help_calls(since: datetime | None) -> str:
    return text("cleanup.help_calls", since=time(since).text) if since else ""


def _sent(blocked: Migration, sent: SentPeople) -> str:
    if not (_would_merge(blocked) and sent.people):
        return ""
    key = "cleanup.sent_people" if sent.is_exact else "cleanup.sent_people_or_more"
    return text(key, sent=number(sent.people), people=number(blocked.violations.duplicate_email))


def _would_merge(blocked: Migration) -> bool:
    return blocked.on_conflict is OnConflict.BLOCK and blocked.violations.duplicate_email > 0


def _tabs(blocked: Migration, address: ListAddress) -> Sequence[Tab]:
    counts: list[tuple[Violation | None, int]] = list(blocked.violations.by_violation().items())
    counts.append((None, blocked.violations.people_concerned))
    return [
        Tab(
            text=text(f"cleanup.kind.{kind or 'all'}", count=number(count)),
            href=replace(address.of_list(), kind=kind, show=address.show).href,
            is_current=kind is address.kind,
        )
        for kind, count in counts
    ]


def _note(content: PageContent) -> str:
    shown = len(content.groups)
    if content.address.show is Show.ALL or shown == content.read:
        return ""
    return text("cleanup.shown", shown=shown, read=counted("cleanup.groups", content.read))


def _empty(content: PageContent) -> str:
    if content.groups:
        return ""
    address = content.address
    if address.find:
        return text("cleanup.not_found", find=visible(address.find))
    if content.read:
        return ""
    return text("cleanup.none_of_kind" if address.kind or address.after != GroupCursor() else "cleanup.none")
