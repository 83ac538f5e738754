"""Opening connections to the servers of transports: TLS with a checked certificate, and authentication."""

import smtplib
import socket
import ssl
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from workspace_operator.mail.deadlines import Deadline, DeadlinePassed
from workspace_operator.mail.replies import Reply
from workspace_operator.mail.sessions import Session, SessionLost
from workspace_operator.sending.transports import Security, Transport

OPEN_SECONDS: Final = 10.0
"""Time limit for connecting, TLS and authentication together."""

QUIT_SECONDS: Final = 1.0


class TransportFailed(Exception):
    """A transport cannot be used. The text is for operators: it has no password and no reply of the server."""


def open_session(transport: Transport, deadline: Deadline) -> Session:
    """Connect to a transport's server, and authenticate.

    Raises:
        TransportFailed: the server cannot be used.
        DeadlinePassed: the deadline passed before the time limit for opening, which says nothing about the server.
    """
    limit = deadline.within(OPEN_SECONDS)
    session = Session(transport.host, ehlo_name(), limit)
    try:
        _open(session, transport)
    except DeadlinePassed:
        session.abort()
        if deadline.is_over:
            raise
        raise TransportFailed(f"{_place(transport)} did not answer within {OPEN_SECONDS:g} s") from None
    except (OSError, ValueError, SessionLost) as error:
        session.abort()
        # The cause is dropped: an exception of smtplib holds the server's reply, which can repeat what was sent.
        raise TransportFailed(f"{_place(transport)}: {_reason(error)}") from None
    except TransportFailed:
        session.abort()
        raise
    return session


def close_session(session: Session) -> None:
    """Say QUIT and close; a server that does not answer is not waited for."""
    session.deadline = Deadline.after(QUIT_SECONDS)
    with suppress(DeadlinePassed, SessionLost):
        session.docmd("QUIT")
    session.close()


@cache
def ehlo_name() -> str:
    """The name of this host in EHLO: its domain name, or its address in brackets."""
    name = socket.getfqdn()
    if "." in name and name.isascii():
        return name
    try:
        return f"[{socket.gethostbyname(socket.gethostname())}]"
    except OSError:
        return "[127.0.0.1]"


def _open(session: Session, transport: Transport) -> None:
    session.open(transport.port)
    if transport.security is Security.TLS:
        session.encrypt(_tls_context(transport.ca_file))
    _expect(session.reply(), "the greeting", code=220)
    _greet(session)
    if transport.security is Security.START_TLS:
        _start_tls(session, transport)
    if transport.username is not None:
        _authenticate(session, transport)


def _start_tls(session: Session, transport: Transport) -> None:
    if not session.has_extn("starttls"):
        raise TransportFailed(
            f"{_place(transport)} does not offer STARTTLS: use security TLS and its port, or another server"
        )
    session.send("STARTTLS\r\n")
    _expect(session.reply(), "STARTTLS", code=220)
    session.encrypt(_tls_context(transport.ca_file))
    _greet(session)


def _greet(session: Session) -> None:
    code, _ = session.ehlo()
    _expect(Reply(code, ""), "EHLO", code=250)


def _authenticate(session: Session, transport: Transport) -> None:
    if not session.has_extn("auth"):
        raise TransportFailed(f"{_place(transport)} does not offer AUTH: remove username, or use the port that does")
    password = _password(transport)
    username = transport.username or ""
    if not (username.isascii() and password.isascii()):
        raise TransportFailed(f"{_place(transport)}: username and password must be ASCII")
    try:
        session.login(username, password)
    except smtplib.SMTPAuthenticationError as error:
        words = "refuses username or password" if error.smtp_code // 100 == 5 else "cannot authenticate now"
        raise TransportFailed(f"{_place(transport)} {words} (code {error.smtp_code})") from None
    finally:
        session.user = session.password = ""  # smtplib keeps both


def _password(transport: Transport) -> str:
    """Read the password, which can be exchanged while the process runs."""
    if transport.password_file is None:
        raise TransportFailed(f"transport {transport.offer.name}: username is set without passwordFile")
    try:
        password = transport.password_file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise TransportFailed(f"passwordFile {transport.password_file} cannot be read: {reason}") from None
    if not password:
        raise TransportFailed(f"passwordFile {transport.password_file} is empty")
    return password


def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Certificates are checked against ``ca_file`` alone, or the system's authorities; read again each time."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        reason = "it has no PEM certificates" if isinstance(error, ssl.SSLError) else error.strerror
        raise TransportFailed(f"caFile {ca_file} cannot be read: {reason}") from None


def _expect(reply: Reply, what: str, *, code: int) -> None:
    if reply.code != code:
        raise SessionLost(f"the server answered {what} with {reply.code} instead of {code}")


def _place(transport: Transport) -> str:
    return f"{transport.host}:{transport.port}"


def _reason(error: Exception) -> str:
    """What went wrong, without anything that the server said."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not valid: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {error.reason or 'no reason given'}"
        case SessionLost():
            return str(error)
        case smtplib.SMTPException():
            return f"it does not authenticate as this program does ({type(error).__name__})"
        case OSError():
            return error.strerror or type(error).__name__
        case _:
            return type(error).__name__
