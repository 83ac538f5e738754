"""The key of an e-mail address: what makes two spellings the same address (identity-rules §1).

This is the one place that says what "is an address" means. Nothing here looks anything up.
"""

import re
from functools import lru_cache
from typing import NamedTuple
from unicodedata import normalize

import email_validator

# The library keeps this choice in a list of the process's own: people in test systems live at such domains.
email_validator.SPECIAL_USE_DOMAIN_NAMES = []

MAX_EMAIL_CHARACTERS = 254
"""How long an address may be as sent, stripped."""

MAX_INTERNATIONAL_LABELS = 10
MAX_LABEL_CHARACTERS = 63
"""Of a domain that is not plain ASCII: how many labels it may have, and how long each may be as sent.

What IDNA does to a label takes about 10 µs a character, and real domains have three or four.
"""

DOMAIN_CACHE_SIZE = 8192
KEY_CACHE_SIZE = 4096
"""Twice as many as a batch can name in its longest body have their ASCII form looked up once."""

_FINAL_SIGMA = "\N{GREEK SMALL LETTER FINAL SIGMA}"
_SIGMA = "\N{GREEK SMALL LETTER SIGMA}"

_ATOM = r"[A-Za-z0-9_!#$%&'*+/=?^`{|}~-]++"
_LABEL = r"(?![A-Za-z0-9-]{64})[A-Za-z0-9]++(?:-[A-Za-z0-9]++)*+"
_LOCAL = rf"{_ATOM}(?:\.{_ATOM})*+"
_is_plain_address = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL})++(?<=[A-Za-z])").fullmatch
_is_plain_local_part = re.compile(_LOCAL).fullmatch
_labels = re.compile("[.\N{IDEOGRAPHIC FULL STOP}\N{FULLWIDTH FULL STOP}\N{HALFWIDTH IDEOGRAPHIC FULL STOP}]").split


def email_key(raw: str) -> str | None:
    """The key of an address, or None if it is no address (identity-rules §1, e-mail key).

    Args:
        raw: the address as it was sent.

    Returns:
        A string that is equal for two addresses exactly if they are the same one, and is its own key.
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
    """What the keys of addresses begin with that begin with this text, as far as that can be told.

    A domain in Unicode can be brought into its ASCII form only as a whole.
    """
    return email_key(text) or _local_part_key(text.strip())


def uncached_email_key(text: str) -> str | None:
    """The same as `email_key`, of stripped text and without its short cut: the definition."""
    if "@" not in text:
        return None
    key = _normalized(text)
    # Lower case can be longer than what it was made from, or no longer an address: then there is no key.
    return key if key is not None and _normalized(key) == key else None


_cached_email_key = lru_cache(KEY_CACHE_SIZE)(uncached_email_key)


def _key_by_domain(local: str, domain: str) -> str | None:
    """The key of an address whose local part is plain, so that its domain alone decides."""
    known = _cached_domain(domain)
    renormalized = known and _cached_domain(known.ascii)
    if known is None or renormalized is None or known.ascii != renormalized.ascii:
        return None
    forms = (domain.encode(), known.ascii, known.unicode)
    if len(local) + 1 + max(map(len, forms)) > MAX_EMAIL_CHARACTERS:
        return None
    return f"{local.lower()}@{known.ascii}"


class _Domain(NamedTuple):
    """The forms of a domain that the library measures."""

    ascii: str
    unicode: bytes


@lru_cache(DOMAIN_CACHE_SIZE)
def _cached_domain(domain: str) -> _Domain | None:
    """The forms of a domain; None if it is none. Finding them takes a millisecond for some."""
    found = _validated(f"a@{domain}")
    return None if found is None else _Domain(found.ascii_domain, found.domain.encode())


def _normalized(text: str) -> str | None:
    """One application of the rule; what it gives may, rarely, not be an address itself."""
    domain = _ascii_domain(text)
    if domain is None:
        return None
    # The domain has no @, however many a quoted local part has.
    return f"{_local_part_key(text.rpartition('@')[0])}@{domain}"


def _local_part_key(local: str) -> str:
    return normalize("NFC", normalize("NFC", local).lower().replace(_FINAL_SIGMA, _SIGMA))


def _ascii_domain(text: str) -> str | None:
    """The domain by UTS 46, non-transitional, if the whole is an address in the library's eyes."""
    found = _validated(text)
    return None if found is None else found.ascii_domain


def _validated(text: str) -> email_validator.ValidatedEmail | None:
    if len(text) > MAX_EMAIL_CHARACTERS or _has_too_many_labels(text.rpartition("@")[2]):
        return None
    try:
        return email_validator.validate_email(
            text, check_deliverability=False, allow_quoted_local=True, allow_smtputf8=True
        )
    except ValueError:  # the root of what email-validator and idna raise
        return None


def _has_too_many_labels(domain: str) -> bool:
    if domain.isascii() and "xn--" not in domain.lower():
        return False
    labels = _labels(domain)
    return len(labels) > MAX_INTERNATIONAL_LABELS or max(map(len, labels)) > MAX_LABEL_CHARACTERS
