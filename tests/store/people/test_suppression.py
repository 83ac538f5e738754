"""The contract of the port People: delete, suppress, unsuppress (identity-rules §6)."""

import pytest

from tests.store.fixtures import WorkspaceEnv
from workspace_operator.identity.model.results import Effect


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


@pytest.mark.parametrize("kind", ["id", "email", "cio_id"])
def test_suppressed_person_stays_away(both: WorkspaceEnv, kind: str) -> None:
    names = {"id": "1", "email": "Ann@example.com", "cio_id": both.add("1", "ann@example.com")}

    assert both.suppress(**{kind: names[kind]}) is True

    assert both.find(id="1") is None
    assert both.identify_person(id="1").effect is Effect.IGNORED
    assert both.identify_person(email="ann@example.com").effect is Effect.IGNORED


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


def test_address_of_a_suppressed_person_is_blocked_in_every_mode(env: WorkspaceEnv) -> None:
    env.add("1", "ann@example.com")

    env.suppress(id="1")

    assert env.suppress(email="ann@example.com") is False
