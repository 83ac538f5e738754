"""A real SMTP server (aiosmtpd) with STARTTLS and AUTH, which refuses as the addresses of a message ask for.

The local part of a recipient or of the sender is a key of `AT_MAIL`, `AT_RCPT`, `AT_DATA` or `AFTER_DOT`; any other
address is taken.
"""
# ruff: noqa: ARG001, ARG002, N802 - aiosmtpd calls hooks by their names, with all arguments

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.api.servers import CERTIFICATE, KEY
from tests.network_ports import free_port

ELSEWHERE = Path(__file__).parent / "certificates"
"""A certificate of mail.example, signed by itself."""

USER, PASSWORD = "mailer", "correct-horse-battery"
SLOW_SECONDS = 2.0

AT_MAIL = {
    "mail-later": "451 4.7.1 later",
    "mail-never": "550 5.7.1 sender refused",
    "mail-closing": "421 4.3.2 closing",
}
AT_RCPT = {
    "later": "450 4.2.1 greylisted",
    "never": "550 5.7.1 policy",
    "unknown": "550 5.1.1 no such user",
    "closing": "421 4.3.2 closing",
}
AT_DATA = {
    "data-later": "452 4.3.1 full",
    "data-never": "554 5.6.0 no",
    "data-closing": "421 4.3.2 closing",
    "data-cut": "",
}
AFTER_DOT = {
    "dot-later": "451 4.3.0 later",
    "dot-never": "554 5.6.0 spam",
    "dot-closing": "421 4.3.2 closing",
    "dot-cut": "",
}


@dataclass(slots=True)
class Handler:
    """What the server was given, and how it answers. The names of the hooks are aiosmtpd's."""

    pipelining: bool = True
    limit: int | None = None
    envelopes: list[Envelope] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    sessions: set[int] = field(default_factory=set)
    commands: list[str] = field(default_factory=list)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], *(["250-PIPELINING"] if self.pipelining else []), responses[-1]]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.commands.append("MAIL")
        if answer := AT_MAIL.get(local(address)):
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 ok"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if local(address) == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        if answer := AT_RCPT.get(local(address)):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_RSET(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.commands.append("RSET")
        return "250 ok"

    async def handle_NOOP(self, server: SMTP, session: Session, envelope: Envelope, argument: str) -> str:
        self.commands.append("NOOP")
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        names = set(map(local, envelope.rcpt_tos))
        if names & AFTER_DOT.keys():
            answer = AFTER_DOT[(names & AFTER_DOT.keys()).pop()]
            if not answer:
                _cut(server)
            return answer or "250 nobody hears this"
        self.envelopes.append(envelope)
        self.encrypted.append(session.ssl is not None)
        self.sessions.add(id(session))
        return "250 2.0.0 queued"


class Server(SMTP):
    """aiosmtpd's server, and what its handlers cannot do."""

    async def smtp_DATA(self, arg: str) -> None:
        assert self.envelope is not None
        names = set(map(local, self.envelope.rcpt_tos)) & AT_DATA.keys()
        if not names:
            await super().smtp_DATA(arg)
        elif answer := AT_DATA[names.pop()]:
            await self.push(answer)
        else:
            _cut(self)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return Server(self.handler, **self.SMTP_kwargs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that runs."""

    port: int
    handler: Handler


@contextmanager
def running(
    *,
    pipelining: bool = True,
    auth: bool = False,
    certificate: Path | None = None,
    port: int | None = None,
    **options: Any,
) -> Iterator[Running]:
    """Run a server; with a ``certificate``, STARTTLS is required, and with ``auth``, a login."""
    handler = Handler(pipelining=pipelining)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, KEY if certificate == CERTIFICATE else certificate.with_suffix(".key"))
        options |= {"tls_context": context, "require_starttls": True}
    if auth:
        options |= {
            "auth_required": True,
            "auth_require_tls": certificate is not None,
            "authenticator": _check(handler),
        }
    controller = _Controller(
        handler, hostname="127.0.0.1", port=port or free_port(), server_hostname="server.example", **options
    )
    controller.start()
    try:
        yield Running(port=controller.port, handler=handler)
    finally:
        controller.stop()


def local(address: str) -> str:
    return address.partition("@")[0]


def _cut(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()


def _check(handler: Handler) -> Any:
    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        handler.logins.append(given.login.decode())
        return AuthResult(success=given == LoginPassword(USER.encode(), PASSWORD.encode()), handled=False)

    return check
