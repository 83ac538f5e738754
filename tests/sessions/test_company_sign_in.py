"""Sign-in with a company account: whom the Accounts let in, and what is refused."""

from dataclasses import dataclass, field, replace

import pytest

from tests.fakes.identity_provider import ISSUER, FakeIdentityProvider, answered
from tests.store.backends import START, Store, memory_store
from workspace_operator.access.model import Member, Role
from workspace_operator.application.accounts.access import AccessReader
from workspace_operator.application.ports import ConsoleSession
from workspace_operator.application.sessions.company_sign_in import (
    MAX_CODE,
    Callback,
    CompanySignIn,
    Finished,
    Refusal,
    Refused,
    Started,
)
from workspace_operator.application.sessions.tokens import digest_of
from workspace_operator.reconcile.model.accounts import AccountKey, AccountSettings, RemoveAccount, SetAccount

ADMIN, MEMBER = "ada@nordlicht.example", "lena@nordlicht.example"
KEY = AccountKey(cluster="c1", namespace="team", name="nordlicht")


@dataclass(kw_only=True)
class Company:
    """The use case on a store in memory with one Account, and a browser."""

    store: Store = field(default_factory=memory_store)
    provider: FakeIdentityProvider = field(default_factory=FakeIdentityProvider)

    def __post_init__(self) -> None:
        member = Member(email=MEMBER, workspaces=frozenset(("club",)), role=Role.VIEWER)
        settings = AccountSettings(display_name="Nordlicht", admins=(ADMIN,), members=(member,))
        self.store.accounts.apply(SetAccount(key=KEY, row_version=0, uid="a1", settings=settings))

    @property
    def sign_in(self) -> CompanySignIn:
        return CompanySignIn(
            provider=self.provider,
            access=AccessReader(accounts=self.store.accounts),
            sessions=self.store.sessions,
            pins=self.store.sign_in_pins,
            audit_log=self.store.audit_log,
            clock=self.store.clock,
            console_url="https://console.example",
            callback_path="/callback",
        )

    def becomes(self, **changes: object) -> None:
        """Let somebody else sign in at the provider."""
        self.provider.identity = replace(self.provider.identity, **changes)  # type: ignore[arg-type]

    def callback(self, next_path: str = "/", **changes: str) -> Callback:
        """What the provider sends a browser back with."""
        started = self.sign_in.start(next_path)
        assert isinstance(started, Started)
        query = answered(started.url)
        callback = Callback(token=started.token, state=query["state"], code=query["code"], error="", issuer=ISSUER)
        return replace(callback, **changes)

    def finish(self, **changes: str) -> Finished | Refused:
        return self.sign_in.finish(self.callback(**changes), agent="Browser/1")

    def recorded(self) -> list[tuple[str, str, str, object]]:
        """Action, actor, way and detail of all entries of the audit log, oldest first."""
        entries = self.store.audit_log.entries(0, limit=100)
        return [(entry.action, entry.actor, entry.via, entry.detail) for entry in reversed(entries)]


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.mark.parametrize("address", [ADMIN, MEMBER, "LENA@Nordlicht.Example"])
def test_people_of_accounts_are_signed_in(company: Company, address: str) -> None:
    company.becomes(email=address)

    finished = company.finish()

    assert isinstance(finished, Finished)
    assert company.store.sessions.find_session(digest_of(finished.token)) == finished.session
    assert finished.session == ConsoleSession(
        token_digest=digest_of(finished.token),
        person=address.lower(),
        actor=address,
        is_installation=False,
        agent="Browser/1",
        created_at=START,
        seen_at=START,
        expires_at=finished.session.expires_at,
    )
    assert (finished.session.expires_at - START).total_seconds() == 12 * 3600
    assert company.recorded() == [("signed_in", address, "Console", {})]


def test_page_that_was_asked_for_opens(company: Company) -> None:
    finished = company.sign_in.finish(company.callback("/w/7/cleanup?show=all"), agent="")

    assert isinstance(finished, Finished)
    assert finished.next_path == "/w/7/cleanup?show=all"


@pytest.mark.parametrize(
    ("identity", "reason", "actor"),
    [
        ({"email": "mallory@elsewhere.example"}, Refusal.UNKNOWN, "mallory@elsewhere.example"),
        ({"email": ""}, Refusal.NO_ADDRESS, "unknown"),
        ({"email": "no address"}, Refusal.NO_ADDRESS, "unknown"),
        ({"is_email_verified": False}, Refusal.UNVERIFIED, "unknown"),
    ],
)
def test_others_are_refused_and_recorded(
    company: Company, identity: dict[str, object], reason: Refusal, actor: str
) -> None:
    company.becomes(**identity)

    assert company.finish() == Refused(reason=reason, address="" if actor == "unknown" else actor)
    assert company.recorded() == [("sign_in_refused", actor, "Console", {"reason": reason.value})]
    assert company.store.sign_in_pins.pins_of([ADMIN, "mallory@elsewhere.example"]) == []


def test_member_of_a_deleted_account_is_refused(company: Company) -> None:
    company.store.accounts.apply(RemoveAccount(key=KEY, row_version=1))

    assert company.finish() == Refused(reason=Refusal.UNKNOWN, address=ADMIN)


def test_first_sign_in_binds_the_address_to_its_identity(company: Company) -> None:
    company.finish()
    company.store.clock.advance(60)
    again = company.finish()
    company.becomes(subject="0002")
    other = company.finish()

    assert isinstance(again, Finished)
    assert other == Refused(reason=Refusal.OTHER_SUBJECT, address=ADMIN)
    [pin] = company.store.sign_in_pins.pins_of([ADMIN])
    assert (pin.subject, (pin.signed_in_at - START).total_seconds()) == ("0001", 60)
    assert company.recorded()[-1] == ("sign_in_refused", ADMIN, "Console", {"reason": "other_subject"})


def test_other_spelling_is_the_same_address(company: Company) -> None:
    company.finish()
    company.becomes(email=ADMIN.upper(), subject="0002")

    assert company.finish() == Refused(reason=Refusal.OTHER_SUBJECT, address=ADMIN.upper())


@pytest.mark.parametrize("changes", [{"token": ""}, {"token": "x"}, {"state": ""}, {"state": "s" * 43}])
def test_callback_of_another_browser_is_refused_without_a_trace(company: Company, changes: dict[str, str]) -> None:
    assert company.finish(**changes) == Refused(reason=Refusal.FOREIGN)
    assert company.recorded() == []


def test_callback_of_another_attempt_is_refused(company: Company) -> None:
    """An attacker begins an attempt, and sends the victim's browser to its end (login CSRF)."""
    attackers, victims = company.callback(), company.callback()

    forced = replace(attackers, token=victims.token)

    assert company.sign_in.finish(forced, agent="") == Refused(reason=Refusal.FOREIGN)


def test_code_of_another_attempt_is_refused(company: Company) -> None:
    """A code that was stolen from somebody else is of no use: nonce and verifier are not those of its attempt."""
    stolen, own = company.callback(), company.callback()

    injected = replace(own, code=stolen.code)

    assert company.sign_in.finish(injected, agent="") == Refused(reason=Refusal.UNTRUSTED)


def test_callback_works_once(company: Company) -> None:
    callback = company.callback()
    company.sign_in.finish(callback, agent="")

    assert company.sign_in.finish(callback, agent="") == Refused(reason=Refusal.UNTRUSTED)


def test_old_attempt_is_refused(company: Company) -> None:
    callback = company.callback()
    company.store.clock.advance(601)

    assert company.sign_in.finish(callback, agent="") == Refused(reason=Refusal.FOREIGN)


@pytest.mark.parametrize("changes", [{"error": "access_denied"}, {"code": ""}, {"code": "x" * (MAX_CODE + 1)}])
def test_provider_that_says_no_is_heard(company: Company, changes: dict[str, str]) -> None:
    assert company.finish(**changes) == Refused(reason=Refusal.CANCELLED)
    assert company.recorded() == [("sign_in_refused", "unknown", "Console", {"reason": "cancelled"})]


def test_callback_of_another_issuer_is_refused(company: Company) -> None:
    assert company.finish(issuer="https://other.example") == Refused(reason=Refusal.UNTRUSTED)


def test_provider_that_is_away_refuses_nobody(company: Company) -> None:
    callback = company.callback()
    company.provider.is_away = True

    assert company.sign_in.start("/") == Refused(reason=Refusal.UNAVAILABLE)
    assert company.sign_in.finish(callback, agent="") == Refused(reason=Refusal.UNAVAILABLE)
    assert company.recorded() == []


def test_each_sign_in_has_a_secret_of_its_own(company: Company) -> None:
    secrets = {finished.token for finished in (company.finish() for _ in range(3)) if isinstance(finished, Finished)}

    assert len(secrets) == 3
