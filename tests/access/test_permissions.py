"""The table of accounts §4.2, compared with the page."""

import pytest

from tests.access.builders import CRM, account, member
from tests.docs.pages import names, rows
from workspace_operator.access.decision import AccessDecision, decide_access
from workspace_operator.access.model import Role
from workspace_operator.access.permissions import DESCRIPTIONS, Permission

ANA = "ana@example.com"

VIEWER: AccessDecision = decide_access(ANA, CRM, account(members=[member(ANA, "crm")]))
AUTHOR: AccessDecision = decide_access(ANA, CRM, account(members=[member(ANA, "crm", role=Role.AUTHOR)]))
MANAGER: AccessDecision = decide_access(ANA, CRM, account(members=[member(ANA, "crm", role=Role.MANAGER)]))
ADMIN: AccessDecision = decide_access(ANA, CRM, account(admins=[ANA]))
UNKNOWN: AccessDecision = decide_access(ANA, CRM, account())

ROWS = [
    # permission, Viewer, Author, Manager, admin
    (Permission.VIEW, True, True, True, True),
    (Permission.DOWNLOAD, False, True, True, True),
    (Permission.PREPARE, False, True, True, True),
    (Permission.EDIT, False, True, True, True),
    (Permission.APPLY, False, False, True, True),
    (Permission.RETRY, False, False, True, True),
    (Permission.ADMINISTER, False, False, False, True),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0]))
def test_role_allows(row: tuple[Permission, bool, bool, bool, bool]) -> None:
    permission, *expected = row

    assert [access.allows(permission) for access in (VIEWER, AUTHOR, MANAGER, ADMIN)] == expected
    assert not UNKNOWN.allows(permission)


def test_page_has_the_same_table() -> None:
    page = rows("docs/spec/accounts.md", "permission")

    written = [(*names(cells[0]), *(cell == "yes" for cell in cells[1:])) for cells in page]
    assert written == [(str(row[0]), *row[1:]) for row in ROWS]
    assert [cells[0].partition(": ")[2] for cells in page] == [DESCRIPTIONS[row[0]] for row in ROWS]


def test_permissions_are_those_of_the_role() -> None:
    assert AUTHOR.permissions() == (Permission.VIEW, Permission.DOWNLOAD, Permission.PREPARE, Permission.EDIT)
    assert UNKNOWN.permissions() == ()
