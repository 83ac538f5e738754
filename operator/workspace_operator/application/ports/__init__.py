"""Ports: protocols for everything that the use cases need from the outside.

All methods are synchronous; drivers run use cases in worker threads. Adapters raise only the errors of
``workspace_operator.errors``. Every method may raise StoreUnavailable or ClusterUnavailable in addition to the errors
that it documents.
"""

from workspace_operator.application.ports.accounts import Accounts
from workspace_operator.application.ports.clocks import Clock
from workspace_operator.application.ports.cluster import Access, FirstWorkspaces, Resources, ResourceWriter, Secrets
from workspace_operator.application.ports.credentials import CredentialDigests, Credentials, StoredCredentials
from workspace_operator.application.ports.databases import (
    DatabaseDescription,
    DatabaseInspection,
    Directory,
    Finding,
    Queue,
    SchemaState,
)
from workspace_operator.application.ports.exports import Export, Exports, ViolationRow
from workspace_operator.application.ports.heartbeats import Heartbeat, Heartbeats
from workspace_operator.application.ports.merge_journal import Merge, MergeJournal, UndoResult
from workspace_operator.application.ports.migrations import MAX_DUE_DELAY, Batch, Lease, Migrations
from workspace_operator.application.ports.people import LoadedPeople, People, UnitOfWork, UnitsOfWork
from workspace_operator.application.ports.person_records import Activity, PersonRecords
from workspace_operator.application.ports.previews import Previews
from workspace_operator.application.ports.segments import Segment, Segments
from workspace_operator.application.ports.sending import (
    DEFAULT_LANGUAGE,
    Accepted,
    AcceptResult,
    AddressBlock,
    AddressBlocks,
    BlockKind,
    Deliveries,
    DeliveryQuery,
    DeliveryRecord,
    EndedAttempt,
    Handover,
    KeyReused,
    MessageCounters,
    NewAttempt,
    NewDelivery,
    Notice,
    NoticeKey,
    NoticeKind,
    Notices,
    NoticeState,
    NoticeUpdate,
    PersonMissing,
    QueuedDelivery,
    RegisteredSender,
    Renderer,
    RoomLease,
    RoomStatus,
    SendingQueue,
    SendingTransaction,
    Template,
    TemplateContent,
    TemplateDraft,
    TemplateParser,
    Templates,
    TransportPool,
    WaitingCounts,
)
from workspace_operator.application.ports.workspaces import Ownership, Workspaces
from workspace_operator.application.ports.write_path import WritePath
from workspace_operator.sending.outcomes import HandoverResult

__all__ = [
    "DEFAULT_LANGUAGE",
    "MAX_DUE_DELAY",
    "AcceptResult",
    "Accepted",
    "Access",
    "Accounts",
    "Activity",
    "AddressBlock",
    "AddressBlocks",
    "Batch",
    "BlockKind",
    "Clock",
    "CredentialDigests",
    "Credentials",
    "DatabaseDescription",
    "DatabaseInspection",
    "Deliveries",
    "DeliveryQuery",
    "DeliveryRecord",
    "Directory",
    "EndedAttempt",
    "Export",
    "Exports",
    "Finding",
    "FirstWorkspaces",
    "Handover",
    "HandoverResult",
    "Heartbeat",
    "Heartbeats",
    "KeyReused",
    "Lease",
    "LoadedPeople",
    "Merge",
    "MergeJournal",
    "MessageCounters",
    "Migrations",
    "NewAttempt",
    "NewDelivery",
    "Notice",
    "NoticeKey",
    "NoticeKind",
    "NoticeState",
    "NoticeUpdate",
    "Notices",
    "Ownership",
    "People",
    "PersonMissing",
    "PersonRecords",
    "Previews",
    "Queue",
    "QueuedDelivery",
    "RegisteredSender",
    "Renderer",
    "ResourceWriter",
    "Resources",
    "RoomLease",
    "RoomStatus",
    "SchemaState",
    "Secrets",
    "Segment",
    "Segments",
    "SendingQueue",
    "SendingTransaction",
    "StoredCredentials",
    "Template",
    "TemplateContent",
    "TemplateDraft",
    "TemplateParser",
    "Templates",
    "TransportPool",
    "UndoResult",
    "UnitOfWork",
    "UnitsOfWork",
    "ViolationRow",
    "WaitingCounts",
    "Workspaces",
    "WritePath",
]
