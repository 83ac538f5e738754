"""Each rule of ``workspacectl status``: when it holds, where, and what it says to do."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.store.backends import START
from workspace_operator.application.ports import (
    DatabaseDescription,
    Directory,
    FailedNotice,
    Heartbeat,
    NoticeAccount,
    Queue,
    RefusedMessages,
    RegisteredSender,
    SchemaState,
    StalledResources,
)
from workspace_operator.application.status.installations import NOTHING, Installation
from workspace_operator.application.status.problems import MAX_PLACES, RULES, ProblemReason, problems_of
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration, ViolationCounts
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.outcomes import KSTATUSES, KStatus, Reason
from workspace_operator.sending.transports import TransportOffer
from workspace_operator.workspaces.model import Owner

DATABASE = DatabaseDescription(
    name="sqlite:///w.db",
    engine="SQLite",
    engine_version="3.40.1",
    revision="2",
    required_revision="2",
    schema=SchemaState.CURRENT,
    size_bytes=1,
    root_key_fingerprint="key",
)
HOUR_AGO, SECONDS_AGO = START - timedelta(hours=1), START - timedelta(seconds=5)
OFFER = TransportOffer(name="default", sender_domains=frozenset("*"), namespaces=frozenset({"team"}))
SENDER = RegisteredSender(worker="s1", offers=(OFFER,), has_database_key=True, beat_at=SECONDS_AGO)
OTHER_KEY, DEAD = replace(SENDER, has_database_key=False), replace(SENDER, beat_at=HOUR_AGO)
OWNER = Owner(cluster="c1", namespace="team", name="shop", uid="u1")
ALIVE, SILENT = Heartbeat(beats=3, beat_at=SECONDS_AGO), Heartbeat(beats=3, beat_at=HOUR_AGO)

GIVEN_UP = FailedNotice(namespace="team", name="shop", kind="MigrationBlocked", failure="the account has no admins")
MISSING = StalledResources(
    kind="Workspace", reason="WorkspaceMissing", count=12, names=("team/crm", "team/shop"), message="It is gone."
)
REFUSED = RefusedMessages(transport="default", hour=HOUR_AGO, code=550, count=2)


def account(transport: str = "default", next_due_at: datetime | None = None) -> NoticeAccount:
    return NoticeAccount(namespace="team", name="acme", transport=transport, next_due_at=next_due_at)


def queue(name: str = "shop", **changed: Any) -> Queue:
    return replace(Queue(namespace="team", name=name, transport=None, next_due_at=SECONDS_AGO), **changed)


def migration(stage: Stage, **changed: Any) -> tuple[Owner, Migration]:
    plain = Migration(
        workspace_id=1,
        number=1,
        from_mode=Mode.ID_ONLY,
        to_mode=Mode.EMAIL_OR_ID,
        stage=stage,
        requested_at=START,
        violations=ViolationCounts(duplicate_email=11, invalid_email=3, people_concerned=14),
        people_total=28,
    )
    return OWNER, replace(plain, **changed)


def state(*, database: DatabaseDescription = DATABASE, **changed: Any) -> Installation:
    """An installation; fields of its directory are given like its own."""
    directory = {name: changed.pop(name) for name in list(changed) if name in Directory.__dataclass_fields__}
    return Installation(database=database, now=START, directory=replace(NOTHING, **directory), **changed)


def schema(kind: SchemaState) -> DatabaseDescription:
    return replace(DATABASE, schema=kind, revision="1")


STATES: Mapping[str, tuple[Installation, Sequence[str]]] = {
    "nothing": (state(), []),
    "older schema": (state(database=schema(SchemaState.OLDER)), [ProblemReason.UPGRADE_DUE]),
    "no schema": (state(database=schema(SchemaState.NONE)), [ProblemReason.UPGRADE_DUE]),
    "newer schema": (state(database=schema(SchemaState.FOREIGN)), [ProblemReason.OTHER_VERSION_NEEDED]),
    "other key here": (state(key_fingerprint="other"), [ProblemReason.ROOT_KEY_MISMATCH]),
    "key here": (state(key_fingerprint="key"), []),
    "other key here, right key in a sender": (state(key_fingerprint="other", senders=[SENDER]), []),
    "senders with another key only": (state(senders=[OTHER_KEY]), [ProblemReason.ROOT_KEY_MISMATCH]),
    "one sender with another key": (state(senders=[OTHER_KEY, SENDER]), []),
    "dead sender with another key": (state(senders=[replace(OTHER_KEY, beat_at=HOUR_AGO)]), []),
    "operator alive": (state(heartbeats={"c1": ALIVE}, workspaces_by_cluster={"c1": 2}), []),
    "operator silent": (
        state(heartbeats={"c1": SILENT}, workspaces_by_cluster={"c1": 2}),
        [ProblemReason.OPERATOR_SILENT],
    ),
    "silent cluster without workspaces": (state(heartbeats={"c0": SILENT}, workspaces_by_cluster={"c1": 2}), []),
    "cluster without operator": (state(workspaces_by_cluster={"local": 2}), []),
    "due, no sender": (state(queues=[queue()]), [ProblemReason.NO_WORKER]),
    "due, dead sender": (state(queues=[queue()], senders=[DEAD]), [ProblemReason.NO_WORKER]),
    "notices due, no sender": (state(notice_accounts=[account(next_due_at=HOUR_AGO)]), [ProblemReason.NO_WORKER]),
    "notices due later, no sender": (state(notice_accounts=[account(next_due_at=START + timedelta(hours=1))]), []),
    "no notices, no sender": (state(notice_accounts=[account()]), []),
    "scheduled, no sender": (state(queues=[queue(next_due_at=START + timedelta(hours=1))]), []),
    "due and offered": (state(queues=[queue()], senders=[SENDER]), []),
    "due in another namespace": (
        state(queues=[queue(namespace="other")], senders=[SENDER]),
        [ProblemReason.TRANSPORT_UNKNOWN],
    ),
    "names a transport that is not offered": (
        state(queues=[queue(transport="bulk", next_due_at=None)], senders=[SENDER]),
        [ProblemReason.TRANSPORT_UNKNOWN],
    ),
    "nothing due for the default": (
        state(queues=[queue(namespace="other", next_due_at=START + timedelta(hours=1))], senders=[SENDER]),
        [],
    ),
    "due for an hour": (state(queues=[queue(next_due_at=HOUR_AGO)], senders=[SENDER]), [ProblemReason.MESSAGES_LATE]),
    "due for an hour, not offered": (
        state(queues=[queue(next_due_at=HOUR_AGO, transport="bulk")], senders=[SENDER]),
        [ProblemReason.TRANSPORT_UNKNOWN],
    ),
    "account names a transport that is not offered": (
        state(notice_accounts=[account("bulk")], senders=[SENDER]),
        [ProblemReason.TRANSPORT_UNKNOWN],
    ),
    "account names a transport that is offered": (state(notice_accounts=[account("default")], senders=[SENDER]), []),
    "account names a transport, no sender": (state(notice_accounts=[account("bulk")]), []),
    "notice given up": (
        state(failed_notices=[GIVEN_UP]),
        [ProblemReason.NOTICES_GIVEN_UP],
    ),
    "messages refused": (
        state(senders=[replace(SENDER, refusals=(REFUSED,))]),
        [ProblemReason.MESSAGES_REFUSED],
    ),
    "messages refused by a sender that ended": (
        state(senders=[replace(DEAD, refusals=(REFUSED,))]),
        [ProblemReason.MESSAGES_REFUSED],
    ),
    "messages refused yesterday": (
        state(senders=[replace(SENDER, refusals=(replace(REFUSED, hour=START - timedelta(hours=24)),))]),
        [],
    ),
    "resources stalled": (state(heartbeats={"c1": replace(ALIVE, stalled=(MISSING,))}), ["WorkspaceMissing"]),
    "resources stalled, operator silent": (
        state(heartbeats={"c1": replace(SILENT, stalled=(MISSING,))}),
        [ProblemReason.OPERATOR_SILENT],
    ),
    "resources stalled, operator silent since long": (
        state(heartbeats={"c1": replace(SILENT, beat_at=START - timedelta(days=2), stalled=(MISSING,))}),
        [],
    ),
    "resources stalled for what the database says": (
        state(
            heartbeats={"c1": replace(ALIVE, stalled=(replace(MISSING, reason="MigrationBlocked"),))},
            migrations=[migration(Stage.BLOCKED)],
        ),
        [ProblemReason.MIGRATION_BLOCKED],
    ),
    "unknown mode": (state(unknown_send_modes=[("team", "shop")]), [ProblemReason.UNKNOWN_SEND_BEHAVIOR]),
    "migration running": (state(migrations=[migration(Stage.PREPARING)]), []),
    "migration not taken": (
        state(migrations=[migration(Stage.REQUESTED)], overdue_migrations=frozenset({1})),
        [ProblemReason.MIGRATION_NOT_TAKEN],
    ),
    "migration paused": (
        state(migrations=[migration(Stage.REQUESTED, paused=True)], overdue_migrations=frozenset({1})),
        [ProblemReason.SUSPENDED],
    ),
    "migration blocked": (state(migrations=[migration(Stage.BLOCKED)]), [ProblemReason.MIGRATION_BLOCKED]),
}


@pytest.mark.parametrize("name", STATES)
def test_problems_of_a_state(name: str) -> None:
    installation, reasons = STATES[name]

    assert [problem.reason for problem in problems_of(installation)] == reasons


def test_every_rule_and_reason_has_a_state() -> None:
    found = {problem.reason for installation, _ in STATES.values() for problem in problems_of(installation)}

    assert found == {*ProblemReason, MISSING.reason}
    assert all(any(rule(installation) for installation, _ in STATES.values()) for rule in RULES)


@pytest.mark.parametrize("reason", [reason for reason, kstatus in KSTATUSES.items() if kstatus is KStatus.STALLED])
def test_nothing_stalled_is_passed_over(reason: Reason) -> None:
    installation = state(heartbeats={"c1": replace(ALIVE, stalled=(replace(MISSING, reason=reason.value),))})

    [problem] = problems_of(installation)

    assert (problem.reason, problem.count) == (reason, 12)


def test_stalled_resources_come_by_reason_from_all_clusters() -> None:
    account = StalledResources(kind="Account", reason="StoreReplaced", count=1, names=("team/acme",), message="Other.")
    beats = {"c2": replace(ALIVE, stalled=(MISSING, account)), "c1": replace(ALIVE, stalled=(MISSING,))}

    replaced, missing = problems_of(state(heartbeats=beats))

    assert (replaced.reason, replaced.places) == ("StoreReplaced", ("cluster c2: Account team/acme",))
    assert missing.count == 24
    assert missing.places[1:3] == ("cluster c1: Workspace team/shop", "cluster c2: Workspace team/crm")
    assert "It says of team/crm: It is gone." in missing.why


def test_silent_operator_says_what_was_stalled() -> None:
    [problem] = problems_of(state(heartbeats={"c1": replace(SILENT, stalled=(MISSING,))}))

    [place] = problem.places
    assert place.startswith("cluster c1: 0 workspaces, 12 resources Stalled at the end, silent since ")


def test_refused_messages_are_added_up_by_code() -> None:
    refusals = (REFUSED, replace(REFUSED, code=554), replace(REFUSED, hour=START))
    senders = [replace(SENDER, refusals=refusals), replace(DEAD, refusals=(REFUSED,))]

    [problem] = problems_of(state(senders=senders))

    assert problem.places == ("transport default: 6 with code 550", "transport default: 2 with code 554")


def test_blocked_migration_says_how_many_and_which_command() -> None:
    [problem] = problems_of(state(migrations=[migration(Stage.BLOCKED)]))

    assert problem.places == ("team/shop: 14 of 28 people block EmailOrID (duplicateEmail 11, invalidEmail 3)",)
    assert "workspacectl exports get" in problem.remedy


def test_accounts_and_notices_are_named() -> None:
    places = [
        problem.places
        for problem in problems_of(
            state(notice_accounts=[account("bulk")], failed_notices=[GIVEN_UP], senders=[SENDER])
        )
    ]

    assert places == [("Account team/acme: bulk",), ("team/shop: MigrationBlocked, the account has no admins",)]


def test_few_of_many_places_are_listed() -> None:
    [problem] = problems_of(state(queues=[queue(name=f"w{number}") for number in range(10_000)]))

    assert (problem.count, len(problem.places)) == (10_000, MAX_PLACES)


def test_problems_come_in_the_order_of_the_rules() -> None:
    everything = state(
        queues=[queue()],
        migrations=[migration(Stage.BLOCKED)],
        heartbeats={"c1": SILENT},
        workspaces_by_cluster={"c1": 1},
    )

    reasons = [problem.reason for problem in problems_of(everything)]

    assert reasons == [ProblemReason.OPERATOR_SILENT, ProblemReason.NO_WORKER, ProblemReason.MIGRATION_BLOCKED]


def test_oldest_message_is_that_of_any_workspace() -> None:
    installation = state(queues=[queue(), queue(next_due_at=HOUR_AGO), queue(next_due_at=None)])

    assert installation.oldest_due_at == HOUR_AGO
    assert state().oldest_due_at is None
