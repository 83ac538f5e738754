"""What the console is made of, as one value."""

import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta

from workspace_operator.application.accounts.usage import UsageReader
from workspace_operator.application.audit.downloads import Downloads
from workspace_operator.application.cleanups.decisions import DecisionMaker
from workspace_operator.application.cleanups.lists import CleanupLists
from workspace_operator.application.cleanups.rules import RuleMaker
from workspace_operator.application.imports.preparation import ImportPreparation
from workspace_operator.application.manifests.settings_changes import SettingsPlanner
from workspace_operator.application.overviews.members import MemberReader
from workspace_operator.application.overviews.summaries import SummaryReader
from workspace_operator.application.overviews.viewers import WorkspaceReader
from workspace_operator.application.ports import (
    AuditLog,
    CleanupRules,
    Cleanups,
    Deliveries,
    Exports,
    PersonRecords,
    Segments,
    Templates,
    UndoPreviews,
)
from workspace_operator.application.profiles.actions import PersonActions
from workspace_operator.application.profiles.profiles import ProfileReader
from workspace_operator.application.sessions.company_sign_in import CompanySignIn
from workspace_operator.application.sessions.links import SignInLinks
from workspace_operator.application.sessions.sessions import SessionReader
from workspace_operator.console.security.origins import Network
from workspace_operator.http_server.access_records import AccessRecord
from workspace_operator.http_server.limits import ConnectionLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """The use cases behind the pages, and settings of the process.

    Attributes:
        console_url: the address under which browsers reach the console; empty: only on this machine.
        trusted_proxies: networks of proxies that are believed what they forward.
        undo_period: how long a cleanup can be undone after it was applied, as pages say it; zero: not at all.
        company_sign_in: None without an identity provider.
        limiting_reads: limits the time of each statement that a handler reads by; raises StatementTimeout in it.
        sharing_reads: gives what a handler reads one snapshot; it does not see what is written meanwhile.
        close: ends what the use cases run beside requests.
        monotonic: clock of the rates, in seconds.
    """

    sessions: SessionReader
    links: SignInLinks
    workspaces: WorkspaceReader
    summaries: SummaryReader
    cleanup_lists: CleanupLists
    decision_maker: DecisionMaker
    cleanups: Cleanups
    cleanup_rules: CleanupRules
    rule_maker: RuleMaker
    undo_previews: UndoPreviews
    import_preparation: ImportPreparation
    person_records: PersonRecords
    members: MemberReader
    settings_planner: SettingsPlanner
    segments: Segments
    exports: Exports
    downloads: Downloads
    deliveries: Deliveries
    templates: Templates
    usage: UsageReader
    profiles: ProfileReader
    person_actions: PersonActions
    audit_log: AuditLog
    access_log: Callable[[AccessRecord], None]
    console_url: str = ""
    trusted_proxies: Collection[Network] = ()
    undo_period: timedelta = timedelta(days=30)
    company_sign_in: CompanySignIn | None = None
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    limiting_reads: Callable[[], AbstractContextManager[None]] = nullcontext
    sharing_reads: Callable[[], AbstractContextManager[None]] = nullcontext
    close: Callable[[], None] = lambda: None
    monotonic: Callable[[], float] = time.monotonic
