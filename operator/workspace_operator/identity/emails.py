"""The key of an e-mail address: what makes two spellings the same address (identity-rules §1).

This is the one place that says what "is an address" means. Nothing here looks anything up.
"""

import re
from unicodedata import normalize

import email_validator

# The library keeps this choice in a list of the process's own: people in test systems live at such domains.
email_validator.SPECIAL_USE_DOMAIN_NAMES = []

MAX_CHARACTERS = 254
"""How long an address may be as sent, stripped."""

_PLAIN_LENGTH = 64
"""Up to here no label of a domain can be too long, so the pattern need not count."""

_FINAL_SIGMA = "\N{GREEK SMALL LETTER FINAL SIGMA}"
_SIGMA = "\N{GREEK SMALL LETTER SIGMA}"

_ATOM = r"[A-Za-z0-9_!#$%&'*+/=?^`{|}~-]++"
_LABEL = r"[A-Za-z0-9]++(?:-[A-Za-z0-9]++)*+"
_is_plain = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+@{_LABEL}(?:\.{_LABEL})++(?<=[A-Za-z])").fullmatch


def email_key(raw: str) -> str | None:
    """The key of an address, or None if it is no address (identity-rules §1, e-mail key).

    Args:
        raw: the address as it was sent.

    Returns:
        A string that is equal for two addresses exactly if they are the same one, and is its own key.
    """
    text = raw.strip()
    if len(text) <= _PLAIN_LENGTH and _is_plain(text):
        return text.lower()
    return library_email_key(text)


def email_key_prefix(text: str) -> str:
    """What the keys of addresses begin with that begin with this text, as far as that can be told.

    A domain in Unicode can be brought into its ASCII form only as a whole.
    """
    return email_key(text) or _local_key(text.strip())


def library_email_key(text: str) -> str | None:
    """The same as `email_key`, of stripped text and without its short cut: the definition."""
    if "@" not in text:
        return None
    key = _folded(text)
    # Lower case can be longer than what it was made from, or no longer an address: then there is no key.
    return key if key is not None and _folded(key) == key else None


def _folded(text: str) -> str | None:
    """One application of the rule; what it gives may, rarely, not be an address itself."""
    domain = _ascii_domain(text)
    if domain is None:
        return None
    # The domain has no @, however many a quoted local part has.
    return f"{_local_key(text.rpartition('@')[0])}@{domain}"


def _local_key(local: str) -> str:
    return normalize("NFC", normalize("NFC", local).lower().replace(_FINAL_SIGMA, _SIGMA))


def _ascii_domain(text: str) -> str | None:
    """The domain by UTS 46, non-transitional, if the whole is an address in the library's eyes."""
    if len(text) > MAX_CHARACTERS:
        return None
    try:
        return email_validator.validate_email(
            text, check_deliverability=False, allow_quoted_local=True, allow_smtputf8=True
        ).ascii_domain
    except ValueError:  # the root of what email-validator and idna raise
        return None
