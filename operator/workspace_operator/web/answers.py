"""From what came of calls to replies."""

from collections.abc import Iterable, Mapping
from typing import Final

from workspace_operator.application.ports import Answer
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.outcomes import Effect, Outcome, Refusal
from workspace_operator.web.exchanges import Reply
from workspace_operator.web.sending import DONE

REFUSED_CHANGES: Final = "x-refused-changes"

MOST_REFUSALS: Final = 20
"""So many fit the header whatever the client; the rest is in the activities."""


def reply_of(answer: Answer) -> Reply:
    """The reply to one call. Raises InvalidInput for one that was not accepted."""
    outcome = accepted(answer)
    return DONE if not outcome.refusals else Reply(headers=refused_changes(map(_said, outcome.refusals)))


def accepted(answer: Answer) -> Outcome:
    """What came of a call. Raises InvalidInput if nothing did since it broke a rule."""
    if isinstance(answer, InvalidInput):
        raise answer
    if answer.effect is Effect.REJECTED:
        raise InvalidInput(answer.sentence, field=answer.field)
    return answer


def batch_headers(answers: Iterable[tuple[int, Answer]]) -> Mapping[str, str]:
    """The header of a batch, whose items are named by their index; none if nothing was refused."""
    said = [
        f"{_said(refusal)}; batch_index={index}"
        for index, answer in answers
        if isinstance(answer, Outcome)
        for refusal in answer.refusals
    ]
    return refused_changes(said) if said else {}


def refused_changes(said: Iterable[str]) -> Mapping[str, str]:
    """The header for changes of identifiers that were refused while the rest was done (track-api.md §1)."""
    return {REFUSED_CHANGES: ", ".join(list(said)[:MOST_REFUSALS])}


def _said(refusal: Refusal) -> str:
    return f'{refusal.kind}; reason="{_quotable(refusal.sentence)}"'


def _quotable(text: str) -> str:
    """What may stand between quotes in a header: printable ASCII without quotes and backslashes."""
    return "".join(each if " " <= each <= "~" and each not in '"\\' else "?" for each in text)
