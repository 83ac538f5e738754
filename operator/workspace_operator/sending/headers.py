"""Custom headers and single lines: what a caller or a template may put into the head of a message (sending §7).

The checks run when a message is accepted and again after Liquid, because a value can come from a person's attributes.
"""

import re
from collections.abc import Callable, Iterator

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.sending.messages import Headers

MAX_HEADERS = 30
MAX_NAME_CHARACTERS = 76
MAX_VALUE_CHARACTERS = 998
MAX_SUBJECT_CHARACTERS = 998

LONGEST_WORD = 920
"""Maximum length of a word of a value: it cannot be folded, and a line has at most 998 characters with its name."""

_RESERVED = """
    apparently-to authentication-results bcc cc date delivered-to envelope-to errors-to from generate-delivery-report
    mail-followup-to mail-reply-to message-id original-recipient read-receipt-to reply-to return-path
    return-receipt-requested return-receipt-to sender subject to x-confirm-reading-to x-mc-bccaddress x-msys-api
    x-send-behavior x-smtpapi
"""
RESERVED_NAMES = frozenset(_RESERVED.split())
"""Headers that the product writes, that make others send mail, or by which a provider adds recipients (sending §3.3).

``X-SMTPAPI``, ``X-MSYS-API`` and ``X-MC-BccAddress`` name recipients to some providers, so they would lead a test
message to people.
"""

RESERVED_PREFIXES = (
    "arc-",
    "content-",
    "disposition-notification-",
    "dkim-",
    "list-",
    "mime-",
    "received",
    "resent-",
    "x-original-",
)

_is_name = re.compile(rf"[A-Za-z0-9-]{{1,{MAX_NAME_CHARACTERS}}}").fullmatch
_is_printable_ascii = re.compile(r"[ -~]*").fullmatch
_has_long_word = re.compile(rf"[^ ]{{{LONGEST_WORD + 1}}}").search
# Control characters, the separators of lines and paragraphs, and surrogates; not the joiners of emoji.
_control_character = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]").search


def check_headers(headers: Headers, *, field: str) -> None:
    """Check custom headers; their values may be Liquid.

    Raises:
        InvalidInput: there are too many, or a name or value is not allowed; ``field`` is in the message and the error.
    """
    if len(headers) > MAX_HEADERS:
        raise InvalidInput(f"{field} has {len(headers)} headers: send at most {MAX_HEADERS}", field=field)
    for name, value in headers:
        for problem in _problems(name, value):
            raise InvalidInput(f"{field}: the header {quoted(name)} {problem}", field=field)


def is_reserved(name: str) -> bool:
    """Whether custom headers may not have a name; case does not matter."""
    lower = name.lower()
    return lower in RESERVED_NAMES or lower.startswith(RESERVED_PREFIXES)


def check_line(text: str, *, field: str, limit: int = MAX_SUBJECT_CHARACTERS) -> None:
    """Check text that becomes one line of the head, such as a subject.

    Raises:
        InvalidInput: it is too long, or contains a line end or another control character.
    """
    if len(text) > limit:
        raise InvalidInput(f"{field} has {len(text)} characters: send at most {limit}", field=field)
    if found := _control_character(text):
        message = f"{field} {quoted(text)} contains a control character (U+{ord(found[0]):04X}): remove it"
        raise InvalidInput(message, field=field)


def _problems(name: str, value: str) -> Iterator[str]:
    for has_problem, words in _RULES:
        if has_problem(name, value):
            yield words


_RULES: tuple[tuple[Callable[[str, str], object], str], ...] = (
    (
        lambda name, _: not _is_name(name),
        f"has no valid name: use 1 to {MAX_NAME_CHARACTERS} ASCII letters, digits and hyphens",
    ),
    (lambda name, _: is_reserved(name), "is reserved: remove it; the product or the server writes it"),
    (
        lambda _, value: len(value) > MAX_VALUE_CHARACTERS,
        f"has a value that is too long: send at most {MAX_VALUE_CHARACTERS} characters",
    ),
    (
        lambda _, value: not _is_printable_ascii(value),
        "has a value with characters other than printable ASCII: encode or remove them",
    ),
    (lambda _, value: _has_long_word(value), f"has a word of more than {LONGEST_WORD} characters: shorten it"),
)
