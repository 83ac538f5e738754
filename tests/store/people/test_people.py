"""The contract of the port People: identity decisions are stored and found again.

The decisions are tested in tests/identity; these tests cover the paths through the store.
"""

import pytest

from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.errors import NotFound
from workspace_operator.identity.model.commands import identify_from_fields
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import EmailUpdates, IdentifierKind, IDUpdates, Mode


def test_rules_in_force_are_reported(both: WorkspaceEnv) -> None:
    both.update_settings(
        email_updates=EmailUpdates.BY_CIO_ID, id_updates=IDUpdates.BY_CIO_ID, merge_multi_identifier=False
    )

    rules = both.store.people.rules(both.workspace_id)

    assert rules.mode is Mode.EMAIL_OR_ID
    assert (rules.email_updates, rules.id_updates) == (EmailUpdates.BY_CIO_ID, IDUpdates.BY_CIO_ID)
    assert not rules.merge_multi_identifier


def test_created_person_is_found(both: WorkspaceEnv) -> None:
    outcome = both.identify_person(id="1", body={"email": " Ann@Example.com", "plan": "pro"})

    assert outcome.effect is Effect.CREATED
    assert outcome.person is not None
    for found in (both.find(id="1"), both.find(email="ann@example.COM"), both.find(cio_id=outcome.person.cio_id)):
        assert found == outcome.person


def test_every_kind_of_value_is_kept(both: WorkspaceEnv) -> None:
    attributes = {
        "text": "a\ttab, a \\ and a\nline; ünï 🛍 \"quoted\" 'x'",
        "number": 12345678901234567890,
        "fraction": 0.1,
        "flag": True,
        "list": [1, "two", None, {"three": 3}],
        "ключ": {"nested": {"deep": [[]]}},
    }

    both.add("ид \t\\N", "ünïcode@example.com", **attributes)
    both.identify_person(id="ид \t\\N", body={"more": "\\."})

    found = both.find(id="ид \t\\N")
    assert found is not None
    assert found.attributes == attributes | {"more": "\\."}


def test_person_is_updated(both: WorkspaceEnv) -> None:
    cio_id = both.add("1", plan="pro", gone="x")
    both.store.clock.advance(60)

    outcome = both.identify_person(
        id="1", body={"plan": "free", "gone": None, "email": "ann@example.com", "created_at": 1_000_000_005}
    )

    found = both.find(email="ann@example.com")
    assert outcome.effect is Effect.UPDATED
    assert found is not None
    assert (found.cio_id, found.created_at) == (cio_id, 1_000_000_005)
    assert found.attributes == {"plan": "free", "created_at": 1_000_000_005}


def test_identifiers_are_swapped_in_one_batch(both: WorkspaceEnv) -> None:
    both.add("1", "ann@example.com")
    both.add("2", "bob@example.com")

    both.identify(
        both.call(id="1", body={"email": "between@example.com"}),
        both.call(id="2", body={"email": "ann@example.com"}),
        both.call(id="1", body={"email": "bob@example.com"}),
    )

    found = both.find(email="bob@example.com")
    assert found is not None
    assert found.id == "1"
    assert both.find(email="between@example.com") is None


def test_everybody_streams_in_order_of_creation(both: WorkspaceEnv) -> None:
    both.add_many({str(number): None for number in range(5000)})

    assert [each.id for each in both.store.people.all(both.workspace_id)] == [str(number) for number in range(5000)]


def test_workspaces_share_nothing(store: Store) -> None:
    first, second = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID), WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
    cio_id = first.add("1", "ann@example.com")
    first.suppress(email="bob@example.com")

    assert second.find(id="1") is None
    assert second.find(cio_id=cio_id) is None
    assert second.delete(cio_id=cio_id) is False
    assert second.identify_person(email="bob@example.com").effect is Effect.CREATED
    assert second.identify_person(id="1").effect is Effect.CREATED


def test_unknown_workspace_is_not_found(store: Store) -> None:
    reference = reference_of_kind("1", IdentifierKind.ID, Mode.EMAIL_OR_ID)

    with pytest.raises(NotFound):
        store.people.rules(10**12)
    with pytest.raises(NotFound):
        execute_commands(store.people, 10**12, [identify_from_fields(reference, {})], now=1)
    with pytest.raises(NotFound):
        store.people.find(10**12, reference)
    with pytest.raises(NotFound):
        store.people.find_many(10**12, [reference])


def test_empty_batch_does_nothing(both: WorkspaceEnv) -> None:
    assert both.identify() == []
