"""Marks: a decision in few characters, as the form of a group sends which ones it has shown."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from workspace_operator.cleanups.decisions import Decision, DecisionKind

_DIGITS: Final = 8
_NONE: Final = "-"
_LETTERS: Final[Mapping[DecisionKind, str]] = {
    DecisionKind.KEEP: "k",
    DecisionKind.MERGE: "m",
    DecisionKind.CORRECT: "e",
    DecisionKind.CLEAR: "c",
    DecisionKind.DELETE: "d",
}
_KINDS: Final = {letter: kind for kind, letter in _LETTERS.items()}


def mark_of(decision: Decision | None) -> str:
    """The mark of a decision, or of none: the same for the same decision. It has no space."""
    if decision is None:
        return _NONE
    detail = decision.survivor or decision.email or ""
    digits = sha256(detail.encode(errors="surrogatepass")).hexdigest()[:_DIGITS] if detail else ""
    return _LETTERS[decision.kind] + digits


def kind_of(mark: str) -> DecisionKind | None:
    """The kind of the decision that a mark is of; None for none."""
    return _KINDS.get(mark[:1])
