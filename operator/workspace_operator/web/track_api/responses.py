"""HTTP responses for command results."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from workspace_operator.errors import InvalidInput
from workspace_operator.http_server.response_sender import EMPTY_OK
from workspace_operator.http_server.responses import Response
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError, Effect
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.references import CIO_ID_PREFIX

REFUSED_CHANGES_HEADER: Final = "x-refused-changes"
IGNORED_HEADER: Final = "x-ignored"

MAX_HEADER_ENTRIES: Final = 20
"""Maximum number of entries, so that every client can read the header; the rest is counted."""

_IGNORED_REASONS: Final = {
    refusal_reasons.SUPPRESSED: "suppressed",
    refusal_reasons.UNKNOWN_CIO_ID: "unknown-cio-id",
    refusal_reasons.UNKNOWN_GENERATED_ID: "unknown-id",
    refusal_reasons.UNKNOWN_IDENTIFIER: "unknown",
}
"""Maps the reason of an ignored command to its name on the wire."""

INVALID: Final = "invalid"
"""The ``X-Ignored`` name of a list item that is not valid, while the rest was carried out."""


def response_for(result: CommandResultOrError) -> Response:
    """The response to one command. Raises InvalidInput if the command was rejected."""
    result = raise_for_rejected(result)
    if not result.refusals and not result.ignored_parts and result.effect is not Effect.IGNORED:
        return EMPTY_OK
    return Response(headers=result_headers(refused_entries(result), ignored_entries(result)))


def raise_for_rejected(result: CommandResultOrError) -> CommandResult:
    """Narrow to a result that was not rejected. Raises InvalidInput for one that broke a rule."""
    if isinstance(result, InvalidInput):
        raise result
    if result.effect is Effect.REJECTED:
        raise InvalidInput(result.message, field=result.field)
    return result


def batch_headers(results: Iterable[tuple[int, CommandResultOrError]]) -> Mapping[str, str]:
    """The headers of a batch, with item indexes; empty if nothing was refused or ignored."""
    refused: list[str] = []
    ignored: list[str] = []
    for index, result in results:
        if isinstance(result, CommandResult):
            index_param = f"; batch_index={index}"
            refused += refused_entries(result, index_param)
            ignored += ignored_entries(result, index_param)
    return result_headers(refused, ignored)


def result_headers(refused: Sequence[str], ignored: Sequence[str]) -> Mapping[str, str]:
    """The headers for refused changes and ignored parts (track-api.md §1)."""
    named = ((REFUSED_CHANGES_HEADER, refused), (IGNORED_HEADER, ignored))
    return {name: _join_entries(entries) for name, entries in named if entries}


def refused_entries(result: CommandResult, index_param: str = "") -> list[str]:
    """Entries for refused changes, with the person if it is not the one that the command named.

    ``index_param`` is the position in a batch. New parameters follow the reason, for clients that parse the old form.
    """
    person = result.person if result.applied_elsewhere else None
    applied_to = "" if person is None else f"; applied_to={CIO_ID_PREFIX}{person.cio_id}"
    return [
        f'{refusal.kind}; reason="{_header_safe(refusal.message)}"{index_param}{applied_to}'
        for refusal in result.refusals
    ]


def ignored_entries(result: CommandResult, index_param: str = "") -> list[str]:
    """Entries for an ignored command or ignored parts; ``index_param`` gives the position."""
    whole = [_IGNORED_REASONS[result.reason]] if result.effect is Effect.IGNORED else []
    return [f"{name}{index_param}" for name in (*whole, *result.ignored_parts)]


def _join_entries(entries: Sequence[str]) -> str:
    more = len(entries) - MAX_HEADER_ENTRIES
    return ", ".join([*entries[:MAX_HEADER_ENTRIES], *([f"more; count={more}"] if more > 0 else [])])


def _header_safe(text: str) -> str:
    """Replace all characters but printable ASCII without quotes and backslashes."""
    return "".join(char if " " <= char <= "~" and char not in '"\\' else "?" for char in text)
