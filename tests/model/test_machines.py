"""The rules, the stores and HTTP, held to the model whatever is said."""

import os

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.model.drivers import Driver, PurePeople
from tests.model.machine import TwoOpinions
from tests.model.stores import StoredPeople
from tests.store.adapters import Store
from workspace_operator.identity.rules import IdentityRules

IS_PROOF = bool(os.environ.get("WORKSPACE_OPERATOR_PROOF"))


def settings(short: int, proof: int, *, steps: int = 30) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=proof if IS_PROOF else short,
        stateful_step_count=steps,
        deadline=None,
        phases=[hypothesis.Phase.reuse, hypothesis.Phase.generate]
        if os.environ.get("NOSHRINK")
        else list(hypothesis.Phase),
        suppress_health_check=list(hypothesis.HealthCheck),
    )


class PureRules(TwoOpinions):
    def drive(self, rules: IdentityRules) -> Driver:
        return PurePeople(rules)


def test_rules_agree_with_the_model() -> None:
    run_state_machine_as_test(PureRules, settings=settings(100, 5000))


EXAMPLES = {"memory": 40, "sqlite": 10, "postgresql": 5, "partitioned": 3}


def test_stores_agree_with_the_model(any_store: Store, request: pytest.FixtureRequest) -> None:
    class Stored(TwoOpinions):
        def drive(self, rules: IdentityRules) -> Driver:
            return StoredPeople(any_store, rules)

    examples = EXAMPLES[request.node.callspec.id]
    run_state_machine_as_test(Stored, settings=settings(examples, 40 * examples))
