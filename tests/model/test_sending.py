"""Messages on every store, in any order of what can happen to them."""

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.model.harness.sending import SendingMachine
from tests.model.test_comparison import settings
from tests.store.backends import Store

EXAMPLES = {"memory": 60, "sqlite": 10, "postgresql": 6, "partitioned": 4}


def test_messages_obey_the_gate_and_are_never_lost(any_store: Store, request: pytest.FixtureRequest) -> None:
    class Sending(SendingMachine):
        store = any_store

    run_state_machine_as_test(Sending, settings=settings(EXAMPLES[request.node.callspec.id]))
