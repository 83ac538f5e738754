"""Mailboxes: addresses with an optional display name, as headers and requests have them (sending §7)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.text_limits import invisible_characters, quoted

MAX_RECIPIENTS = 15
"""Maximum number of addresses in To, Cc and Bcc together, and of originals that a test message shows."""

MAX_LIST_CHARACTERS = MAX_RECIPIENTS * 400
MAX_NAME_CHARACTERS = 150

# The standard library's parsers guess what a malformed list means, so that one recipient can become two.
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_entry = re.compile(
    rf'\s*+(?:(?P<name>{_QUOTED}|[^"<>,]*+)\s*+<\s*+(?P<bracketed>(?:{_QUOTED}@)?+[^<>",\s]++)\s*+>'
    rf'|(?P<bare>(?:{_QUOTED}@)?+[^<>",\s]++))\s*+(?:,|$)'
)
_escape = re.compile(r"\\(.)")
_needs_quotes = re.compile(r"[^\w !#$%&\'*+/=?^`{|}~-]").search


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with a display name, which may be empty.

    Attributes:
        address: as sent, but with the domain in ASCII: local part and domain of the e-mail key's rules.
        key: the e-mail key, which compares addresses.
    """

    name: str
    address: str
    key: str

    @property
    def domain(self) -> str:
        """The domain in ASCII and lower case."""
        return self.key.rpartition("@")[2]

    def __str__(self) -> str:
        """``Name <address>``, quoted where needed; for people and requests, not for a wire."""
        if not self.name:
            return self.address
        name = self.name
        if _needs_quotes(name):
            name = _quoted(name)
        return f"{name} <{self.address}>"


def parse_mailboxes(text: str, *, field: str) -> tuple[Mailbox, ...]:
    """Parse a list of addresses separated by commas; empty text is no address.

    Raises:
        InvalidInput: the list is too long, has an invisible character, or an entry is not a valid address.
    """
    if len(text) > MAX_LIST_CHARACTERS:
        raise InvalidInput(f"{field} has {len(text)} characters: send at most {MAX_LIST_CHARACTERS}", field=field)
    if found := invisible_characters(text):
        raise InvalidInput(f"{field} {quoted(text)} contains invisible characters ({found}): remove them", field=field)
    mailboxes, position, end = [], 0, len(text.rstrip())
    while position < end:
        entry = _entry.match(text, position)
        mailbox = entry and _mailbox(entry["name"] or "", entry["bracketed"] or entry["bare"], field)
        if not entry or not mailbox:
            raise InvalidInput(
                f"{field} {quoted(text)} is not a list of valid email addresses: separate them by commas, such as "
                "Ann <ann@shop.example>, bob@shop.example",
                field=field,
            )
        mailboxes.append(mailbox)
        if len(mailboxes) > MAX_RECIPIENTS:
            raise InvalidInput(f"{field} has more than {MAX_RECIPIENTS} addresses: send fewer", field=field)
        position = entry.end()
    return tuple(mailboxes)


def parse_mailbox(text: str, *, field: str) -> Mailbox:
    """Parse exactly one address. Raises InvalidInput."""
    mailboxes = parse_mailboxes(text, field=field)
    if len(mailboxes) != 1:
        raise InvalidInput(
            f"{field} {quoted(text)} must be one address, such as Shop <hello@shop.example>", field=field
        )
    return mailboxes[0]


def parse_address(text: str, *, field: str) -> Mailbox:
    """Parse an address that was accepted for its e-mail key alone, so that its local part may have needless quotes.

    Those are left out: it is the same address. Raises InvalidInput.
    """
    local, _, domain = text.strip().rpartition("@")
    if local.startswith('"') and email_key(text) is not None:
        unquoted = _escape.sub(r"\1", local[1:-1])
        local = unquoted if email_key(f"{unquoted}@{domain}") is not None else _quoted(unquoted)
    return parse_mailbox(f"{local}@{domain}", field=field)


def mailbox_keys(mailboxes: Iterable[Mailbox]) -> frozenset[str]:
    """The e-mail keys of mailboxes."""
    return frozenset(mailbox.key for mailbox in mailboxes)


def _mailbox(name: str, address: str, field: str) -> Mailbox | None:
    """A mailbox; None if its address is not valid. Raises InvalidInput for the name."""
    key = email_key(address)
    if key is None:
        return None
    name = (_escape.sub(r"\1", name[1:-1]) if name.startswith('"') else name).strip()
    if len(name) > MAX_NAME_CHARACTERS:
        message = f"{field} has a display name of {len(name)} characters: send at most {MAX_NAME_CHARACTERS}"
        raise InvalidInput(message, field=field)
    local, domain = address.rpartition("@")[0], key.rpartition("@")[2]
    return None if _has_needless_quotes(local, domain) else Mailbox(name, f"{local}@{domain}", key)


def _has_needless_quotes(local: str, domain: str) -> bool:
    """Whether a local part is a longer spelling of another one, which would evade a suppression of that."""
    if not local.startswith('"'):
        return False
    text = _escape.sub(r"\1", local[1:-1])
    return local != _quoted(text) or email_key(f"{text}@{domain}") is not None


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
