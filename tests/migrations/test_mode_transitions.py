"""Which identifier changes there are (identity-rules §7)."""

import pytest

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.modes import is_mode_allowed

EMAIL_OR_ID, ID_ONLY, EMAIL_ONLY = Mode.EMAIL_OR_ID, Mode.ID_ONLY, Mode.EMAIL_ONLY
ALLOWED_TRANSITIONS = {(ID_ONLY, EMAIL_OR_ID), (EMAIL_ONLY, EMAIL_OR_ID), (EMAIL_OR_ID, ID_ONLY)}


@pytest.mark.parametrize("wanted", list(Mode))
@pytest.mark.parametrize("in_force", list(Mode))
def test_allows_three_changes_only(in_force: Mode, wanted: Mode) -> None:
    assert is_mode_allowed(in_force, wanted) == (in_force is wanted or (in_force, wanted) in ALLOWED_TRANSITIONS)
