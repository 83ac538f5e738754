"""What the start page shows: workspaces by account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workspace_operator.application.overviews.summaries import AccountSummary, WorkspaceSummary
from workspace_operator.application.overviews.viewers import Viewer
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.changes import BLOCKED, RUNNING, ChangeView, change_view, mode_text
from workspace_operator.console.views.formats import number, visible
from workspace_operator.console.views.swatches import Swatch, swatch
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.model import PeopleCounts, Settings

YAML: Final = """apiVersion: workspace-operator.dev/v1alpha1
kind: Workspace
metadata:
  namespace: {namespace}
  name: shop
spec:
  displayName: Shop
  accountName: {account}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceRow:
    """A workspace in the list; with a link to the cleanup if people block its change."""

    name: str
    href: str
    swatch: Swatch
    mode: str
    people: str
    sending: str
    change: ChangeView
    cleanup_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSection:
    """An account with its workspaces."""

    name: str
    places: str
    rows: Sequence[WorkspaceRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspacesView:
    """The start page.

    Attributes:
        is_moving: whether the page changes by itself, so that it asks again.
        empty_hint: what to do without a workspace.
        yaml: a resource that adds a workspace.
    """

    sections: Sequence[AccountSection]
    is_moving: bool
    empty_hint: str
    yaml: str


def workspaces_view(accounts: Sequence[AccountSummary], viewer: Viewer, *, now: datetime) -> WorkspacesView:
    """The start page of a viewer."""
    sections = [_section(account, now) for account in accounts]
    summaries = [summary for account in accounts for summary in account.summaries]
    rows = [row for section in sections for row in section.rows]
    first = accounts[0].key if accounts else None
    is_installation = viewer.address is None
    return WorkspacesView(
        sections=sections,
        is_moving=any(row.change.kind == RUNNING for row in rows) or any(each.people is None for each in summaries),
        empty_hint=text("workspaces.none_installation" if is_installation else "workspaces.none_member"),
        yaml=YAML.format(namespace=first.namespace, account=first.name) if first else "",
    )


def people_text(people: PeopleCounts | None) -> str:
    """A number of people, or that they are being counted."""
    return text("counting") if people is None else counted("people", people.total)


def sending_text(settings: Settings) -> str:
    """What a workspace sends, in words."""
    address = visible(settings.test_address or "") if settings.send_mode is SendMode.TEST else ""
    return text(f"sends.{settings.send_mode}", address=address)


def account_name(summary: AccountSummary) -> str:
    """The name of an account; that of its resource if it is not in force."""
    account, key = summary.account, summary.key
    return visible(account.settings.display_name if account else f"{key.namespace}/{key.name}")


def places_text(summary: AccountSummary) -> str:
    """How many workspaces an account has, of how many that its plan allows."""
    account, used = summary.account, summary.workspaces_in_use
    limit = account.settings.workspace_limit if account else None
    if limit is None:
        return counted("workspaces.places", used)
    return text("workspaces.limited", count=number(used), limit=number(limit))


def _section(summary: AccountSummary, now: datetime) -> AccountSection:
    rows = sorted((_row(each, now) for each in summary.summaries), key=lambda row: (row.name.casefold(), row.href))
    return AccountSection(name=account_name(summary), places=places_text(summary), rows=rows)


def _row(summary: WorkspaceSummary, now: datetime) -> WorkspaceRow:
    workspace = summary.workspace
    settings = workspace.settings
    change = change_view(summary.migration, now=now)
    return WorkspaceRow(
        name=visible(settings.display_name),
        href=f"/w/{workspace.workspace_id}",
        swatch=swatch(settings.color, settings.display_name),
        mode=mode_text(workspace.mode),
        people=people_text(summary.people),
        sending=sending_text(settings),
        change=change,
        cleanup_href=f"/w/{workspace.workspace_id}/cleanup" if change.kind == BLOCKED else "",
    )
