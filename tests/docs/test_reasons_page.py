"""docs/reasons.md has a section for every reason that the code can write, and none for others."""

import re
from collections.abc import Mapping

import pytest

from tests.docs.pages import text_of
from workspace_operator.application.status.problems import ProblemReason
from workspace_operator.reconcile.model.outcomes import Reason, SendingReason

PAGE = "docs/reasons.md"
REASONS = sorted({*map(str, Reason), *map(str, SendingReason), *map(str, ProblemReason)})
PARTS = ("**Means**: ", "**Likely causes**: ", "**What to do**: ")


def sections() -> Mapping[str, str]:
    """The text of each section, by its heading."""
    found = re.split(r"^### (.+)$", text_of(PAGE), flags=re.MULTILINE)
    return {heading: text.split("\n## ")[0] for heading, text in zip(found[1::2], found[2::2], strict=True)}


def test_reasons_and_sections_are_the_same() -> None:
    assert sorted(sections()) == REASONS


@pytest.mark.parametrize("reason", REASONS)
def test_section_says_meaning_causes_and_remedy(reason: str) -> None:
    text = sections()[reason]

    missing = [part for part in PARTS if part not in text]

    assert missing == []


@pytest.mark.parametrize("reason", sorted({*map(str, ProblemReason)} - {*map(str, Reason), *map(str, SendingReason)}))
def test_reasons_of_no_condition_are_marked(reason: str) -> None:
    assert "(`workspacectl status` only)" in sections()[reason]
