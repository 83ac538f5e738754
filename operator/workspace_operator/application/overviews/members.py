"""The admins and members of an account with their sign-ins, for those who administer it."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from workspace_operator.access.model import Member
from workspace_operator.application.accounts.access import people_keys
from workspace_operator.application.overviews.viewers import Viewer
from workspace_operator.application.ports import (
    Accounts,
    Actor,
    AuditAction,
    ConsoleSession,
    Sessions,
    SignInPin,
    SignInPins,
)
from workspace_operator.application.sessions.entries import session_entry
from workspace_operator.application.sessions.lifetimes import end_of
from workspace_operator.application.sessions.resets import reset_sign_in
from workspace_operator.errors import NotFound
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.reconcile.model.accounts import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPerson:
    """An admin or a member, as the Account names them, and their sign-ins.

    Attributes:
        key: the e-mail key of the address.
        member: None for an admin, who needs no entry.
        pin: None before the first sign-in.
        sessions: those that have not ended, newest first.
    """

    key: str
    address: str
    member: Member | None
    pin: SignInPin | None
    sessions: Sequence[ConsoleSession]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberReader:
    """Reads accounts and their people, and ends sessions."""

    accounts: Accounts
    sessions: Sessions
    pins: SignInPins
    clock: Callable[[], datetime]

    def administered(self, viewer: Viewer) -> Sequence[Account]:
        """The accounts that a viewer administers, by cluster, namespace and name."""
        accounts = self.accounts.list()
        if viewer.address is None:
            return accounts
        key = email_key(viewer.address)
        return [account for account in accounts if key in map(email_key, account.settings.admins)]

    def account(self, viewer: Viewer, account_id: int) -> Account:
        """An account that a viewer administers. Raises NotFound, also if it is another's."""
        for account in self.administered(viewer):
            if account.account_id == account_id:
                return account
        raise NotFound(f"there is no account number {account_id}")

    def people(self, account: Account, *, after: str, limit: int) -> Sequence[AccountPerson]:
        """Up to ``limit`` people of an account behind an e-mail key, in the order of the keys."""
        named = _named(account)
        keys = sorted(key for key in named if key > after)[:limit]
        pins = {pin.email_key: pin for pin in self.pins.pins_of(keys)}
        sessions = defaultdict[str, list[ConsoleSession]](list)
        for session in self._open(self.sessions.sessions_of(keys)):
            sessions[session.person].append(session)
        return [
            AccountPerson(key=key, address=address, member=member, pin=pins.get(key), sessions=sessions[key])
            for key in keys
            for address, member in [named[key]]
        ]

    def own_sessions(self, session: ConsoleSession) -> Sequence[ConsoleSession]:
        """The open sessions of somebody; for an administrator of the installation, those of all of them."""
        if session.is_installation:
            return self._open(self.sessions.installation_sessions())
        return self._open(self.sessions.sessions_of([session.person]))

    def end_own_session(self, session: ConsoleSession, token_digest: str, *, actor: Actor) -> None:
        """End one of `own_sessions`; another one is left alone, and one that has ended is no error."""
        found = self.sessions.find_session(token_digest)
        if found is None:
            return
        is_own = found.is_installation if session.is_installation else found.person == session.person
        if is_own:
            self._end(found, actor)

    def end_session(self, account: Account, token_digest: str, *, actor: Actor) -> None:
        """End the session of somebody whom an account names, likewise."""
        found = self.sessions.find_session(token_digest)
        if found is not None and found.person in people_keys(account):
            self._end(found, actor, subject=_subject(account))

    def reset_sign_in(self, account: Account, key: str, *, actor: Actor) -> None:
        """Let another identity sign in with an address that an account names, and end the sessions of the address."""
        if key not in people_keys(account):
            raise NotFound("the Account does not name this address")
        reset_sign_in(self.pins, key, actor=actor, at=self.clock(), subject=_subject(account))

    def _open(self, sessions: Sequence[ConsoleSession]) -> Sequence[ConsoleSession]:
        now = self.clock()
        return [session for session in sessions if end_of(session, now) is None]

    def _end(self, session: ConsoleSession, actor: Actor, *, subject: str = "") -> None:
        detail = {"address" if not session.is_installation else "administrator": session.actor}
        entry = session_entry(AuditAction.SESSION_ENDED, actor.name, at=self.clock(), subject=subject, detail=detail)
        self.sessions.end_session(session.token_digest, entry=entry)


def _named(account: Account) -> Mapping[str, tuple[str, Member | None]]:
    """The people of an account by e-mail key; who is an admin and a member counts as an admin (accounts §4.1)."""
    people: list[tuple[str, Member | None]] = [(member.email, member) for member in account.settings.members]
    people += [(address, None) for address in account.settings.admins]
    return {key: (address, member) for address, member in people if (key := email_key(address)) is not None}


def _subject(account: Account) -> str:
    return f"account {account.account_id}"
