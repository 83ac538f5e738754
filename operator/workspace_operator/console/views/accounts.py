"""What the pages of accounts show: sessions, and the people of an account with their sign-ins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from workspace_operator.access.model import Member
from workspace_operator.application.overviews.members import AccountPerson
from workspace_operator.application.ports import ConsoleSession
from workspace_operator.console.texts import text
from workspace_operator.console.views.formats import ShownTime, time, visible
from workspace_operator.reconcile.model.accounts import Account

PEOPLE: Final = 50
"""People of a page."""

MAX_AGENT: Final = 80
"""Characters of what a browser says about itself."""

MAX_WORKSPACES: Final = 10
"""Workspaces of a member that are named."""

YAML: Final = """apiVersion: workspace-operator.dev/v1alpha1
kind: Account
metadata:
  namespace: {namespace}
  name: {name}
spec:
  members:
  - email: cy@example.com
    role: Author
    workspaces: [shop]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session.

    Attributes:
        number: identifies it in a form; the secret of its cookie cannot be found from it.
        is_own: whether it is that of the browser that looks.
    """

    number: str
    person: str
    browser: str
    began: ShownTime
    active: ShownTime
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLink:
    """An account that one administers."""

    name: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """The page of whoever is signed in.

    Attributes:
        is_installation: an administrator of the installation, who sees the sessions of all of them, and all sign-ins.
    """

    is_installation: bool
    sessions: Sequence[SessionRow]
    accounts: Sequence[AccountLink]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """An admin or a member.

    Attributes:
        key: identifies the address in a form.
        last: the last sign-in; None if there was none since the last reset.
    """

    key: str
    address: str
    role: str
    last: ShownTime | None
    sessions: Sequence[SessionRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersView:
    """The people of an account; ``next_href`` is empty behind the last one."""

    name: str
    href: str
    people: Sequence[PersonRow]
    next_href: str
    yaml: str


def account_view(
    sessions: Sequence[ConsoleSession], accounts: Sequence[Account], *, current: ConsoleSession
) -> AccountView:
    """The page of the person of a session."""
    links = [AccountLink(name=account_name(account), href=account_href(account)) for account in accounts]
    return AccountView(
        is_installation=current.is_installation,
        sessions=[_session(session, current) for session in sessions],
        accounts=sorted(links, key=lambda link: (link.name.casefold(), link.href)),
    )


def members_view(account: Account, people: Sequence[AccountPerson], *, current: ConsoleSession) -> MembersView:
    """A page of up to `PEOPLE` people of an account, of whom one more was read."""
    shown, href = people[:PEOPLE], account_href(account)
    return MembersView(
        name=account_name(account),
        href=href,
        people=[_person(person, current) for person in shown],
        next_href=f"{href}?{urlencode({'after': shown[-1].key})}" if len(people) > PEOPLE else "",
        yaml=YAML.format(namespace=account.key.namespace, name=account.key.name),
    )


def account_name(account: Account) -> str:
    """The name of an account for people."""
    return visible(account.settings.display_name)


def account_href(account: Account) -> str:
    """The page of an account."""
    return f"/account/{account.account_id}"


def _person(person: AccountPerson, current: ConsoleSession) -> PersonRow:
    return PersonRow(
        key=person.key,
        address=visible(person.address),
        role=_role(person.member),
        last=time(person.pin.signed_in_at) if person.pin else None,
        sessions=[_session(session, current) for session in person.sessions],
    )


def _role(member: Member | None) -> str:
    if member is None:
        return text("members.admin")
    names = sorted(member.workspaces)
    more = "…" if len(names) > MAX_WORKSPACES else ""
    return text("members.member", role=member.role, workspaces=", ".join(names[:MAX_WORKSPACES]) + more)


def _session(session: ConsoleSession, current: ConsoleSession) -> SessionRow:
    return SessionRow(
        number=session.token_digest,
        person=visible(session.actor),
        browser=visible(session.agent, limit=MAX_AGENT),
        began=time(session.created_at),
        active=time(session.seen_at),
        is_own=session.token_digest == current.token_digest,
    )
