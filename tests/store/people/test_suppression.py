"""The contract of the port People: delete, suppress, unsuppress (identity-rules §6)."""

import pytest

from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values.rules import Mode


@pytest.fixture
def both(store: Store) -> WorkspaceEnv:
    """A workspace of mode EmailOrID."""
    return WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)


@pytest.mark.parametrize("kind", ["id", "email", "cio_id"])
def test_deleted_person_frees_identifiers(both: WorkspaceEnv, kind: str) -> None:
    cio_id = both.add("1", "ann@example.com", plan="pro")
    names = {"id": "1", "email": "ANN@example.com", "cio_id": cio_id}

    assert both.delete(**{kind: names[kind]}) is True

    assert both.find(id="1") is None
    again = both.identify_person(id="1", body={"email": "ann@example.com"})
    assert again.effect is Effect.CREATED
    assert again.person is not None
    assert again.person.cio_id != cio_id
    assert again.person.attributes == {}


def test_deletion_of_an_unknown_person_is_reported(both: WorkspaceEnv) -> None:
    assert both.delete(id="1") is False
    assert both.delete(cio_id="unknown") is False


@pytest.mark.parametrize("kind", ["id", "email", "cio_id"])
def test_suppressed_person_stays_away(both: WorkspaceEnv, kind: str) -> None:
    names = {"id": "1", "email": "Ann@example.com", "cio_id": both.add("1", "ann@example.com")}

    assert both.suppress(**{kind: names[kind]}) is True

    assert both.find(id="1") is None
    assert both.identify_person(id="1").effect is Effect.IGNORED
    assert both.identify_person(email="ann@example.com").effect is Effect.IGNORED


def test_suppressed_identifier_is_refused_in_bodies(both: WorkspaceEnv) -> None:
    both.suppress(email="ann@example.com")

    outcome = both.identify_person(id="1", body={"email": "ANN@example.com"})

    assert outcome.effect is Effect.CREATED
    assert [each.value for each in outcome.refusals] == ["ANN@example.com"]


def test_value_without_owner_is_suppressed(both: WorkspaceEnv) -> None:
    assert both.suppress(id="1") is True

    assert both.identify_person(id="1").effect is Effect.IGNORED
    assert both.suppress(id="1") is False


def test_unknown_cio_id_is_not_suppressed(both: WorkspaceEnv) -> None:
    assert both.suppress(cio_id="unknown") is False


def test_blocked_address_blocks_no_id(both: WorkspaceEnv) -> None:
    both.suppress(email="ann@example.com")
    both.identify_person(id="1")

    assert both.identify_person(id="ann").effect is Effect.CREATED
    assert both.unsuppress(id="ann@example.com") is False


@pytest.mark.parametrize("kind", ["id", "email"])
def test_what_was_suppressed_together_is_freed_together(both: WorkspaceEnv, kind: str) -> None:
    both.add("1", "ann@example.com")
    both.suppress(id="1")

    assert both.unsuppress(**{kind: {"id": "1", "email": "Ann@example.com"}[kind]}) is True

    assert both.find(id="1") is None
    assert both.identify_person(id="1").effect is Effect.CREATED
    assert both.identify_person(email="ann@example.com").effect is Effect.CREATED


def test_unsuppressing_ends_every_suppression_of_the_value(env: WorkspaceEnv) -> None:
    for id_ in ("1", "2"):
        env.add(id_, "ann@example.com")
    env.suppress(id="1")
    env.suppress(id="2")

    assert env.unsuppress(email="ann@example.com") is True

    assert env.identify_person(id="1").effect is Effect.CREATED
    assert env.identify_person(id="2").effect is Effect.CREATED
    assert env.unsuppress(email="ann@example.com") is False


def test_value_stays_blocked_while_a_suppression_holds_it(env: WorkspaceEnv) -> None:
    for id_ in ("1", "2"):
        env.add(id_, "ann@example.com")
        env.suppress(id=id_)

    env.unsuppress(id="1")

    assert env.identify_person(id="1").effect is Effect.CREATED
    assert env.identify_person(id="2").effect is Effect.IGNORED
    assert env.unsuppress(email="ann@example.com") is True


def test_unsuppressing_what_is_free_says_so(both: WorkspaceEnv) -> None:
    assert both.unsuppress(id="1") is False


def test_address_is_suppressed_where_it_is_no_identifier(env: WorkspaceEnv) -> None:
    env.add("1", "ann@example.com")

    assert env.suppress(email="ann@example.com") is True

    assert env.find(id="1") is not None
    assert env.suppress(email="ann@example.com") is False
    assert env.unsuppress(email="ann@example.com") is True


def test_address_of_a_suppressed_person_is_blocked_in_every_mode(env: WorkspaceEnv) -> None:
    env.add("1", "ann@example.com")

    env.suppress(id="1")

    assert env.suppress(email="ann@example.com") is False
