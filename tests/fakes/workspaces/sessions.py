"""Sessions of the console, in memory."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tests.fakes.database import InMemoryDatabase
from tests.fakes.people.audit_log import FakeAuditLog
from workspace_operator.application.ports import AuditEntry, ConsoleSession, SignInLink, SignInPin


@dataclass(frozen=True, slots=True)
class FakeSessions:
    """Implements the port ``Sessions``."""

    memory: InMemoryDatabase

    def add_link(self, link: SignInLink, *, max_open: int, now: datetime) -> bool:
        links = self.memory.sign_in_links
        for digest in [each.token_digest for each in links.values() if each.expires_at <= now]:
            del links[digest]
        if len(links) >= max_open:
            return False
        links[link.token_digest] = link
        return True

    def take_link(self, token_digest: str, *, now: datetime) -> SignInLink | None:
        link = self.memory.sign_in_links.pop(token_digest, None)
        return link if link is not None and link.expires_at > now else None

    def add_session(
        self, session: ConsoleSession, *, max_sessions: int, forget_before: datetime, entry: AuditEntry
    ) -> None:
        sessions = self.memory.console_sessions
        ended = [digest for digest, each in sessions.items() if each.expires_at < forget_before]
        own = [each for each in sessions.values() if each.person == session.person and each.token_digest not in ended]
        own.sort(key=lambda each: each.token_digest)
        own.sort(key=lambda each: each.seen_at, reverse=True)
        for digest in [*ended, *(each.token_digest for each in own[max_sessions - 1 :])]:
            del sessions[digest]
        sessions[session.token_digest] = session
        FakeAuditLog(self.memory).record(entry)

    def find_session(self, token_digest: str) -> ConsoleSession | None:
        return self.memory.console_sessions.get(token_digest)

    def sessions_of(self, people: Collection[str]) -> Sequence[ConsoleSession]:
        return self._newest_first(each for each in self.memory.console_sessions.values() if each.person in people)

    def installation_sessions(self) -> Sequence[ConsoleSession]:
        return self._newest_first(each for each in self.memory.console_sessions.values() if each.is_installation)

    def record_activity(self, token_digest: str, *, now: datetime) -> None:
        if session := self.memory.console_sessions.get(token_digest):
            self.memory.console_sessions[token_digest] = replace(session, seen_at=now)

    def end_session(self, token_digest: str, *, entry: AuditEntry) -> None:
        if self.memory.console_sessions.pop(token_digest, None):
            FakeAuditLog(self.memory).record(entry)

    @staticmethod
    def _newest_first(sessions: Iterable[ConsoleSession]) -> Sequence[ConsoleSession]:
        by_digest = sorted(sessions, key=lambda each: each.token_digest)
        return sorted(by_digest, key=lambda each: each.created_at, reverse=True)


@dataclass(frozen=True, slots=True)
class FakeSignInPins:
    """Implements the port ``SignInPins``."""

    memory: InMemoryDatabase

    def confirm(self, pin: SignInPin) -> bool:
        pinned = self.memory.sign_in_pins.setdefault(pin.email_key, pin)
        if (pinned.issuer, pinned.subject) != (pin.issuer, pin.subject):
            return False
        self.memory.sign_in_pins[pin.email_key] = replace(pinned, signed_in_at=pin.signed_in_at)
        return True

    def pins_of(self, email_keys: Collection[str]) -> Sequence[SignInPin]:
        pins = self.memory.sign_in_pins
        return [pins[key] for key in sorted(pins) if key in email_keys]

    def reset(self, email_key: str, *, entry: AuditEntry) -> bool:
        if self.memory.sign_in_pins.pop(email_key, None) is None:
            return False
        sessions = self.memory.console_sessions
        for digest in [each.token_digest for each in sessions.values() if each.person == email_key]:
            del sessions[digest]
        FakeAuditLog(self.memory).record(entry)
        return True
