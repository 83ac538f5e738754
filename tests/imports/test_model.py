"""An import says what it is, and what is still possible."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.imports.model import FileFacts, ImportCounts, ImportJob, ImportMapping, ImportState

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
DONE = ImportJob(
    workspace_id=7,
    number=3,
    state=ImportState.DONE,
    file_name="people.csv",
    facts=FileFacts(delimiter=",", columns=(), rows=5, header_line=1),
    mapping=None,
    people=3,
    created_at=NOW,
    created_by="ada@club.example",
    file_until=NOW + timedelta(days=1),
    undo_until=NOW + timedelta(days=30),
)


def test_counts_add_up_to_the_rows() -> None:
    assert ImportCounts(made=1, changed=2, unchanged=3, skipped=4, rejected=5, in_part=6, addresses=7).rows == 15


@pytest.mark.parametrize(
    "other",
    [
        ImportMapping(targets=("email", "id")),
        ImportMapping(targets=("id", "email"), by=IdentifierKind.ID),
        ImportMapping(targets=("id", "email"), update_only=True),
        ImportMapping(targets=("id", "email"), removes_empty=True),
    ],
)
def test_version_is_that_of_the_choices(other: ImportMapping) -> None:
    chosen = ImportMapping(targets=("id", "email"))

    assert chosen.version == ImportMapping(targets=["id", "email"]).version
    assert chosen.version != other.version


def test_rows_are_those_of_the_file() -> None:
    assert (DONE.rows, replace(DONE, facts=None).rows) == (5, 0)


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (DONE, True),
        (replace(DONE, state=ImportState.UNDONE), False),
        (replace(DONE, undo_until=None), False),
        (replace(DONE, undo_until=NOW), False),
        (replace(DONE, undone=2, undone_in_part=1), False),
        (replace(DONE, undone=2, not_undone=1), True),
    ],
)
def test_undo_is_possible_while_people_are_left(job: ImportJob, expected: bool) -> None:
    assert job.can_be_undone(NOW) is expected


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (DONE, True),
        (replace(DONE, file_until=NOW), False),
        (replace(DONE, state=ImportState.CHECKED, file_until=None), True),
        (replace(DONE, state=ImportState.UPLOADING, file_until=None), False),
    ],
)
def test_file_is_kept_for_a_while(job: ImportJob, expected: bool) -> None:
    assert job.has_file(NOW) is expected
