"""The contract of the port People: a round trip of delete, suppress and unsuppress (identity-rules §6)."""

from tests.store.fixtures import WorkspaceEnv
from workspace_operator.identity.model.results import Effect


def test_deleted_person_frees_identifiers(both: WorkspaceEnv) -> None:
    cio_id = both.add("1", "ann@example.com", plan="pro")

    assert both.delete(email="ANN@example.com") is True

    assert both.find(id="1") is None
    again = both.identify_person(id="1", body={"email": "ann@example.com"})
    assert again.effect is Effect.CREATED
    assert again.person is not None
    assert again.person.cio_id != cio_id
    assert again.person.attributes == {}


def test_suppressed_person_stays_away(both: WorkspaceEnv) -> None:
    assert both.suppress(cio_id=both.add("1", "ann@example.com")) is True

    assert both.find(id="1") is None
    assert both.identify_person(id="1").effect is Effect.IGNORED
    assert both.identify_person(email="ann@example.com").effect is Effect.IGNORED


def test_what_was_suppressed_together_is_freed_together(both: WorkspaceEnv) -> None:
    both.add("1", "ann@example.com")
    both.suppress(id="1")

    assert both.unsuppress(email="Ann@example.com") is True

    assert both.find(id="1") is None
    assert both.identify_person(id="1").effect is Effect.CREATED
    assert both.identify_person(email="ann@example.com").effect is Effect.CREATED
