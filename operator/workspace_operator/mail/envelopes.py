"""Envelopes in SMTP: what can be written, and the commands that write it (sending §7)."""

import re
from typing import Final

from workspace_operator.mail.sessions import Session
from workspace_operator.sending.messages import OutgoingMail

# Addresses are written as they are, not through the standard library, which reduces "a@b.c,d@e.f" to its first address.
_ATOMS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+)*+"
_QUOTED = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e\u0080-\U0010ffff]|\\[\x20-\x7e])*+"'
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_is_address = re.compile(rf"(?:{_ATOMS}|{_QUOTED})@{_LABEL}(?:\.{_LABEL})*").fullmatch
_MAX_ADDRESS_BYTES: Final = 254


def problem(mail: OutgoingMail, session: Session) -> str | None:
    """Why a message cannot be written to a server as it is meant; None if it can."""
    for address in (mail.sender, *mail.recipients):
        if not _is_address(address) or len(address.encode()) > _MAX_ADDRESS_BYTES:
            return "an address of the envelope cannot be written in SMTP"
    if not mail.recipients:
        return "the envelope has no recipient"
    without_line_ends = mail.data.replace(b"\r\n", b"")
    if any(byte in without_line_ends for byte in b"\r\n\0"):
        return "the message has a NUL, or a line end that is not CRLF"
    if needs_utf8(mail) and not session.has_extn("smtputf8"):
        return "an address has characters other than ASCII before its @, and the server does not offer SMTPUTF8"
    return None


def needs_utf8(mail: OutgoingMail) -> bool:
    """Whether the server must accept UTF-8 in addresses and headers (RFC 6531)."""
    return not (mail.data.isascii() and mail.sender.isascii() and all(map(str.isascii, mail.recipients)))


def commands(mail: OutgoingMail, session: Session) -> list[bytes]:
    """MAIL and each RCPT, for a message that has no `problem`."""
    size = f" SIZE={len(mail.data)}" if session.has_extn("size") else ""
    utf8 = ""
    if needs_utf8(mail):
        utf8 = " SMTPUTF8" + (" BODY=8BITMIME" if session.has_extn("8bitmime") else "")
    lines = [f"MAIL FROM:<{mail.sender}>{size}{utf8}\r\n", *(f"RCPT TO:<{to}>\r\n" for to in mail.recipients)]
    return [line.encode() for line in lines]


def stuffed(data: bytes) -> bytes:
    """A message with its leading dots doubled, and without its last line end, which belongs to the final dot."""
    doubled = data.removesuffix(b"\r\n").replace(b"\r\n.", b"\r\n..")
    return b"." + doubled if doubled.startswith(b".") else doubled


def verp(bounce_address: str, delivery_id: str) -> str:
    """The bounce address with a delivery as its extension, so that a report names it."""
    local, _, domain = bounce_address.rpartition("@")
    return f"{local}+{delivery_id}@{domain}"
