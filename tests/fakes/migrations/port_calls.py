"""Names of calls of the port Migrations, for tests that interrupt, count or time them."""

from collections.abc import Sequence
from typing import Any

from workspace_operator.migrations.state_machine import Trigger


def call_name(method: str, arguments: Sequence[Any]) -> str:
    """Name a call by the stage that it enters or the step that it runs a batch of, any other call by its method."""
    if method == "advance":
        return str(arguments[0].transitions[Trigger.ADVANCE].target)
    return str(arguments[2]) if method == "run_batch" else method
