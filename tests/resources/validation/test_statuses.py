"""What the operator may write into a status."""

from typing import Any

import pytest

from tests.resources.cases.statuses import BAD_STATUSES, GOOD_STATUS
from workspace_operator.resources.parsing import status_problems
from workspace_operator.resources.statuses import WorkspaceStatus


def paths(status: dict[str, Any]) -> set[str]:
    return {problem.path for problem in status_problems(status)}


def test_whole_status_is_taken() -> None:
    assert status_problems(GOOD_STATUS) == []


def test_empty_status_is_taken() -> None:
    assert status_problems({}) == []
    assert status_problems(WorkspaceStatus().as_document()) == []


def test_models_write_what_they_read() -> None:
    written = WorkspaceStatus.model_validate(GOOD_STATUS).as_document()

    assert WorkspaceStatus.model_validate(written) == WorkspaceStatus.model_validate(GOOD_STATUS)
    assert status_problems(written) == []


@pytest.mark.parametrize("title", BAD_STATUSES)
def test_bad_status_is_refused(title: str) -> None:
    path, change = BAD_STATUSES[title]

    assert paths(GOOD_STATUS | change) == {path}


def test_fields_that_would_be_dropped_are_reported() -> None:
    assert paths({"phase": "Ready", "people": {"withoutId": 1}}) == {"status.phase", "status.people.withoutId"}
