"""Which identifier changes there are (identity-rules §7)."""

import pytest

from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.changes import may_change

EMAIL_OR_ID, ID_ONLY, EMAIL_ONLY = Mode.EMAIL_OR_ID, Mode.ID_ONLY, Mode.EMAIL_ONLY
ALLOWED = {(ID_ONLY, EMAIL_OR_ID), (EMAIL_ONLY, EMAIL_OR_ID), (EMAIL_OR_ID, ID_ONLY)}


@pytest.mark.parametrize("wanted", list(Mode))
@pytest.mark.parametrize("in_force", list(Mode))
def test_allows_three_changes_only(in_force: Mode, wanted: Mode) -> None:
    assert may_change(in_force, wanted) == (in_force is wanted or (in_force, wanted) in ALLOWED)
