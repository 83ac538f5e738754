"""The formats of test addresses and senders as CEL, so that admission and the operator agree.

In ASCII the format is the one of `identity.values.emails.email_key` (a test compares them), except that labels with the
prefix ``xn--`` are not decoded. Beyond ASCII it allows letters, marks and digits; the mail server decides whether such
a domain exists. A sender is an address, or a name with an address; the operator also checks lengths
(`sending.addresses.parse_mailbox`).
"""

# Only _OTHER restricts characters beyond ASCII, once: large classes take long to compile.
_LETTER = r"A-Za-z\x{80}-\x{10FFFF}"
_ANY = rf"[{_LETTER}0-9]"
_INNER = rf"[{_LETTER}0-9-]"

_ATOM = rf"[{_LETTER}0-9!#$%&\x27*+/=?^_\x60{{|}}~-]+"
_QUOTED = rf"\x22(?:[ !#-\[\]-~{_LETTER}]|\\[ -~{_LETTER}])+\x22"
_LOCAL = rf"(?:{_ATOM}(?:\.{_ATOM})*|{_QUOTED})"

# Only in Punycode are the third and the fourth character of a label both hyphens.
_PUNYCODE = rf"[Xx][Nn]--{_INNER}*"
_LABEL = rf"(?:{_ANY}(?:{_ANY}|{_INNER}-?{_ANY}(?:{_INNER}*{_ANY})?)?|{_PUNYCODE}{_ANY})"
_LAST_LABEL = rf"(?:[{_LETTER}]|{_ANY}(?:[{_LETTER}]|{_INNER}-?(?:{_ANY}{_INNER}*)?[{_LETTER}])|{_PUNYCODE}[{_LETTER}])"

_ADDRESS = rf"{_LOCAL}@(?:{_LABEL}\.)+{_LAST_LABEL}"
_LONG_LABEL = r"[^.@>]{64}[^@]*$"
_OTHER = r"[^ -~\p{L}\p{M}\p{N}]"


def is_address(value: str) -> str:
    """CEL: a variable or field is exactly one address, without display name or surrounding white space."""
    return (
        f"size(bytes({value})) <= 254 && {value}.matches(r'^{_ADDRESS}$') && "
        f"!{value}.matches(r'{_LONG_LABEL}') && !{value}.matches(r'{_OTHER}')"
    )


EXPRESSION = is_address("self")
"""CEL: `is_address` for the value of a rule."""

_NAME = r"(?:\x22(?:[^\x22\x5C]|\x5C.)*\x22 *|[^\x22<>,]*)"

MAILBOX_EXPRESSION = (
    f"!self.matches(r'{_LONG_LABEL}') && (self.matches(r'^{_ADDRESS}$') || self.matches(r'^{_NAME}<{_ADDRESS}>$'))"
)
"""CEL: exactly one address, alone or in angle brackets after a name, which may have any character."""
