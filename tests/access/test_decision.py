"""The table of accounts §4.1, line by line, and what holds for every account."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.access.builders import CRM, account, member
from tests.docs.pages import rows
from workspace_operator.access.decision import LINES, decide_access
from workspace_operator.access.model import AccountMembers, Member, Role
from workspace_operator.access.permissions import Permission

Expected = tuple[int, bool, Role | None]
"""The line, whether the address is an admin, and the role."""

ANA = "ana@example.com"
VIEWER, AUTHOR, MANAGER = Role.VIEWER, Role.AUTHOR, Role.MANAGER

# The sentence, the address, the account, and what is decided.
ROWS: list[tuple[str, str, AccountMembers | None, Expected]] = [
    (
        "1: a text that is no address reaches nothing, even if the account has the same text",
        "ana",
        account(admins=["ana"], members=[member("ana", "crm")]),
        (1, False, None),
    ),
    ("2: without an Account resource nobody reaches the workspace", ANA, None, (2, False, None)),
    ("3: an Account of another name grants nothing", ANA, account(admins=[ANA], name="other"), (3, False, None)),
    (
        "3: an Account of another namespace grants nothing",
        ANA,
        account(admins=[ANA], namespace="other"),
        (3, False, None),
    ),
    ("3: an Account of another cluster grants nothing", ANA, account(admins=[ANA], cluster="c2"), (3, False, None)),
    ("4: an admin reaches the workspace", ANA, account(admins=["bob@example.com", ANA]), (4, True, None)),
    (
        "4: an admin is found by e-mail key",
        " Ana@bücher.example",
        account(admins=["ana@xn--bcher-kva.example"]),
        (4, True, None),
    ),
    (
        "4: an entry among the members does not lower an admin",
        ANA,
        account(admins=[ANA], members=[member(ANA, "crm")]),
        (4, True, None),
    ),
    (
        "4: an entry without workspaces does not shut an admin out",
        ANA,
        account(admins=[ANA], members=[member(ANA)]),
        (4, True, None),
    ),
    (
        "5: a member has the role of the entry",
        ANA,
        account(members=[member(ANA, "club", "crm", role=AUTHOR)]),
        (5, False, AUTHOR),
    ),
    (
        "5: a member is found by e-mail key",
        "ANA@Example.COM",
        account(members=[member("Ana@example.com", "crm", role=MANAGER)]),
        (5, False, MANAGER),
    ),
    (
        "5: of several entries with the workspace the lowest role counts",
        ANA,
        account(members=[member(ANA, "crm", role=MANAGER), member("ANA@example.com", "crm", role=AUTHOR)]),
        (5, False, AUTHOR),
    ),
    (
        "5: an entry without the workspace does not count",
        ANA,
        account(members=[member(ANA, "club"), member("ANA@example.com", "crm", role=MANAGER)]),
        (5, False, MANAGER),
    ),
    (
        "5: an entry that is no address disturbs no other entry",
        ANA,
        account(admins=["nobody"], members=[member("", "crm"), member(ANA, "crm", role=AUTHOR)]),
        (5, False, AUTHOR),
    ),
    ("6: a member does not reach another workspace", ANA, account(members=[member(ANA, "club")]), (6, False, None)),
    (
        "7: an address that the Account does not name reaches nothing",
        ANA,
        account(admins=["bob@example.com"], members=[member("cleo@example.com", "crm")]),
        (7, False, None),
    ),
    ("7: an Account without people names nobody", ANA, account(), (7, False, None)),
]


@pytest.mark.parametrize(("address", "account", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_line_decides(address: str, account: AccountMembers | None, expected: Expected) -> None:
    access = decide_access(address, CRM, account)

    assert (access.line, access.is_admin, access.role) == expected
    assert access.is_granted == (expected[1:] != (False, None))


def test_every_line_has_a_row() -> None:
    lines = set(range(1, len(LINES) + 1))

    assert {row[3][0] for row in ROWS} == lines == {int(row[0]) for row in rows("docs/spec/accounts.md", "line")}


def test_reason_says_what_is_missing() -> None:
    assert decide_access(ANA, CRM, None).reason == (
        'the namespace has no Account "acme", which would name admins and members'
    )
    assert decide_access(ANA, CRM, account(members=[member(ANA, "crm", role=AUTHOR)])).reason == (
        "a member of the account with the role Author in this workspace"
    )


EMAILS = st.sampled_from(["ana@example.com", "ANA@Example.com", "bob@example.com", "no address", ""])
MEMBERS: st.SearchStrategy[Member] = st.builds(
    Member,
    email=EMAILS,
    workspaces=st.frozensets(st.sampled_from(["crm", "club"])),
    role=st.sampled_from(Role),
)
ACCOUNTS: st.SearchStrategy[AccountMembers] = st.builds(
    lambda admins, members: account(admins=admins, members=members), st.lists(EMAILS), st.lists(MEMBERS)
)


@given(accounts=ACCOUNTS)
def test_members_never_shut_an_admin_out(accounts: AccountMembers) -> None:
    with_admin = account(admins=[*accounts.admins, ANA], members=accounts.members)

    assert decide_access(ANA, CRM, with_admin).permissions() == tuple(Permission)


@given(accounts=ACCOUNTS, entry=MEMBERS)
def test_entry_of_another_address_changes_nothing(accounts: AccountMembers, entry: Member) -> None:
    more = account(admins=accounts.admins, members=[*accounts.members, entry])

    assert decide_access("cleo@example.com", CRM, more) == decide_access("cleo@example.com", CRM, accounts)


@given(accounts=ACCOUNTS)
def test_spellings_of_an_address_have_the_same_access(accounts: AccountMembers) -> None:
    assert decide_access(ANA, CRM, accounts) == decide_access(" ANA@EXAMPLE.com ", CRM, accounts)
