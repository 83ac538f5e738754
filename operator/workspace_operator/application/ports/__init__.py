"""Ports: protocols for everything that the use cases need from the outside.

All methods are synchronous; drivers run use cases in worker threads. Adapters raise only the errors of
``workspace_operator.errors``. Every method may raise StoreUnavailable or ClusterUnavailable in addition to the errors
that it documents.
"""

from typing import TYPE_CHECKING

from workspace_operator.lazy_names import lazy_names

if TYPE_CHECKING:
    from workspace_operator.application.ports.accounts.accounts import Accounts as Accounts
    from workspace_operator.application.ports.accounts.audit import ACCOUNT_WIDE as ACCOUNT_WIDE
    from workspace_operator.application.ports.accounts.audit import Actor as Actor
    from workspace_operator.application.ports.accounts.audit import AuditAction as AuditAction
    from workspace_operator.application.ports.accounts.audit import AuditEntry as AuditEntry
    from workspace_operator.application.ports.accounts.audit import AuditLog as AuditLog
    from workspace_operator.application.ports.accounts.audit import Detail as Detail
    from workspace_operator.application.ports.accounts.audit import RecordedEntry as RecordedEntry
    from workspace_operator.application.ports.accounts.audit import Via as Via
    from workspace_operator.application.ports.accounts.identity_provider import ClientSecrets as ClientSecrets
    from workspace_operator.application.ports.accounts.identity_provider import Identity as Identity
    from workspace_operator.application.ports.accounts.identity_provider import IdentityProvider as IdentityProvider
    from workspace_operator.application.ports.accounts.sessions import ConsoleSession as ConsoleSession
    from workspace_operator.application.ports.accounts.sessions import Sessions as Sessions
    from workspace_operator.application.ports.accounts.sessions import SignInLink as SignInLink
    from workspace_operator.application.ports.accounts.sign_in_pins import SignInPin as SignInPin
    from workspace_operator.application.ports.accounts.sign_in_pins import SignInPins as SignInPins
    from workspace_operator.application.ports.cleanups.cleanups import NOTHING_SEEN as NOTHING_SEEN
    from workspace_operator.application.ports.cleanups.cleanups import ApplyRequest as ApplyRequest
    from workspace_operator.application.ports.cleanups.cleanups import Cleanups as Cleanups
    from workspace_operator.application.ports.cleanups.cleanups import Decided as Decided
    from workspace_operator.application.ports.cleanups.cleanups import DecisionRequest as DecisionRequest
    from workspace_operator.application.ports.cleanups.cleanups import DecisionResult as DecisionResult
    from workspace_operator.application.ports.cleanups.cleanups import ExecutedDecision as ExecutedDecision
    from workspace_operator.application.ports.cleanups.cleanups import ExecuteDecisions as ExecuteDecisions
    from workspace_operator.application.ports.cleanups.cleanups import MadeDecisions as MadeDecisions
    from workspace_operator.application.ports.cleanups.cleanups import NumberedDecision as NumberedDecision
    from workspace_operator.application.ports.cleanups.cleanups import SeenDecisions as SeenDecisions
    from workspace_operator.application.ports.cleanups.listed_calls import ListedCalls as ListedCalls
    from workspace_operator.application.ports.cleanups.listings import GroupCursor as GroupCursor
    from workspace_operator.application.ports.cleanups.listings import GroupPage as GroupPage
    from workspace_operator.application.ports.cleanups.listings import ListedGroup as ListedGroup
    from workspace_operator.application.ports.cleanups.listings import ListedMember as ListedMember
    from workspace_operator.application.ports.cleanups.listings import Listings as Listings
    from workspace_operator.application.ports.cleanups.listings import ListQuery as ListQuery
    from workspace_operator.application.ports.cleanups.listings import PersonCursor as PersonCursor
    from workspace_operator.application.ports.cleanups.listings import SentPeople as SentPeople
    from workspace_operator.application.ports.cleanups.rules import CleanupRules as CleanupRules
    from workspace_operator.application.ports.cleanups.rules import RuleGroup as RuleGroup
    from workspace_operator.application.ports.cleanups.rules import RuleGroups as RuleGroups
    from workspace_operator.application.ports.cleanups.undo_previews import UndoPreviews as UndoPreviews
    from workspace_operator.application.ports.clocks import Clock as Clock
    from workspace_operator.application.ports.cluster import Access as Access
    from workspace_operator.application.ports.cluster import FirstWorkspaces as FirstWorkspaces
    from workspace_operator.application.ports.cluster import Resources as Resources
    from workspace_operator.application.ports.cluster import ResourceWriter as ResourceWriter
    from workspace_operator.application.ports.cluster import Secrets as Secrets
    from workspace_operator.application.ports.credentials import CredentialDigests as CredentialDigests
    from workspace_operator.application.ports.credentials import Credentials as Credentials
    from workspace_operator.application.ports.credentials import StoredCredentials as StoredCredentials
    from workspace_operator.application.ports.databases import DatabaseDescription as DatabaseDescription
    from workspace_operator.application.ports.databases import DatabaseDistribution as DatabaseDistribution
    from workspace_operator.application.ports.databases import DatabaseInspection as DatabaseInspection
    from workspace_operator.application.ports.databases import Directory as Directory
    from workspace_operator.application.ports.databases import DistributionState as DistributionState
    from workspace_operator.application.ports.databases import FailedNotice as FailedNotice
    from workspace_operator.application.ports.databases import Finding as Finding
    from workspace_operator.application.ports.databases import NoticeAccount as NoticeAccount
    from workspace_operator.application.ports.databases import PlacedTable as PlacedTable
    from workspace_operator.application.ports.databases import Queue as Queue
    from workspace_operator.application.ports.databases import SchemaState as SchemaState
    from workspace_operator.application.ports.exports import Export as Export
    from workspace_operator.application.ports.exports import Exports as Exports
    from workspace_operator.application.ports.exports import ViolationRow as ViolationRow
    from workspace_operator.application.ports.heartbeats import Heartbeat as Heartbeat
    from workspace_operator.application.ports.heartbeats import Heartbeats as Heartbeats
    from workspace_operator.application.ports.heartbeats import StalledResources as StalledResources
    from workspace_operator.application.ports.imports.imports import ChangedPerson as ChangedPerson
    from workspace_operator.application.ports.imports.imports import FileChunk as FileChunk
    from workspace_operator.application.ports.imports.imports import ImportedRows as ImportedRows
    from workspace_operator.application.ports.imports.imports import Imports as Imports
    from workspace_operator.application.ports.imports.imports import ProcessRows as ProcessRows
    from workspace_operator.application.ports.imports.imports import UndoForecast as UndoForecast
    from workspace_operator.application.ports.merge_journal import Merge as Merge
    from workspace_operator.application.ports.merge_journal import MergeJournal as MergeJournal
    from workspace_operator.application.ports.merge_journal import UndoResult as UndoResult
    from workspace_operator.application.ports.migrations import MAX_DUE_DELAY as MAX_DUE_DELAY
    from workspace_operator.application.ports.migrations import Batch as Batch
    from workspace_operator.application.ports.migrations import Lease as Lease
    from workspace_operator.application.ports.migrations import Migrations as Migrations
    from workspace_operator.application.ports.people import FIRST_EMAIL as FIRST_EMAIL
    from workspace_operator.application.ports.people import EmailPosition as EmailPosition
    from workspace_operator.application.ports.people import LoadedPeople as LoadedPeople
    from workspace_operator.application.ports.people import People as People
    from workspace_operator.application.ports.people import UnitOfWork as UnitOfWork
    from workspace_operator.application.ports.people import UnitsOfWork as UnitsOfWork
    from workspace_operator.application.ports.person_records import Activity as Activity
    from workspace_operator.application.ports.person_records import PersonRecords as PersonRecords
    from workspace_operator.application.ports.previews import Previews as Previews
    from workspace_operator.application.ports.segments import Segment as Segment
    from workspace_operator.application.ports.segments import Segments as Segments
    from workspace_operator.application.ports.sending.address_blocks import AddressBlock as AddressBlock
    from workspace_operator.application.ports.sending.address_blocks import AddressBlocks as AddressBlocks
    from workspace_operator.application.ports.sending.address_blocks import BlockKind as BlockKind
    from workspace_operator.application.ports.sending.deliveries import Accepted as Accepted
    from workspace_operator.application.ports.sending.deliveries import AcceptResult as AcceptResult
    from workspace_operator.application.ports.sending.deliveries import Deliveries as Deliveries
    from workspace_operator.application.ports.sending.deliveries import DeliveryQuery as DeliveryQuery
    from workspace_operator.application.ports.sending.deliveries import DeliveryRecord as DeliveryRecord
    from workspace_operator.application.ports.sending.deliveries import KeyReused as KeyReused
    from workspace_operator.application.ports.sending.deliveries import NewDelivery as NewDelivery
    from workspace_operator.application.ports.sending.deliveries import PersonMissing as PersonMissing
    from workspace_operator.application.ports.sending.deliveries import WaitingCounts as WaitingCounts
    from workspace_operator.application.ports.sending.notices import Notice as Notice
    from workspace_operator.application.ports.sending.notices import NoticeKey as NoticeKey
    from workspace_operator.application.ports.sending.notices import NoticeKind as NoticeKind
    from workspace_operator.application.ports.sending.notices import Notices as Notices
    from workspace_operator.application.ports.sending.notices import NoticeState as NoticeState
    from workspace_operator.application.ports.sending.notices import NoticeUpdate as NoticeUpdate
    from workspace_operator.application.ports.sending.queue import EndedAttempt as EndedAttempt
    from workspace_operator.application.ports.sending.queue import Handover as Handover
    from workspace_operator.application.ports.sending.queue import NewAttempt as NewAttempt
    from workspace_operator.application.ports.sending.queue import QueuedDelivery as QueuedDelivery
    from workspace_operator.application.ports.sending.queue import RefusedMessages as RefusedMessages
    from workspace_operator.application.ports.sending.queue import RegisteredSender as RegisteredSender
    from workspace_operator.application.ports.sending.queue import Renderer as Renderer
    from workspace_operator.application.ports.sending.queue import SendingQueue as SendingQueue
    from workspace_operator.application.ports.sending.queue import SendingTransaction as SendingTransaction
    from workspace_operator.application.ports.sending.queue import TemplateParser as TemplateParser
    from workspace_operator.application.ports.sending.queue import TransportPool as TransportPool
    from workspace_operator.application.ports.sending.rooms import RoomLease as RoomLease
    from workspace_operator.application.ports.sending.rooms import RoomStatus as RoomStatus
    from workspace_operator.application.ports.sending.templates import DEFAULT_LANGUAGE as DEFAULT_LANGUAGE
    from workspace_operator.application.ports.sending.templates import Template as Template
    from workspace_operator.application.ports.sending.templates import TemplateContent as TemplateContent
    from workspace_operator.application.ports.sending.templates import TemplateDraft as TemplateDraft
    from workspace_operator.application.ports.sending.templates import Templates as Templates
    from workspace_operator.application.ports.sending.usage import MessageCounters as MessageCounters
    from workspace_operator.application.ports.workspaces import Ownership as Ownership
    from workspace_operator.application.ports.workspaces import Workspaces as Workspaces
    from workspace_operator.application.ports.write_path import WritePath as WritePath
    from workspace_operator.sending.outcomes import HandoverResult as HandoverResult
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "workspace_operator.application.ports.accounts.accounts": "Accounts",
            "workspace_operator.application.ports.accounts.audit": (
                "ACCOUNT_WIDE Actor AuditAction AuditEntry AuditLog Detail RecordedEntry Via"
            ),
            "workspace_operator.application.ports.cleanups.cleanups": (
                "ApplyRequest Cleanups Decided DecisionRequest DecisionResult ExecutedDecision ExecuteDecisions "
                "MadeDecisions NOTHING_SEEN NumberedDecision SeenDecisions"
            ),
            "workspace_operator.application.ports.cleanups.listed_calls": "ListedCalls",
            "workspace_operator.application.ports.cleanups.listings": (
                "GroupCursor GroupPage ListedGroup ListedMember Listings ListQuery PersonCursor SentPeople"
            ),
            "workspace_operator.application.ports.cleanups.rules": "CleanupRules RuleGroup RuleGroups",
            "workspace_operator.application.ports.cleanups.undo_previews": "UndoPreviews",
            "workspace_operator.application.ports.clocks": "Clock",
            "workspace_operator.application.ports.cluster": "Access FirstWorkspaces ResourceWriter Resources Secrets",
            "workspace_operator.application.ports.credentials": "CredentialDigests Credentials StoredCredentials",
            "workspace_operator.application.ports.databases": (
                "DatabaseDescription DatabaseDistribution DatabaseInspection Directory DistributionState "
                "FailedNotice Finding NoticeAccount PlacedTable Queue SchemaState"
            ),
            "workspace_operator.application.ports.exports": "Export Exports ViolationRow",
            "workspace_operator.application.ports.heartbeats": "Heartbeat Heartbeats StalledResources",
            "workspace_operator.application.ports.imports.imports": (
                "ChangedPerson FileChunk ImportedRows Imports ProcessRows UndoForecast"
            ),
            "workspace_operator.application.ports.merge_journal": "Merge MergeJournal UndoResult",
            "workspace_operator.application.ports.migrations": "Batch Lease MAX_DUE_DELAY Migrations",
            "workspace_operator.application.ports.people": (
                "EmailPosition FIRST_EMAIL LoadedPeople People UnitOfWork UnitsOfWork"
            ),
            "workspace_operator.application.ports.person_records": "Activity PersonRecords",
            "workspace_operator.application.ports.previews": "Previews",
            "workspace_operator.application.ports.segments": "Segment Segments",
            "workspace_operator.application.ports.sending.address_blocks": "AddressBlock AddressBlocks BlockKind",
            "workspace_operator.application.ports.sending.deliveries": (
                "AcceptResult Accepted Deliveries DeliveryQuery DeliveryRecord KeyReused NewDelivery "
                "PersonMissing WaitingCounts"
            ),
            "workspace_operator.application.ports.sending.notices": (
                "Notice NoticeKey NoticeKind NoticeState NoticeUpdate Notices"
            ),
            "workspace_operator.application.ports.sending.queue": (
                "EndedAttempt Handover NewAttempt QueuedDelivery RefusedMessages RegisteredSender Renderer "
                "SendingQueue SendingTransaction TemplateParser TransportPool"
            ),
            "workspace_operator.application.ports.sending.rooms": "RoomLease RoomStatus",
            "workspace_operator.application.ports.sending.templates": (
                "DEFAULT_LANGUAGE Template TemplateContent TemplateDraft Templates"
            ),
            "workspace_operator.application.ports.sending.usage": "MessageCounters",
            "workspace_operator.application.ports.accounts.identity_provider": (
                "ClientSecrets Identity IdentityProvider"
            ),
            "workspace_operator.application.ports.accounts.sessions": "ConsoleSession Sessions SignInLink",
            "workspace_operator.application.ports.accounts.sign_in_pins": "SignInPin SignInPins",
            "workspace_operator.application.ports.workspaces": "Ownership Workspaces",
            "workspace_operator.application.ports.write_path": "WritePath",
            "workspace_operator.sending.outcomes": "HandoverResult",
        },
    )
