"""From what came of calls to replies."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from workspace_operator.application.ports import CommandResultOrError
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.references import CIO_ID_PREFIX
from workspace_operator.web.core.http import Response
from workspace_operator.web.core.response_sender import EMPTY_OK

REFUSED_CHANGES_HEADER: Final = "x-refused-changes"
IGNORED_HEADER: Final = "x-ignored"

MAX_HEADER_ENTRIES: Final = 20
"""So many fit a header whatever the client; the rest is counted."""

_IGNORED_REASONS: Final = {
    refusal_reasons.SUPPRESSED: "suppressed",
    refusal_reasons.UNKNOWN_CIO_ID: "unknown-cio-id",
    refusal_reasons.UNKNOWN_GENERATED_ID: "unknown-id",
    refusal_reasons.UNKNOWN_IDENTIFIER: "unknown",
}
"""Why a call was ignored, by its name on the wire."""

INVALID: Final = "invalid"
"""A part of a call that could not be taken, while the rest was."""


def response_for(result: CommandResultOrError) -> Response:
    """The reply to one call. Raises InvalidInput for one that was not accepted."""
    result = raise_for_rejected(result)
    if not result.refusals and not result.ignored_parts and result.effect is not Effect.IGNORED:
        return EMPTY_OK
    return Response(headers=result_headers(refused_entries(result), ignored_entries(result)))


def raise_for_rejected(result: CommandResultOrError) -> CommandResult:
    """What came of a call. Raises InvalidInput if nothing did since it broke a rule."""
    if isinstance(result, InvalidInput):
        raise result
    if result.effect is Effect.REJECTED:
        raise InvalidInput(result.message, field=result.field)
    return result


def batch_headers(results: Iterable[tuple[int, CommandResultOrError]]) -> Mapping[str, str]:
    """The headers of a batch, whose items are named by their index; none if all was done."""
    refused: list[str] = []
    ignored: list[str] = []
    for index, result in results:
        if isinstance(result, CommandResult):
            index_param = f"; batch_index={index}"
            refused += refused_entries(result, index_param)
            ignored += ignored_entries(result, index_param)
    return result_headers(refused, ignored)


def result_headers(refused: Sequence[str], ignored: Sequence[str]) -> Mapping[str, str]:
    """The headers for what was refused and ignored while the rest was done (track-api.md §1)."""
    named = ((REFUSED_CHANGES_HEADER, refused), (IGNORED_HEADER, ignored))
    return {name: _join_entries(entries) for name, entries in named if entries}


def refused_entries(result: CommandResult, index_param: str = "") -> list[str]:
    """What of a call was refused; ``at`` says where it stands. With whom it was applied to, if not whom it named.

    New parameters follow the reason, so that clients that parse the earlier form still can.
    """
    person = result.person if result.applied_elsewhere else None
    applied_to = "" if person is None else f"; applied_to={CIO_ID_PREFIX}{person.cio_id}"
    return [f'{each.kind}; reason="{_header_safe(each.message)}"{index_param}{applied_to}' for each in result.refusals]


def ignored_entries(result: CommandResult, index_param: str = "") -> list[str]:
    """Why a call was ignored, or which parts of it were; ``at`` says where it stands."""
    whole = [_IGNORED_REASONS[result.reason]] if result.effect is Effect.IGNORED else []
    return [f"{each}{index_param}" for each in (*whole, *result.ignored_parts)]


def _join_entries(entries: Sequence[str]) -> str:
    more = len(entries) - MAX_HEADER_ENTRIES
    return ", ".join([*entries[:MAX_HEADER_ENTRIES], *([f"more; count={more}"] if more > 0 else [])])


def _header_safe(text: str) -> str:
    """What may stand between quotes in a header: printable ASCII without quotes and backslashes."""
    return "".join(each if " " <= each <= "~" and each not in '"\\' else "?" for each in text)
