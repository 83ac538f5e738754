"""What the console is made of, as one value."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta

from workspace_operator.application.cleanups.decisions import DecisionMaker
from workspace_operator.application.cleanups.lists import CleanupLists
from workspace_operator.application.overviews.summaries import SummaryReader
from workspace_operator.application.overviews.viewers import WorkspaceReader
from workspace_operator.application.ports import AuditLog, Cleanups, PersonRecords
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
    person_records: PersonRecords
    audit_log: AuditLog
    access_log: Callable[[AccessRecord], None]
    console_url: str = ""
    trusted_proxies: Collection[Network] = ()
    undo_period: timedelta = timedelta(days=30)
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    close: Callable[[], None] = lambda: None
    monotonic: Callable[[], float] = time.monotonic
