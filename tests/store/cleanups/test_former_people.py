"""The people whom a cleanup merged or deleted, as they were before."""

from collections.abc import Mapping

import pytest

from tests.store.cleanups.cleanup_env import CleanupEnv
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.cleanups.decisions import DELETE, KEEP, correct_to, merge_into
from workspace_operator.errors import NotFound
from workspace_operator.identity.model.person import Person

ADA = "ada@example.com"
PEOPLE = {"m-1": ADA, "m-2": ADA, "m-3": ADA, "m-4": "broken@"}
DECISIONS = {"m-1": KEEP, "m-2": merge_into("m-1"), "m-3": DELETE, "m-4": correct_to("m4@example.com")}


def applied(sql_env: WorkspaceEnv) -> CleanupEnv:
    """A cleanup that merged and deleted people."""
    return CleanupEnv.applied(sql_env, PEOPLE, DECISIONS)


def former_people(draft: CleanupEnv) -> Mapping[str, Person]:
    """By id."""
    of_cleanup = (draft.env.workspace_id, draft.number)
    found = draft.cleanups.former_people(*of_cleanup, draft.cleanups.decisions(*of_cleanup, limit=100))
    assert {person.id: cio_id for cio_id, person in found.items()}.items() <= draft.cio_ids.items()
    return {str(person.id): person for person in found.values()}


def test_people_are_as_they_were(sql_env: WorkspaceEnv) -> None:
    cleanup = applied(sql_env)

    assert {id_: person.email for id_, person in former_people(cleanup).items()} == {"m-2": ADA, "m-3": ADA}


def test_draft_has_none(sql_env: WorkspaceEnv) -> None:
    draft = CleanupEnv.blocked(sql_env, PEOPLE)
    draft.decide(DECISIONS)

    assert former_people(draft) == {}


def test_erased_people_are_forgotten(sql_env: WorkspaceEnv) -> None:
    cleanup = applied(sql_env)
    cleanup.env.suppress(id="m-1")

    assert former_people(cleanup) == {}


@pytest.mark.parametrize("named", [{"id": "m-2"}, {"id": "m-3"}])
def test_people_who_are_suppressed_later_are_forgotten(sql_env: WorkspaceEnv, named: dict[str, str]) -> None:
    """There is nobody with the id any more, so nothing else is deleted."""
    cleanup = applied(sql_env)
    cleanup.env.suppress(**named)

    assert named["id"] not in former_people(cleanup)


def test_whoever_became_part_of_an_erased_person_is_erased(sql_env: WorkspaceEnv) -> None:
    cleanup = applied(sql_env)
    cleanup.env.delete(id="m-1")

    stored = cleanup.stored("m-2")
    assert stored is not None
    assert stored.seen_email_key is None


def test_cleanup_that_does_not_exist(sql_env: WorkspaceEnv) -> None:
    cleanup = applied(sql_env)

    with pytest.raises(NotFound, match="there is no cleanup 2"):
        cleanup.cleanups.former_people(cleanup.env.workspace_id, 2, [])
