"""Marks: a decision or a rule in few characters, as a form sends which one it has shown."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Final

from workspace_operator.cleanups.decisions import Decision, DecisionKind
from workspace_operator.cleanups.rules import Rule

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


def mark_of_rule(rule: Rule) -> str:
    """The mark of what a rule does and of its condition: the same for the same rule."""
    return sha256(json.dumps(asdict(rule)).encode(errors="surrogatepass")).hexdigest()[: 2 * _DIGITS]


def kind_of(mark: str) -> DecisionKind | None:
    """The kind of the decision that a mark is of; None for none."""
    return _KINDS.get(mark[:1])
