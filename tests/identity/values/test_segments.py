"""Names of manual segments."""

import pytest

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.segments import MAX_SEGMENT, segment_name, segment_reference


def test_name_is_taken_without_its_edges() -> None:
    assert segment_name(" to delete\n", field="--name") == "to delete"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "--name is empty: give the segment a name"),
        (" \t", "--name is empty"),
        ("12", "--name 12 is a number: give the segment a name that is not a number"),
        ("-1", "--name -1 is a number"),
        ("x" * 151, "151 bytes, 150 are allowed"),
        ("a\0b", "contains NUL"),
        ("\ud800", "no valid Unicode"),
    ],
)
def test_names_that_cannot_be_are_reported(name: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        segment_name(name, field="--name")

    assert refused.value.field == "--name"


@pytest.mark.parametrize(
    ("body", "meant"),
    [(" 7 ", 7), (str(MAX_SEGMENT), MAX_SEGMENT), ("0" * 30 + "7", 7), (" leaving", "leaving"), ("7b", "7b")],
)
def test_segment_is_called_by_its_number_or_name(body: str, meant: int | str) -> None:
    assert segment_reference(body, field="--segment") == meant


@pytest.mark.parametrize("body", ["0", "-3", str(MAX_SEGMENT + 1), "9" * 9000])
def test_number_that_no_segment_can_have_is_reported(body: str) -> None:
    with pytest.raises(InvalidInput, match=f"--segment {body[:150]} is no number from 1 to {MAX_SEGMENT}$"):
        segment_reference(body, field="--segment")


def test_nothing_names_no_segment() -> None:
    with pytest.raises(InvalidInput, match="SEGMENT is empty: give a segment's number, or its name"):
        segment_reference(" ", field="SEGMENT")


def test_numbers_fit_every_database() -> None:
    assert MAX_SEGMENT < 2**63 - 1
