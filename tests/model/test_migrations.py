"""Identifier changes, held to the model whatever comes between which of their steps."""

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.model.harness.migrating_store import MigratingPeople
from tests.model.harness.migration_comparison import MigrationComparison
from tests.model.test_comparison import settings
from tests.store.backends import Store
from workspace_operator.identity.values.rules import IdentityRules

EXAMPLES = {"memory": 40, "sqlite": 10, "postgresql": 5, "partitioned": 3}
"""Workspaces in the short form, 30 steps each: together they take less than a minute."""
TIMES_AS_MANY = 40
"""More than 2000 workspaces in all; half an hour."""


def test_changes_agree_with_the_model(any_store: Store, request: pytest.FixtureRequest) -> None:
    class Changing(MigrationComparison):
        def drive(self, rules: IdentityRules) -> MigratingPeople:
            return MigratingPeople(any_store, rules)

    examples = EXAMPLES[request.node.callspec.id]
    run_state_machine_as_test(Changing, settings=settings(examples, times_as_many=TIMES_AS_MANY))
