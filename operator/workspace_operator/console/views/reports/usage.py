"""The usage of workspaces: people now and messages of a month, by account, beside the places of its plan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from workspace_operator.application.overviews.summaries import AccountSummary
from workspace_operator.application.people.csv_export import csv_lines
from workspace_operator.application.people.csv_files.injection import escape
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.formats import number, visible
from workspace_operator.console.views.workspaces import account_name, places_text
from workspace_operator.workspaces.model import Workspace
from workspace_operator.workspaces.usage import Month, WorkspaceUsage, month_of, total_usage

COLUMNS = ("month", "namespace", "account", "workspace", "display_name", "people", "messages_sent")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacesBar:
    """How much of a plan is used, in percent, and in words."""

    percent: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLine:
    """A workspace."""

    name: str
    href: str
    people: str
    messages: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUsageSection:
    """An account: its workspaces that the viewer reaches, and their sum.

    Attributes:
        places: workspaces in use, in words; ``bar`` beside the limit, None without one.
        people: the sum; a text if a workspace is still being counted.
    """

    name: str
    places: str
    bar: PlacesBar | None
    lines: Sequence[UsageLine]
    total: str
    people: str
    messages: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageView:
    """The usage of a month.

    Attributes:
        month: such as November 2026.
        is_moving: whether people are still being counted, so that the page asks again.
    """

    href: str
    month: str
    csv_href: str
    before_href: str
    sections: Sequence[AccountUsageSection]
    is_moving: bool


def usage_view(accounts: Sequence[AccountSummary], sent: Mapping[int, int], month: Month) -> UsageView:
    """The usage of a month; ``sent`` are messages by workspace."""
    query = urlencode({"month": month})
    return UsageView(
        href=f"/usage?{query}",
        month=f"{_first_day(month):%B %Y}",
        csv_href=f"/usage/csv?{query}",
        before_href=f"/usage?{urlencode({'month': month_of(_first_day(month) - timedelta(days=1))})}",
        sections=[_section(account, sent) for account in accounts],
        is_moving=any(each.people is None for account in accounts for each in account.summaries),
    )


def usage_lines(usages: Iterator[tuple[Workspace, WorkspaceUsage]], month: Month) -> Iterator[str]:
    """The lines of a CSV file of the same."""
    rows = (
        (
            month,
            workspace.owner.namespace,
            escape(workspace.account),
            workspace.owner.name,
            escape(workspace.settings.display_name),
            str(usage.people),
            str(usage.messages_sent),
        )
        for workspace, usage in usages
    )
    return csv_lines(COLUMNS, rows)


def _first_day(month: Month) -> datetime:
    return datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC)


def _section(summary: AccountSummary, sent: Mapping[int, int]) -> AccountUsageSection:
    limit = summary.account.settings.workspace_limit if summary.account else None
    known = [
        WorkspaceUsage(
            workspace_id=each.workspace.workspace_id,
            people=each.people.total,
            messages_sent=sent[each.workspace.workspace_id],
        )
        for each in summary.summaries
        if each.people is not None
    ]
    total, is_counted = total_usage(known), len(known) == len(summary.summaries)
    messages = sum(sent[each.workspace.workspace_id] for each in summary.summaries)
    places = places_text(summary)
    lines = [
        UsageLine(
            name=visible(each.workspace.settings.display_name),
            href=f"/w/{each.workspace.workspace_id}",
            people=text("counting") if each.people is None else number(each.people.total),
            messages=number(sent[each.workspace.workspace_id]),
        )
        for each in summary.summaries
    ]
    return AccountUsageSection(
        name=account_name(summary),
        places=places,
        bar=PlacesBar(percent=min(100, 100 * summary.workspaces_in_use // limit), text=places) if limit else None,
        lines=sorted(lines, key=lambda line: (line.name.casefold(), line.href)),
        total=counted("usage.total", len(lines)),
        people=number(total.people) if is_counted else text("counting"),
        messages=number(messages),
    )
