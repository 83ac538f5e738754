"""The state of workspaces in short: their people, their identifier change and what needs a person."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from workspace_operator.application.operator.heartbeats import SILENT_AFTER
from workspace_operator.application.overviews.people_counts import PeopleCounter
from workspace_operator.application.overviews.viewers import Viewer, WorkspaceReader
from workspace_operator.application.ports import (
    Accounts,
    Credentials,
    Heartbeat,
    Heartbeats,
    Migrations,
    StalledResources,
    Workspaces,
)
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import TERMINAL
from workspace_operator.reconcile.model.accounts import Account, AccountKey
from workspace_operator.reconcile.model.outcomes import Reason
from workspace_operator.workspaces.model import Owner, PeopleCounts, Workspace

WORKSPACE_KIND: Final = "Workspace"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceSummary:
    """A workspace in a list.

    Attributes:
        people: None while they are being counted.
        migration: the identifier change that has not ended; None without one.
    """

    workspace: Workspace
    people: PeopleCounts | None
    migration: Migration | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSummary:
    """The workspaces of an account that a viewer reaches.

    Attributes:
        account: None if no Account resource is in force.
        workspaces_in_use: the workspaces of the account, also those that the viewer does not reach.
    """

    key: AccountKey
    account: Account | None
    workspaces_in_use: int
    summaries: Sequence[WorkspaceSummary]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One workspace.

    Attributes:
        credentials_rotated_at: when the newest credentials were made; None without any.
        stalled: why its resource is Stalled; None if the operator does not say so. That people block the identifier
            change is never the reason here: ``summary.migration`` knows it sooner.
        is_operator_silent: whether the operator of its cluster writes no heartbeats.
    """

    summary: WorkspaceSummary
    credentials_rotated_at: datetime | None
    stalled: StalledResources | None
    is_operator_silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryReader:
    """Reads summaries of workspaces that a viewer was found to reach."""

    workspaces: Workspaces
    accounts: Accounts
    migrations: Migrations
    credentials: Credentials
    heartbeats: Heartbeats
    people: PeopleCounter
    clock: Callable[[], datetime]

    def list(self, viewer: Viewer) -> Sequence[AccountSummary]:
        """The workspaces that a viewer reaches, by account, in the order of the accounts' keys."""
        visible = WorkspaceReader(workspaces=self.workspaces, accounts=self.accounts).visible(viewer)
        workspaces = [access.workspace for access in visible]
        in_use = Counter(_account_of(workspace) for workspace in self.workspaces.list())
        accounts = {account.key: account for account in self.accounts.list()}
        summaries = defaultdict[AccountKey, list[WorkspaceSummary]](list)
        for summary in self._summaries(workspaces):
            summaries[_account_of(summary.workspace)].append(summary)
        return [
            AccountSummary(key=key, account=accounts.get(key), workspaces_in_use=in_use[key], summaries=summaries[key])
            for key in sorted(summaries, key=lambda key: (key.cluster, key.namespace, key.name))
        ]

    def overview(self, workspace: Workspace, newest: Migration | None) -> Overview:
        """The state of one workspace, whose newest migration is known, ended or not."""
        now, people = self.clock(), self.people.counts([workspace.workspace_id])
        summary = WorkspaceSummary(
            workspace=workspace,
            people=people[workspace.workspace_id],
            migration=None if newest is None or newest.stage in TERMINAL else newest,
        )
        sets = self.credentials.valid_sets(workspace.workspace_id, now=now)
        heartbeat = self.heartbeats.all().get(workspace.owner.cluster)
        return Overview(
            summary=summary,
            credentials_rotated_at=sets[0].created_at if sets else None,
            stalled=_stalled(workspace.owner, heartbeat),
            is_operator_silent=heartbeat is not None and heartbeat.beat_at < now - timedelta(seconds=SILENT_AFTER),
        )

    def _summaries(self, workspaces: Sequence[Workspace]) -> Sequence[WorkspaceSummary]:
        people = self.people.counts([workspace.workspace_id for workspace in workspaces])
        migrations = {migration.workspace_id: migration for _, migration in self.migrations.unfinished()}
        return [
            WorkspaceSummary(
                workspace=workspace,
                people=people[workspace.workspace_id],
                migration=migrations.get(workspace.workspace_id),
            )
            for workspace in workspaces
        ]


def _account_of(workspace: Workspace) -> AccountKey:
    return AccountKey.of(workspace.owner, workspace.account)


def _stalled(owner: Owner, heartbeat: Heartbeat | None) -> StalledResources | None:
    """What the operator says of a Stalled resource; it names only the first of those with one reason."""
    name = f"{owner.namespace}/{owner.name}"
    known = heartbeat.stalled if heartbeat else ()
    return next(
        (
            each
            for each in known
            if each.kind == WORKSPACE_KIND and name in each.names and each.reason != Reason.MIGRATION_BLOCKED
        ),
        None,
    )
