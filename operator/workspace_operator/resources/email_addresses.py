"""What may be a test address, as CEL, so that admission and the operator give the same verdict.

In ASCII this is exactly what `identity.emails.email_key` takes for an address (a test compares), except that a label
that begins with ``xn--`` is not decoded. Beyond ASCII it takes letters, marks and digits, and leaves it to the mail
server whether such a domain exists.
"""

# Which characters beyond ASCII are allowed is said once, by _OTHER: large classes take long to compile.
_LETTER = r"A-Za-z\x{80}-\x{10FFFF}"
_ANY = rf"[{_LETTER}0-9]"
_INNER = rf"[{_LETTER}0-9-]"

_ATOM = rf"[{_LETTER}0-9!#$%&\x27*+/=?^_\x60{{|}}~-]+"
_QUOTED = rf"\x22(?:[ !#-\[\]-~{_LETTER}]|\\[ -~{_LETTER}])+\x22"
_LOCAL = rf"(?:{_ATOM}(?:\.{_ATOM})*|{_QUOTED})"

# The third and the fourth character of a label are both hyphens only in Punycode.
_PUNYCODE = rf"[Xx][Nn]--{_INNER}*"
_LABEL = rf"(?:{_ANY}(?:{_ANY}|{_INNER}-?{_ANY}(?:{_INNER}*{_ANY})?)?|{_PUNYCODE}{_ANY})"
_LAST_LABEL = rf"(?:[{_LETTER}]|{_ANY}(?:[{_LETTER}]|{_INNER}-?(?:{_ANY}{_INNER}*)?[{_LETTER}])|{_PUNYCODE}[{_LETTER}])"

_ADDRESS = rf"^{_LOCAL}@(?:{_LABEL}\.)+{_LAST_LABEL}$"
_LONG_LABEL = r"[^.@]{64}[^@]*$"
_OTHER = r"[^ -~\p{L}\p{M}\p{N}]"

EXPRESSION = (
    f"size(bytes(self)) <= 254 && self.matches(r'{_ADDRESS}') && "
    f"!self.matches(r'{_LONG_LABEL}') && !self.matches(r'{_OTHER}')"
)
"""CEL: one address, without a display name, white space around it, or a second address."""
