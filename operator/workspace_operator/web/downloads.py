"""Links to exports that work for a while without a key, as the vendor's clients expect, and the CSV behind them.

A link names the workspace, the set of credentials that asked for it, the export and when it ends, and is signed with a
key that is made of the digest of that set's app key. So it reaches one export, and dies with the credentials.
"""

import hmac
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from workspace_operator.application.exporting import violation_lines
from workspace_operator.application.ports import Credentials, StoredCredentials, ViolationRow
from workspace_operator.errors import NotFound
from workspace_operator.web.exchanges import Reply

LIFETIME: Final = timedelta(minutes=15)
PIECE_CHARACTERS: Final = 32_000
"""How much of a CSV is made at a time: one trip to a worker thread each."""

_SEPARATOR: Final = "-"
_NUMBERS: Final = 4
_MOST_DIGITS: Final = 18
"""Any number of so many digits fits the integers of every database."""


def token(caller: StoredCredentials, export: int, *, now: datetime) -> str:
    """What a link to an export ends in."""
    ends = int((now + LIFETIME).timestamp())
    claim = _SEPARATOR.join(map(str, (caller.workspace_id, caller.number, export, ends)))
    return f"{claim}{_SEPARATOR}{_signature(caller, claim)}"


def opened(text: str, credentials: Credentials, *, now: datetime) -> tuple[int, int]:
    """The workspace and the export of a link. Raises NotFound if it was never made, has ended or was revoked."""
    claim, _, signature = text.rpartition(_SEPARATOR)
    numbers = [int(each) for each in claim.split(_SEPARATOR) if _is_number(each)]
    if len(numbers) == _NUMBERS:
        workspace_id, number, export, ends = numbers
        for each in credentials.sets(workspace_id, now=now):
            if each.number == number and now.timestamp() < ends and _is_signed(each, claim, signature):
                return workspace_id, export
    raise NotFound("this link was never made or has ended: ask for a new one at /v1/exports/{id}/download")


def csv_reply(rows: Iterable[ViolationRow], name: str) -> Reply:
    """The CSV of an export, made while it is sent."""
    headers = {
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
    }
    rest = pieces(violation_lines(rows))
    first = next(rest)  # a lost database, or an export that is gone, is an answer of its own only before the first byte
    return Reply(document=_resumed(first, rest), headers=headers)


def pieces(lines: Iterable[str]) -> Iterator[bytes]:
    """Lines put together to pieces that are worth a trip to a worker thread."""
    gathered: list[str] = []
    size = 0
    for line in lines:
        gathered.append(line)
        size += len(line)
        if size >= PIECE_CHARACTERS:
            yield "".join(gathered).encode()
            gathered.clear()
            size = 0
    if gathered:
        yield "".join(gathered).encode()


def _resumed(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _signature(credentials: StoredCredentials, claim: str) -> str:
    return hmac.new(credentials.digests.app_key.encode(), f"export:{claim}".encode(), "sha256").hexdigest()


def _is_signed(credentials: StoredCredentials, claim: str, signature: str) -> bool:
    return hmac.compare_digest(_signature(credentials, claim).encode(), signature.encode(errors="replace"))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
