"""Parsing of ``Authorization`` headers, and lookup of the credentials in them."""

import hmac
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from workspace_operator.application.operator.api_keys import digest
from workspace_operator.application.ports import Credentials, StoredCredentials
from workspace_operator.web.core.router import Authentication

_NO_DIGEST: Final = "0" * 64
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedCredentials:
    """An ``Authorization`` header and the kind of credentials that the route requires."""

    authentication: Authentication
    header: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _ParsedCredentials:
    """The digest to look up, and the key to compare with the stored one."""

    digest: str
    key: str = field(repr=False)


def find_callers(
    presented: Sequence[PresentedCredentials], credentials: Credentials, *, now: datetime
) -> Sequence[StoredCredentials | None]:
    """Find the callers in at most two queries; None if not valid. Raises StoreUnavailable."""
    all_parsed = [_parse(candidate) for candidate in presented]
    digests: dict[Authentication, set[str]] = {Authentication.TRACK: set(), Authentication.APP: set()}
    for candidate, parsed in zip(presented, all_parsed, strict=True):
        if parsed is not None:
            digests[candidate.authentication].add(parsed.digest)
    site_ids, app_keys = digests[Authentication.TRACK], digests[Authentication.APP]
    by_site_id = credentials.find_by_site_ids(site_ids, now=now) if site_ids else {}
    by_app_key = credentials.find_by_app_keys(app_keys, now=now) if app_keys else {}
    callers: list[StoredCredentials | None] = []
    for candidate, parsed in zip(presented, all_parsed, strict=True):
        if parsed is None:
            callers.append(None)
        elif candidate.authentication is Authentication.TRACK:
            found = by_site_id.get(parsed.digest)
            callers.append(found if _matches(found.digests.api_key if found else _NO_DIGEST, parsed.key) else None)
        else:
            found = by_app_key.get(parsed.digest)
            callers.append(found if _matches(found.digests.app_key if found else _NO_DIGEST, parsed.key) else None)
    return callers


def parse_basic(header: bytes) -> tuple[str, str] | None:
    """Site id and API key of a Basic header in base64 or base64url, padded or not; else None."""
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    standard = encoded.strip().translate(_URL_SAFE).rstrip(b"=")
    try:
        text = b64decode(standard + b"=" * (-len(standard) % 4), validate=True).decode()
    except (NoBase64, UnicodeDecodeError):
        return None
    site_id, colon, api_key = text.partition(":")
    return (site_id, api_key) if colon else None


def parse_bearer(header: bytes) -> str | None:
    """The key of a Bearer header; None for any other header."""
    scheme, _, key = header.partition(b" ")
    return key.strip().decode("latin-1") if scheme.lower() == b"bearer" else None


def _parse(presented: PresentedCredentials) -> _ParsedCredentials | None:
    if presented.authentication is Authentication.TRACK:
        pair = parse_basic(presented.header)
        return None if pair is None else _ParsedCredentials(digest(pair[0]), pair[1])
    key = parse_bearer(presented.header)
    return None if key is None else _ParsedCredentials(digest(key), key)


def _matches(stored: str, presented: str) -> bool:
    return hmac.compare_digest(stored, digest(presented))
