"""Any order of decisions, calls of others, new exports, application and undo, on every database."""

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.model.test_comparison import settings
from tests.store.backends import Store
from tests.store.cleanups.cleanup_machine import CleanupMachine
from workspace_operator.migrations.model import OnConflict

EXAMPLES = {"sqlite_database": 8, "postgres_database": 3, "partitioned_database": 2}


@pytest.mark.parametrize("conflict", OnConflict)
def test_cleanup_agrees_with_the_rules(sql: Store, conflict: OnConflict, request: pytest.FixtureRequest) -> None:
    class Cleaning(CleanupMachine):
        store = sql
        on_conflict = conflict

    examples = next(number for name, number in EXAMPLES.items() if name in request.node.name)
    run_state_machine_as_test(Cleaning, settings=settings(examples))
