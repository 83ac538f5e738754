"""What the use cases need from outside, as small protocols named by that need.

Everything is synchronous; drivers run use cases in worker threads. Adapters raise only the errors of
``workspace_operator.errors``; every method may raise StoreUnavailable or ClusterUnavailable besides what it names.
"""

from workspace_operator.application.ports.belongings import Activity, Belongings
from workspace_operator.application.ports.clocks import Clock
from workspace_operator.application.ports.cluster import Access, Resources, Secrets
from workspace_operator.application.ports.credentials import CredentialDigests, Credentials, StoredCredentials
from workspace_operator.application.ports.exports import Export, Exports, ViolationRow
from workspace_operator.application.ports.heartbeats import Heartbeat, Heartbeats
from workspace_operator.application.ports.merges import Merge, Merges, Undone
from workspace_operator.application.ports.migrations import LONGEST_REST, Batch, Lease, Migrations
from workspace_operator.application.ports.ownership import Ownership
from workspace_operator.application.ports.people import Answer, People, Performer, ReferenceAsk
from workspace_operator.application.ports.previews import Previews
from workspace_operator.application.ports.segments import Segment, Segments
from workspace_operator.application.ports.workspaces import Sought, Workspaces
from workspace_operator.application.ports.write_path import WritePath

__all__ = [
    "LONGEST_REST",
    "Access",
    "Activity",
    "Answer",
    "Batch",
    "Belongings",
    "Clock",
    "CredentialDigests",
    "Credentials",
    "Export",
    "Exports",
    "Heartbeat",
    "Heartbeats",
    "Lease",
    "Merge",
    "Merges",
    "Migrations",
    "Ownership",
    "People",
    "Performer",
    "Previews",
    "ReferenceAsk",
    "Resources",
    "Secrets",
    "Segment",
    "Segments",
    "Sought",
    "StoredCredentials",
    "Undone",
    "ViolationRow",
    "Workspaces",
    "WritePath",
]
