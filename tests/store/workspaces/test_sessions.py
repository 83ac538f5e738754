"""The contract of the port Sessions."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.store.backends import START, Store
from tests.threads import run_together
from workspace_operator.application.ports import ACCOUNT_WIDE, AuditAction, ConsoleSession, SignInLink
from workspace_operator.application.sessions.entries import session_entry

LINK = SignInLink(
    token_digest="d1",
    actor="installation (root)",
    workspace_id=7,
    expires_at=START + timedelta(minutes=5),
    session_lifetime=timedelta(hours=12),
)
SESSION = ConsoleSession(
    token_digest="s1",
    person="ada@shop.example",
    actor="Ada@Shop.example",
    is_installation=False,
    agent="Browser/1",
    created_at=START,
    seen_at=START,
    expires_at=START + timedelta(hours=12),
)
LONG_AGO = START - timedelta(days=1)
SIGNED_IN, SIGNED_OUT = (
    session_entry(action, SESSION.actor, at=START) for action in (AuditAction.SIGNED_IN, AuditAction.SIGNED_OUT)
)


def add_link(store: Store, digest: str, *, max_open: int = 5, now: datetime = START) -> bool:
    link = replace(LINK, token_digest=digest, expires_at=now + timedelta(minutes=5))
    return store.sessions.add_link(link, max_open=max_open, now=now)


def add_session(store: Store, digest: str, *, max_sessions: int = 20, **values: object) -> None:
    session = replace(SESSION, token_digest=digest, **values)  # type: ignore[arg-type]
    store.sessions.add_session(session, max_sessions=max_sessions, forget_before=LONG_AGO, entry=SIGNED_IN)


def kept(store: Store, *digests: str) -> list[str]:
    return [digest for digest in digests if store.sessions.find_session(digest)]


@pytest.mark.parametrize("link", [LINK, replace(LINK, workspace_id=None)])
def test_link_is_taken_once(store: Store, link: SignInLink) -> None:
    store.sessions.add_link(link, max_open=1, now=START)

    taken = [store.sessions.take_link("d1", now=START) for _ in range(2)]

    assert taken == [link, None]


def test_unknown_link_is_not_taken(store: Store) -> None:
    assert store.sessions.take_link("d1", now=START) is None


@pytest.mark.parametrize(("seconds", "is_taken"), [(299, True), (300, False)])
def test_link_expires(store: Store, seconds: int, is_taken: bool) -> None:
    add_link(store, "d1")

    taken = store.sessions.take_link("d1", now=START + timedelta(seconds=seconds))

    assert (taken is not None) is is_taken


def test_open_links_are_limited(store: Store) -> None:
    assert [add_link(store, digest, max_open=2) for digest in ("d1", "d2", "d3")] == [True, True, False]
    assert store.sessions.take_link("d3", now=START) is None
    assert store.sessions.take_link("d1", now=START) is not None
    assert add_link(store, "d3", max_open=2)


def test_expired_links_leave_room(store: Store) -> None:
    add_link(store, "d1", max_open=1)

    assert add_link(store, "d2", max_open=1, now=START + timedelta(minutes=5))


def test_session_is_found_as_it_was_added(store: Store) -> None:
    add_session(store, "s1")

    assert store.sessions.find_session("s1") == SESSION
    assert store.sessions.find_session("s2") is None


def test_activity_is_recorded(store: Store) -> None:
    add_session(store, "s1")
    later = START + timedelta(minutes=3)

    store.sessions.record_activity("s1", now=later)
    store.sessions.record_activity("s2", now=later)

    assert store.sessions.find_session("s1") == replace(SESSION, seen_at=later)
    assert store.sessions.find_session("s2") is None


def test_ended_session_is_gone(store: Store) -> None:
    add_session(store, "s1")
    add_session(store, "s2")

    store.sessions.end_session("s1", entry=SIGNED_OUT)
    store.sessions.end_session("s1", entry=SIGNED_OUT)

    assert kept(store, "s1", "s2") == ["s2"]


def test_entries_are_stored_with_what_they_are_about(store: Store) -> None:
    add_session(store, "s1")
    store.clock.advance(1)

    store.sessions.end_session("s1", entry=SIGNED_OUT)
    store.sessions.end_session("s1", entry=SIGNED_OUT)

    entries = store.audit_log.entries(ACCOUNT_WIDE, limit=10)
    assert [(entry.action, entry.actor, entry.via) for entry in entries] == [
        ("signed_out", "Ada@Shop.example", "Console"),
        ("signed_in", "Ada@Shop.example", "Console"),
    ]


def test_sessions_are_listed_by_person_newest_first(store: Store) -> None:
    add_session(store, "s1")
    add_session(store, "s2", created_at=START + timedelta(minutes=1))
    add_session(store, "other", person="bob@shop.example")
    add_session(store, "root", person="installation (root)", is_installation=True)

    listed = store.sessions.sessions_of(["ada@shop.example", "installation (root)", "nobody@shop.example"])

    assert [each.token_digest for each in listed] == ["s2", "root", "s1"]
    assert listed[0] == replace(SESSION, token_digest="s2", created_at=START + timedelta(minutes=1))
    assert store.sessions.sessions_of([]) == []


def test_sessions_of_the_installation_are_listed_newest_first(store: Store) -> None:
    add_session(store, "s1")
    add_session(store, "r1", person="installation (root)", is_installation=True)
    add_session(store, "r2", person="installation (op)", is_installation=True, created_at=START + timedelta(minutes=1))

    assert [each.token_digest for each in store.sessions.installation_sessions()] == ["r2", "r1"]


def test_session_beyond_the_limit_ends_the_one_unused_for_longest(store: Store) -> None:
    add_session(store, "s1", seen_at=START + timedelta(minutes=2))
    add_session(store, "s2", seen_at=START + timedelta(minutes=1))
    add_session(store, "other", person="bob@shop.example")

    add_session(store, "s3", max_sessions=2, seen_at=START)

    assert kept(store, "s1", "s2", "s3", "other") == ["s1", "s3", "other"]


def test_sessions_that_expired_long_ago_are_deleted(store: Store) -> None:
    add_session(store, "s1", person="bob@shop.example", expires_at=LONG_AGO - timedelta(seconds=1))
    add_session(store, "s2", person="bob@shop.example", expires_at=LONG_AGO)

    add_session(store, "s3")

    assert kept(store, "s1", "s2", "s3") == ["s2", "s3"]


def test_of_many_who_enter_together_one_takes_the_link(sql: Store) -> None:
    add_link(sql, "d1")

    taken = run_together(*[lambda: sql.sessions.take_link("d1", now=START)] * 8)

    assert len([link for link in taken if link]) == 1
