"""Temporary download links for exports, as the vendor's clients expect, and their CSV.

A link needs no key. It contains the workspace, the set of credentials that requested it, the export and the expiry
time. Its signature uses the digest of that set's app key. So a link gives access to one export, expires with the
credentials, and needs no table. The signature covers the query, so a link cannot be changed to show more attributes.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Self
from urllib.parse import urlencode

from workspace_operator.application.people.csv_export import parse_attribute_names, violation_lines
from workspace_operator.application.people.csv_files.injection import with_byte_order_mark
from workspace_operator.application.ports import Credentials, StoredCredentials, ViolationRow
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.http_server.responses import Response, chunks
from workspace_operator.identity.values.text_limits import quoted

LIFETIME: Final = timedelta(minutes=15)

_SEPARATOR: Final = "-"
_CLAIM_NUMBERS: Final = 4
_MAX_DIGITS: Final = 18
"""Numbers with at most this many digits fit the integer type of every database."""


PARAMETERS: Final = ("with", "for_excel")
"""The query parameters that select the content and format of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CSVOptions:
    """Options of the CSV of an export; ``attributes`` None means the most common ones."""

    attributes: Sequence[str] | None = None
    for_excel: bool = False

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """Read the options from a query. Raises InvalidInput."""
        attributes = parse_attribute_names(query["with"], field="with") if "with" in query else None
        value = query.get("for_excel", "false")
        if value not in _BOOLEANS:
            message = f"for_excel {quoted(value)} is unknown: use one of {', '.join(_BOOLEANS)}"
            raise InvalidInput(message, field="for_excel")
        return cls(attributes=attributes, for_excel=_BOOLEANS[value])

    @property
    def query(self) -> str:
        """The query for these options; empty for the defaults."""
        named = {} if self.attributes is None else {"with": ",".join(self.attributes)}
        return urlencode(named | ({"for_excel": "true"} if self.for_excel else {}))


_BOOLEANS: Final = {"true": True, "false": False}
DEFAULTS: Final = CSVOptions()


def sign(caller: StoredCredentials, export: int, options: CSVOptions = DEFAULTS, *, now: datetime) -> str:
    """The end of a link to an export: the signed token, and the query if there is one."""
    expires_at = int((now + LIFETIME).timestamp())
    claim = _SEPARATOR.join(map(str, (caller.workspace_id, caller.number, export, expires_at)))
    token = f"{claim}{_SEPARATOR}{_signature(caller, claim, options)}"
    return f"{token}?{options.query}" if options.query else token


class Link(NamedTuple):
    """What a link gives access to, and the number of the set of credentials that requested it."""

    workspace_id: int
    export: int
    credentials: int


def verify(text: str, credentials: Credentials, options: CSVOptions = DEFAULTS, *, now: datetime) -> Link:
    """Read a link. Raises NotFound if it is invalid, expired or revoked."""
    claim, _, signature = text.rpartition(_SEPARATOR)
    numbers = [int(part) for part in claim.split(_SEPARATOR) if _is_number(part)]
    if len(numbers) == _CLAIM_NUMBERS:
        workspace_id, number, export, expires_at = numbers
        for stored in credentials.valid_sets(workspace_id, now=now):
            is_current = stored.number == number and now.timestamp() < expires_at
            expected = _signature(stored, claim, options).encode()
            if is_current and hmac.compare_digest(expected, signature.encode(errors="replace")):
                return Link(workspace_id, export, number)
    raise NotFound("this link is not valid or has expired: get a new one from /v1/exports/{id}/download")


def csv_response(
    rows: Iterable[ViolationRow], name: str, attributes: Sequence[str] = (), *, for_excel: bool = False
) -> Response:
    """Stream the CSV of an export; ``rows`` have values for ``attributes``."""
    headers = {
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": f'attachment; filename="{name}"',
    }
    lines = violation_lines(rows, attributes)
    rest = chunks(with_byte_order_mark(lines) if for_excel else lines)
    first = next(rest)  # an error can become an error response only before the first byte
    return Response(document=_chain(first, rest), headers=headers)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _signature(credentials: StoredCredentials, claim: str, options: CSVOptions) -> str:
    signed = f"export:{claim}?{options.query}" if options.query else f"export:{claim}"
    return hmac.new(credentials.digests.app_key.encode(), signed.encode(), "sha256").hexdigest()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
