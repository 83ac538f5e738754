"""E-mail keys: two spellings of one address have the same key (identity-rules §1).

This module alone defines what a valid address is. It uses no network.
"""

import re
from functools import cache, lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import normalize

if TYPE_CHECKING:
    from email_validator import ValidatedEmail

MAX_EMAIL_CHARACTERS = 254
"""Maximum length of an address as sent, stripped."""

MAX_INTERNATIONAL_LABELS = 10
MAX_LABEL_CHARACTERS = 63
"""Maximum number of labels, and length of a label as sent, of a domain that is not plain ASCII.

IDNA processing takes about 10 µs per character, and real domains have three or four labels.
"""

DOMAIN_CACHE_SIZE = 8192
KEY_CACHE_SIZE = 4096
"""Entries of the caches: twice as many as one batch of the longest bodies can name."""

_FINAL_SIGMA = "\N{GREEK SMALL LETTER FINAL SIGMA}"
_SIGMA = "\N{GREEK SMALL LETTER SIGMA}"

_ATOM = r"[A-Za-z0-9_!#$%&'*+/=?^`{|}~-]++"
_LABEL = r"(?![A-Za-z0-9-]{64})[A-Za-z0-9]++(?:-[A-Za-z0-9]++)*+"
_LOCAL = rf"{_ATOM}(?:\.{_ATOM})*+"
_is_plain_address = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL})++(?<=[A-Za-z])").fullmatch
_is_plain_local_part = re.compile(_LOCAL).fullmatch
_labels = re.compile("[.\N{IDEOGRAPHIC FULL STOP}\N{FULLWIDTH FULL STOP}\N{HALFWIDTH IDEOGRAPHIC FULL STOP}]").split


def email_key(raw: str) -> str | None:
    """The key of an address as sent (identity-rules §1, e-mail key); None if the text is not a valid address.

    It is equal for two spellings exactly if they are the same address, and is its own key.
    """
    text = raw.strip()
    if len(text) > MAX_EMAIL_CHARACTERS:
        return None
    if _is_plain_address(text):
        return text.lower()
    local, at, domain = text.rpartition("@")
    if not at:
        return None
    return _key_by_domain(local, domain) if _is_plain_local_part(local) else _cached_email_key(text)


def email_key_prefix(text: str) -> str:
    """A prefix of the keys of addresses that begin with this text.

    The domain is left out unless it is complete: a Unicode domain has an ASCII form only as a whole.
    """
    return email_key(text) or _local_part_key(text.strip())


def uncached_email_key(text: str) -> str | None:
    """The definition of `email_key`, for stripped text, without fast path and caches."""
    if "@" not in text:
        return None
    key = _normalized(text)
    # The lower case can be longer than the text, or not a valid address: then there is no key.
    return key if key is not None and _normalized(key) == key else None


_cached_email_key = lru_cache(KEY_CACHE_SIZE)(uncached_email_key)


def _key_by_domain(local: str, domain: str) -> str | None:
    """The key of an address with a plain local part: only the domain needs validation."""
    known = _cached_domain(domain)
    renormalized = known and _cached_domain(known.ascii)
    if known is None or renormalized is None or known.ascii != renormalized.ascii:
        return None
    forms = (domain.encode(), known.ascii, known.unicode)
    if len(local) + 1 + max(map(len, forms)) > MAX_EMAIL_CHARACTERS:
        return None
    return f"{local.lower()}@{known.ascii}"


class _Domain(NamedTuple):
    """The forms of a domain whose lengths the library checks."""

    ascii: str
    unicode: bytes


@lru_cache(DOMAIN_CACHE_SIZE)
def _cached_domain(domain: str) -> _Domain | None:
    """The forms of a domain; None if it is not valid. It can take a millisecond."""
    found = _validated(f"a@{domain}")
    return None if found is None else _Domain(found.ascii_domain, found.domain.encode())


def _normalized(text: str) -> str | None:
    """Normalize once (domain: UTS 46, non-transitional); rarely, the result is not a valid address itself."""
    found = _validated(text)
    if found is None:
        return None
    # The domain has no @, but a quoted local part may have several.
    return f"{_local_part_key(text.rpartition('@')[0])}@{found.ascii_domain}"


def _local_part_key(local: str) -> str:
    return normalize("NFC", normalize("NFC", local).lower().replace(_FINAL_SIGMA, _SIGMA))


@cache
def _validator() -> ModuleType:
    """The library, which takes longer to import than a command takes that sees only plain addresses."""
    import email_validator  # noqa: PLC0415 - see above

    # The library has only this process-wide list. Test systems use special-use domains, so none is refused.
    email_validator.SPECIAL_USE_DOMAIN_NAMES = []
    return email_validator


def _validated(text: str) -> "ValidatedEmail | None":
    if len(text) > MAX_EMAIL_CHARACTERS or _has_too_many_labels(text.rpartition("@")[2]):
        return None
    try:
        found: ValidatedEmail = _validator().validate_email(
            text, check_deliverability=False, allow_quoted_local=True, allow_smtputf8=True
        )
    except ValueError:  # the base class of the errors of email-validator and idna
        return None
    return found


def _has_too_many_labels(domain: str) -> bool:
    if domain.isascii() and "xn--" not in domain.lower():
        return False
    labels = _labels(domain)
    return len(labels) > MAX_INTERNATIONAL_LABELS or max(map(len, labels)) > MAX_LABEL_CHARACTERS
