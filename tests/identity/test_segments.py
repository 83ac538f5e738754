"""Names of manual segments."""

import pytest

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.segments import MAX_SEGMENT, segment_name


def test_name_is_taken_without_its_edges() -> None:
    assert segment_name(" to delete\n", field="--name") == "to delete"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "--name is empty: say what the segment is for"),
        (" \t", "--name is empty"),
        ("x" * 151, "151 bytes, 150 are allowed"),
        ("a\0b", "contains NUL"),
        ("\ud800", "no valid Unicode"),
    ],
)
def test_names_that_cannot_be_are_told(name: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        segment_name(name, field="--name")

    assert refused.value.field == "--name"


def test_numbers_fit_every_database() -> None:
    assert MAX_SEGMENT < 2**63 - 1
