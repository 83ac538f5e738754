"""What is wrong with an installation: rules in the order in which a person should look at them.

Only what the database knows is judged. What only the cluster knows, operators write into it with their heartbeats:
the Stalled resources of clusters that are alive, which come last, by kind and reason.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from workspace_operator.application.ports import Queue, SchemaState, StalledResources
from workspace_operator.application.status.installations import Installation
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.sending.rules import DEFAULT_TRANSPORT
from workspace_operator.workspaces.model import Owner

MAX_PLACES: Final = 10
"""Places that a problem lists; it counts all."""

LATE_AFTER: Final = timedelta(minutes=5)
"""How long a message is due before that counts as a problem of its own."""

REFUSED_WITHIN: Final = timedelta(hours=24)


class ProblemReason(StrEnum):
    """Reasons of problems: those of conditions where there is one, else of an installation as a whole."""

    UPGRADE_DUE = "UpgradeDue"
    OTHER_VERSION_NEEDED = "OtherVersionNeeded"
    ROOT_KEY_MISMATCH = "RootKeyMismatch"
    OPERATOR_SILENT = "OperatorSilent"
    NO_WORKER = "NoWorker"
    TRANSPORT_UNKNOWN = "TransportUnknown"
    UNKNOWN_SEND_BEHAVIOR = "UnknownSendBehavior"
    MESSAGES_REFUSED = "MessagesRefused"
    MESSAGES_LATE = "MessagesLate"
    MIGRATION_NOT_TAKEN = "MigrationNotTaken"
    MIGRATION_BLOCKED = "MigrationBlocked"
    SUSPENDED = "Suspended"
    NOTICES_GIVEN_UP = "NoticesGivenUp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that is wrong.

    Attributes:
        reason: a `ProblemReason`, or the reason of Stalled resources.
        count: of the places; ``places`` are the first of them, each with what is wrong there.
        why: what is wrong, in a sentence.
        remedy: what to do, with the command.
    """

    reason: str
    why: str
    remedy: str
    count: int = 1
    places: Sequence[str] = ()


def schema_is_another(state: Installation) -> Problem | None:
    """The database has the schema of another version; nothing else is read."""
    database = state.database
    revisions = f"revision {database.revision}, and this version needs {database.required_revision}"
    if database.schema is SchemaState.FOREIGN:
        return Problem(
            reason=ProblemReason.OTHER_VERSION_NEEDED,
            why=f"The database has the schema of a newer or unreleased version ({revisions}).",
            remedy="Install the version of workspacectl that made it, or a newer one.",
        )
    if database.schema is SchemaState.CURRENT:
        return None
    return Problem(
        reason=ProblemReason.UPGRADE_DUE,
        why=f"The database has an older schema or none ({revisions}).",
        remedy="In a cluster, apply the manifests of this version. Without one, back up the database, stop all "
        "processes, and run `workspacectl database upgrade`.",
    )


def root_keys_differ(state: Installation) -> Problem | None:
    """No sender that runs has the root key of the database, or the key that was found here is another."""
    fingerprint = state.database.root_key_fingerprint
    senders = [sender.worker for sender in state.live_senders if not sender.has_database_key]
    is_other_here = None not in (fingerprint, state.key_fingerprint) and fingerprint != state.key_fingerprint
    if state.senders_with_key or not (senders or is_other_here):
        return None
    return _at(
        [*senders, *(["the root key file of this command"] if is_other_here else [])],
        reason=ProblemReason.ROOT_KEY_MISMATCH,
        why="No message leaves: the root key is not that of the database.",
        remedy="Give the senders the root key of the database (--root-key-file); after a copy of a database on "
        "purpose, `workspacectl sending adopt-database`.",
    )


def operators_are_silent(state: Installation) -> Problem | None:
    """Operators of clusters that own workspaces write no heartbeat any more."""
    return _at(
        [_silent(state, cluster) for cluster in state.silent_clusters],
        reason=ProblemReason.OPERATOR_SILENT,
        why="Operators have not written a heartbeat for a minute: specs are not put in force.",
        remedy="Look at the operator's pod and log there. If the cluster is gone, `workspacectl workspaces move`.",
    )


def no_sender_runs(state: Installation) -> Problem | None:
    """Messages or notices are due, and no sender runs."""
    if state.live_senders:
        return None
    notices = [
        f"Account {account.namespace}/{account.name}: notices to its admins"
        for account in state.directory.notice_accounts
        if account.next_due_at is not None and account.next_due_at <= state.now
    ]
    return _at(
        [*(_name(queue) for queue in _due(state)), *notices],
        reason=ProblemReason.NO_WORKER,
        why="Mail is due, and no sender has reported within a minute.",
        remedy="Start one: `workspacectl run worker` or `workspacectl run sender`.",
    )


def transports_are_not_offered(state: Installation) -> Problem | None:
    """Workspaces name a transport, or have due messages for the default one, that no running sender offers to them."""
    if not state.senders_with_key:
        return None
    due = {_name(queue) for queue in _due(state)}
    return _at(
        [
            f"{_name(queue)}: {transport}"
            for queue in state.directory.queues
            if not state.is_offered(transport := queue.transport or DEFAULT_TRANSPORT, queue.namespace)
            and (queue.transport is not None or _name(queue) in due)
        ],
        reason=ProblemReason.TRANSPORT_UNKNOWN,
        why="No running sender offers the transport of these workspaces to their namespace.",
        remedy="Correct spec.sending.transport, or offer it in --transports; `workspacectl sending status` lists them.",
    )


def notice_transports_are_not_offered(state: Installation) -> Problem | None:
    """Accounts name a transport for their notices that no running sender offers to their namespace."""
    if not state.senders_with_key:
        return None
    return _at(
        [
            f"Account {account.namespace}/{account.name}: {account.transport}"
            for account in state.directory.notice_accounts
            if not state.is_offered(account.transport, account.namespace)
        ],
        reason=ProblemReason.TRANSPORT_UNKNOWN,
        why="No running sender offers the transport of these accounts' notices to their namespace: no admin is mailed.",
        remedy="Correct spec.notices.transport of the Account, or offer it in --transports; `workspacectl sending "
        "status` lists them.",
    )


def send_behaviors_are_unknown(state: Installation) -> Problem | None:
    """Workspaces have a send behavior of a newer version."""
    return _at(
        [f"{namespace}/{name}" for namespace, name in state.directory.unknown_send_modes],
        reason=ProblemReason.UNKNOWN_SEND_BEHAVIOR,
        why="The send behavior is one that this version does not know, so that messages wait.",
        remedy="Install the version that set it, or set spec.sendBehavior again.",
    )


def messages_are_refused(state: Installation) -> Problem | None:
    """SMTP servers refused messages for good within a day."""
    since, counts = state.now - REFUSED_WITHIN, Counter[tuple[str, int]]()
    for refused in (refused for sender in state.senders for refused in sender.refusals if refused.hour > since):
        counts[refused.transport, refused.code] += refused.count
    return _at(
        [f"transport {transport}: {count} with code {code}" for (transport, code), count in sorted(counts.items())],
        reason=ProblemReason.MESSAGES_REFUSED,
        why="SMTP servers refused messages for good within 24 hours; such a message is not sent again.",
        remedy="`workspacectl messages list --workspace NAMESPACE/NAME --state failed` and `messages show` have the "
        "server's replies. Correct what they say (the sender's address, rights, size), and send the messages again.",
    )


def messages_are_late(state: Installation) -> Problem | None:
    """Messages have been due for long, although a sender offers their transport."""
    late = state.now - LATE_AFTER
    return _at(
        [
            f"{_name(queue)}: due since {queue.next_due_at:%F %T} UTC"
            for queue in state.directory.queues
            if queue.next_due_at is not None
            and queue.next_due_at < late
            and state.is_offered(queue.transport or DEFAULT_TRANSPORT, queue.namespace)
        ],
        reason=ProblemReason.MESSAGES_LATE,
        why="Messages have been due for over 5 minutes: the SMTP server refuses, a rate is low, or there are many.",
        remedy="`workspacectl messages list --workspace NAMESPACE/NAME` and `messages explain`; the sender's log says "
        "which transport is paused, and why.",
    )


def migrations_are_not_taken(state: Installation) -> Problem | None:
    """Migrations are due, and no worker takes them."""
    return _at(
        [
            _owner(owner)
            for owner, migration in state.migrations
            if migration.workspace_id in state.directory.overdue_migrations and not migration.paused
        ],
        reason=ProblemReason.MIGRATION_NOT_TAKEN,
        why="Identifier changes wait, and no worker has taken them for 2 minutes.",
        remedy="Start one: `workspacectl run worker`.",
    )


def migrations_are_blocked(state: Installation) -> Problem | None:
    """People block identifier changes."""
    return _at(
        [_blocked(owner, migration) for owner, migration in state.migrations if migration.stage is Stage.BLOCKED],
        reason=ProblemReason.MIGRATION_BLOCKED,
        why="People block an identifier change; the earlier identifiers stay in force.",
        remedy="List them: `workspacectl exports get --workspace NAMESPACE/NAME --latest -o FILE`, and correct them.",
    )


def migrations_are_paused(state: Installation) -> Problem | None:
    """Identifier changes are paused by ``suspend``."""
    return _at(
        [_owner(owner) for owner, migration in state.migrations if migration.paused],
        reason=ProblemReason.SUSPENDED,
        why="Identifier changes are paused, since spec.suspend is true.",
        remedy="Set spec.suspend to false.",
    )


def notices_were_given_up(state: Installation) -> Problem | None:
    """Notices to admins were given up."""
    return _at(
        [
            f"{notice.namespace}/{notice.name}: {notice.kind}, {notice.failure}"
            for notice in state.directory.failed_notices
        ],
        reason=ProblemReason.NOTICES_GIVEN_UP,
        why="Notices to the admins of accounts were given up within a week: the admins do not know of these events.",
        remedy="Correct what the reason says (spec.notices and spec.admins of the Account, or the transport), and tell "
        "the admins yourself: a notice is not mailed again.",
    )


RULES: tuple[Callable[[Installation], Problem | None], ...] = (
    schema_is_another,
    root_keys_differ,
    operators_are_silent,
    no_sender_runs,
    transports_are_not_offered,
    notice_transports_are_not_offered,
    send_behaviors_are_unknown,
    messages_are_refused,
    messages_are_late,
    migrations_are_not_taken,
    migrations_are_blocked,
    migrations_are_paused,
    notices_were_given_up,
)


SEEN_IN_DATABASE: Final = frozenset(
    {ProblemReason.MIGRATION_BLOCKED, ProblemReason.ROOT_KEY_MISMATCH, ProblemReason.TRANSPORT_UNKNOWN}
)
"""Reasons of Stalled resources that a rule finds in the database with more to say."""


def problems_of(state: Installation) -> Sequence[Problem]:
    """Everything that is wrong, in the order of the rules, and then the Stalled resources."""
    found = [problem for rule in RULES if (problem := rule(state)) is not None]
    said = SEEN_IN_DATABASE.intersection(problem.reason for problem in found)
    return [*found, *(problem for problem in resources_are_stalled(state) if problem.reason not in said)]


def resources_are_stalled(state: Installation) -> Sequence[Problem]:
    """The Stalled resources of clusters that are alive, one problem for each kind and reason."""
    by_reason = defaultdict[tuple[str, str], list[tuple[str, StalledResources]]](list)
    for cluster in sorted(state.live_clusters):
        for stalled in state.heartbeats[cluster].stalled:
            by_reason[stalled.reason, stalled.kind].append((cluster, stalled))
    return [
        Problem(
            reason=reason,
            why=f"The operator needs a person for {kind}s. It says of {known[0][1].names[0]}: {known[0][1].message}",
            remedy="Do what the message of each resource says: `kubectl get workspaces,accounts --all-namespaces -o "
            "wide` lists them.",
            count=sum(stalled.count for _, stalled in known),
            places=tuple(f"cluster {cluster}: {kind} {name}" for cluster, stalled in known for name in stalled.names)[
                :MAX_PLACES
            ],
        )
        for (reason, kind), known in sorted(by_reason.items())
    ]


def _at(places: Sequence[str], *, reason: ProblemReason, why: str, remedy: str) -> Problem | None:
    """A problem at places; None without any."""
    if not places:
        return None
    return Problem(reason=reason, why=why, remedy=remedy, count=len(places), places=tuple(places[:MAX_PLACES]))


def _silent(state: Installation, cluster: str) -> str:
    heartbeat, workspaces = state.heartbeats[cluster], state.directory.workspaces_by_cluster.get(cluster, 0)
    stalled = sum(each.count for each in heartbeat.stalled)
    has = f"{workspaces} workspaces" + (f", {stalled} resources Stalled at the end" if stalled else "")
    return f"cluster {cluster}: {has}, silent since {heartbeat.beat_at:%F %T}"


def _due(state: Installation) -> Iterable[Queue]:
    return [
        queue for queue in state.directory.queues if queue.next_due_at is not None and queue.next_due_at <= state.now
    ]


def _blocked(owner: Owner, migration: Migration) -> str:
    counts = {violation: count for violation, count in migration.violations.by_violation().items() if count}
    listed = ", ".join(f"{violation} {count}" for violation, count in counts.items())
    concerned = f"{migration.violations.people_concerned} of {migration.people_total} people"
    return f"{_owner(owner)}: {concerned} block {migration.to_mode} ({listed})"


def _name(queue: Queue) -> str:
    return f"{queue.namespace}/{queue.name}"


def _owner(owner: Owner) -> str:
    return f"{owner.namespace}/{owner.name}"
