"""Several processes at once: nothing is lost or doubled, and the model agrees with every answer."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from itertools import islice

import pytest

from tests.model.harness.snapshots import differences, state_of
from tests.model.harness.stores import StoredPeople, state_in
from tests.model.reference.people import People
from tests.store.backends import sql_store, upgraded
from tests.store.invariants import assert_sound
from tests.stress.commit_log import prepare, records
from tests.stress.linearizability import replay
from tests.stress.writers import run
from workspace_operator.identity.values.rules import IdentityRules
from workspace_operator.store.engine.databases import Database
from workspace_operator.workspaces.model import Settings

IS_PROOF = bool(os.environ.get("WORKSPACE_OPERATOR_PROOF"))
CALLS = 100_000 if IS_PROOF else 4_000
SEED = 4


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(upgraded(database_url)) as database:
        prepare(database)
        yield database


def test_many_writers_end_as_the_model(database: Database) -> None:
    """One run, looked at from all sides: each look would need a run of its own otherwise."""
    store, rules = sql_store(database), IdentityRules()
    workspace_id = StoredPeople(store, rules).env.workspace_id

    errors, changed = run(database.url.render_as_string(hide_password=False), workspace_id, calls=CALLS, seed=SEED)

    assert errors == []
    assert_sound(database)
    assert sum(len(each.calls) for each in records(database)) == CALLS
    assert_settings_changed_at_once(database, rules, changed)
    model = People(rules)
    assert list(islice(replay(model, records(database)), 10)) == []
    assert differences(state_of(model), state_in(store, workspace_id)) == {}


def assert_settings_changed_at_once(database: Database, rules: IdentityRules, changed: Mapping[int, Settings]) -> None:
    """From one transaction on, all of all processes are under the new rules."""
    lived = [(each.row_version, each.rules) for each in records(database)]
    versions = [version for version, _ in lived]
    assert versions == sorted(versions)
    assert len(set(versions)) > 1
    for version, lived_by in set(lived):
        settings = changed[version]
        updates, merges = settings.email_updates, settings.merge_multi_identifier
        assert lived_by == replace(rules, email_updates=updates, merge_multi_identifier=merges)
