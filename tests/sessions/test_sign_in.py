"""Sign-in by a link, and the sessions that it starts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import pytest

from tests.fakes.database import InMemoryDatabase
from tests.fakes.people.audit_log import FakeAuditLog
from tests.fakes.workspaces.sessions import FakeSessions
from tests.store.backends import START, Clock
from workspace_operator.application.ports import Actor, ConsoleSession
from workspace_operator.application.sessions.lifetimes import SessionEnd
from workspace_operator.application.sessions.links import MAX_OPEN_LINKS, SignedIn, SignInLinks
from workspace_operator.application.sessions.new_sessions import MAX_AGENT_LENGTH
from workspace_operator.application.sessions.sessions import SessionReader
from workspace_operator.application.sessions.tokens import digest_of, new_token
from workspace_operator.errors import Conflict, InvalidInput

ROOT = Actor.installation("root")


@dataclass
class Installation:
    """The use cases on one store, with a clock and secrets that tests know."""

    clock: Clock = field(default_factory=Clock)
    memory: InMemoryDatabase = field(default_factory=InMemoryDatabase)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def links(self) -> SignInLinks:
        return SignInLinks(
            sessions=FakeSessions(self.memory),
            audit_log=FakeAuditLog(self.memory),
            clock=self.clock,
            new_token=lambda: f"token{next(self.numbers)}",
        )

    @property
    def reader(self) -> SessionReader:
        return SessionReader(sessions=FakeSessions(self.memory), clock=self.clock)

    def sign_in(self, **link: object) -> SignedIn:
        token = self.links.create(actor=ROOT, **link)  # type: ignore[arg-type]
        signed_in = self.links.enter(token, agent="Browser/1")
        assert signed_in is not None
        return signed_in

    def find(self, signed_in: SignedIn, *, is_activity: bool = True) -> ConsoleSession | SessionEnd | None:
        return self.reader.find(signed_in.token, is_activity=is_activity)


@pytest.fixture
def installation() -> Installation:
    return Installation()


def test_secrets_are_long_and_differ() -> None:
    tokens = {new_token() for _ in range(100)}

    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}


def test_only_digests_are_stored(installation: Installation) -> None:
    link = installation.links.create(actor=ROOT)
    signed_in = installation.sign_in()

    assert list(installation.memory.sign_in_links) == [digest_of(link)]
    assert list(installation.memory.console_sessions) == [digest_of(signed_in.token)]


def test_link_starts_a_session_of_the_installation(installation: Installation) -> None:
    signed_in = installation.sign_in(workspace_id=7, lifetime=timedelta(hours=2))

    assert signed_in.workspace_id == 7
    assert signed_in.session == ConsoleSession(
        token_digest=digest_of(signed_in.token),
        person="installation (root)",
        actor="installation (root)",
        is_installation=True,
        agent="Browser/1",
        created_at=START,
        seen_at=START,
        expires_at=START + timedelta(hours=2),
    )


def test_link_works_once(installation: Installation) -> None:
    token = installation.links.create(actor=ROOT)

    assert installation.links.enter(token, agent="") is not None
    assert installation.links.enter(token, agent="") is None


def test_link_works_for_five_minutes(installation: Installation) -> None:
    token = installation.links.create(actor=ROOT)
    installation.clock.advance(300)

    assert installation.links.enter(token, agent="") is None


def test_open_links_are_few(installation: Installation) -> None:
    for _ in range(MAX_OPEN_LINKS):
        installation.links.create(actor=ROOT)

    with pytest.raises(Conflict, match="5 sign-in links are open already"):
        installation.links.create(actor=ROOT)


@pytest.mark.parametrize("lifetime", [timedelta(seconds=59), timedelta(hours=12, seconds=1)])
def test_session_is_neither_too_short_nor_too_long(installation: Installation, lifetime: timedelta) -> None:
    with pytest.raises(InvalidInput, match="from 1 minute to 12 hours"):
        installation.links.create(actor=ROOT, lifetime=lifetime)


def test_browser_is_stored_as_short_plain_text(installation: Installation) -> None:
    signed_in = installation.links.enter(installation.links.create(actor=ROOT), agent="A\n\x00" + "b" * 500)

    assert signed_in is not None
    assert signed_in.session.agent == "A" + "b" * (MAX_AGENT_LENGTH - 1)


def test_session_is_found_by_its_secret_only(installation: Installation) -> None:
    signed_in = installation.sign_in()

    assert installation.find(signed_in) == signed_in.session
    assert installation.reader.find(signed_in.session.token_digest, is_activity=True) is None


def test_session_ends_without_activity(installation: Installation) -> None:
    signed_in = installation.sign_in()
    installation.clock.advance(30 * 60 - 1)
    before = installation.find(signed_in, is_activity=False)
    installation.clock.advance(1)

    assert isinstance(before, ConsoleSession)
    assert installation.find(signed_in) is SessionEnd.IDLE


def test_activity_keeps_a_session_for_twelve_hours(installation: Installation) -> None:
    signed_in = installation.sign_in()
    for _ in range(12 * 3 - 1):
        installation.clock.advance(20 * 60)
        assert isinstance(installation.find(signed_in), ConsoleSession)

    installation.clock.advance(20 * 60)

    assert installation.find(signed_in) is SessionEnd.EXPIRED


def test_refreshes_keep_no_session(installation: Installation) -> None:
    signed_in = installation.sign_in()

    found = []
    for _ in range(30):
        installation.clock.advance(60)
        found.append(installation.find(signed_in, is_activity=False))

    assert found == [signed_in.session] * 29 + [SessionEnd.IDLE]


def test_activity_is_written_once_a_minute(installation: Installation) -> None:
    signed_in = installation.sign_in()

    seen = []
    for _ in range(3):
        installation.clock.advance(30)
        installation.find(signed_in)
        seen.append(installation.memory.console_sessions[signed_in.session.token_digest].seen_at)

    assert seen == [START, START + timedelta(seconds=60), START + timedelta(seconds=60)]


def test_session_ends_everywhere_at_sign_out(installation: Installation) -> None:
    signed_in = installation.sign_in()

    installation.reader.sign_out(signed_in.session)

    assert installation.find(signed_in) is None


def test_sign_ins_and_sign_outs_are_recorded(installation: Installation) -> None:
    signed_in = installation.sign_in()
    installation.links.enter("no link", agent="")
    installation.reader.sign_out(signed_in.session)
    installation.reader.sign_out(signed_in.session)

    recorded = [
        (entry.workspace_id, entry.action, entry.actor, entry.via) for entry in installation.memory.audit_entries
    ]

    assert recorded == [
        (0, "signed_in", "installation (root)", "Console"),
        (0, "sign_in_refused", "unknown", "Console"),
        (0, "signed_out", "installation (root)", "Console"),
    ]
