"""The rules, the stores and HTTP, held to the model whatever is said."""

import os
from dataclasses import replace

import httpx
import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.model.harness.commands import AnyCommand, IdentifyCommand
from tests.model.harness.comparison import MergeComparison, ModelComparison
from tests.model.harness.drivers import PurePeople
from tests.model.harness.http import ServedPeople, serving
from tests.model.harness.stores import StoredPeople
from tests.store.backends import Store
from workspace_operator.identity.values.rules import IdentityRules

IS_PROOF = bool(os.environ.get("WORKSPACE_OPERATOR_PROOF"))
EXAMPLES = {"memory": 40, "sqlite": 8, "postgresql": 5, "partitioned": 3}
"""Workspaces in the short form, 30 steps each: together they take half a minute."""
TIMES_AS_MANY = 20


def settings(examples: int, *, times_as_many: int = TIMES_AS_MANY) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=examples * times_as_many if IS_PROOF else examples,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


class PureRules(ModelComparison[PurePeople]):
    def drive(self, rules: IdentityRules) -> PurePeople:
        return PurePeople(rules)


def test_rules_agree_with_the_model() -> None:
    run_state_machine_as_test(PureRules, settings=settings(100))


def test_http_agrees_with_the_model(any_store: Store, request: pytest.FixtureRequest) -> None:
    with serving(any_store) as url, httpx.Client(base_url=url) as client:

        class Served(MergeComparison):
            def drive(self, rules: IdentityRules) -> ServedPeople:
                return ServedPeople(any_store, rules, client)

            def adapted(self, command: AnyCommand) -> AnyCommand:
                return replace(command, by_import=False) if isinstance(command, IdentifyCommand) else command

        run_state_machine_as_test(Served, settings=settings(EXAMPLES[request.node.callspec.id] // 2))


def test_stores_agree_with_the_model(any_store: Store, request: pytest.FixtureRequest) -> None:
    class Stored(MergeComparison):
        def drive(self, rules: IdentityRules) -> StoredPeople:
            return StoredPeople(any_store, rules)

    run_state_machine_as_test(Stored, settings=settings(EXAMPLES[request.node.callspec.id]))
