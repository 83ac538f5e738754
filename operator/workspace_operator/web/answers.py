"""From what came of calls to replies."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from workspace_operator.application.ports import Answer
from workspace_operator.errors import InvalidInput
from workspace_operator.identity import reasons
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.references import CIO_ID_PREFIX
from workspace_operator.web.exchanges import Reply
from workspace_operator.web.sending import DONE

REFUSED_CHANGES: Final = "x-refused-changes"
IGNORED: Final = "x-ignored"

MOST_ENTRIES: Final = 20
"""So many fit a header whatever the client; the rest is counted."""

_IGNORED: Final = {
    reasons.SUPPRESSED: "suppressed",
    reasons.UNKNOWN_CIO_ID: "unknown-cio-id",
    reasons.UNKNOWN_GENERATED_ID: "unknown-id",
    reasons.UNKNOWN: "unknown",
}
"""Why a call was ignored, by its name on the wire."""

INVALID: Final = "invalid"
"""A part of a call that could not be taken, while the rest was."""


def reply_of(answer: Answer) -> Reply:
    """The reply to one call. Raises InvalidInput for one that was not accepted."""
    outcome = accepted(answer)
    if not outcome.refusals and not outcome.left_out and outcome.effect is not Effect.IGNORED:
        return DONE
    return Reply(headers=headers_of(refused_entries(outcome), ignored_entries(outcome)))


def accepted(answer: Answer) -> Outcome:
    """What came of a call. Raises InvalidInput if nothing did since it broke a rule."""
    if isinstance(answer, InvalidInput):
        raise answer
    if answer.effect is Effect.REJECTED:
        raise InvalidInput(answer.sentence, field=answer.field)
    return answer


def batch_headers(answers: Iterable[tuple[int, Answer]]) -> Mapping[str, str]:
    """The headers of a batch, whose items are named by their index; none if all was done."""
    refused: list[str] = []
    ignored: list[str] = []
    for index, answer in answers:
        if isinstance(answer, Outcome):
            at = f"; batch_index={index}"
            refused += refused_entries(answer, at)
            ignored += ignored_entries(answer, at)
    return headers_of(refused, ignored)


def headers_of(refused: Sequence[str], ignored: Sequence[str]) -> Mapping[str, str]:
    """The headers for what was refused and ignored while the rest was done (track-api.md §1)."""
    named = ((REFUSED_CHANGES, refused), (IGNORED, ignored))
    return {name: _listed(entries) for name, entries in named if entries}


def refused_entries(outcome: Outcome, at: str = "") -> list[str]:
    """What of a call was refused; ``at`` says where it stands. With whom it was applied to, if not whom it named.

    New parameters follow the reason, so that clients that parse the earlier form still can.
    """
    person = outcome.person if outcome.applied_elsewhere else None
    to = "" if person is None else f"; applied_to={CIO_ID_PREFIX}{person.cio_id}"
    return [f'{each.kind}; reason="{_quotable(each.sentence)}"{at}{to}' for each in outcome.refusals]


def ignored_entries(outcome: Outcome, at: str = "") -> list[str]:
    """Why a call was ignored, or which parts of it were; ``at`` says where it stands."""
    whole = [_IGNORED[outcome.reason]] if outcome.effect is Effect.IGNORED else []
    return [f"{each}{at}" for each in (*whole, *outcome.left_out)]


def _listed(entries: Sequence[str]) -> str:
    more = len(entries) - MOST_ENTRIES
    return ", ".join([*entries[:MOST_ENTRIES], *([f"more; count={more}"] if more > 0 else [])])


def _quotable(text: str) -> str:
    """What may stand between quotes in a header: printable ASCII without quotes and backslashes."""
    return "".join(each if " " <= each <= "~" and each not in '"\\' else "?" for each in text)
