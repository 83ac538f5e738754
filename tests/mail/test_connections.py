"""Connections: TLS is required and checked, passwords are read when needed, and nothing shows them."""

import logging
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.servers import CERTIFICATE
from tests.mail.servers.scripted_server import answering, scripted
from tests.mail.servers.smtp_server import ELSEWHERE, PASSWORD, USER, Running, running
from tests.mail.transports import mail, open_pool, results, transport
from workspace_operator.mail import connections
from workspace_operator.mail.connections import TransportFailed, close_session, ehlo_name, open_session
from workspace_operator.mail.deadlines import Deadline, DeadlinePassed
from workspace_operator.mail.sessions import SessionLost
from workspace_operator.sending.deliveries import AttemptOutcome
from workspace_operator.sending.transports import Security, Transport

EHLO = b"250-scripted\r\n250 STARTTLS\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """A server as a provider has it: StartTLS and AUTH are required."""
    with running(certificate=CERTIFICATE, auth=True) as server:
        yield server


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    return file


def secured(port: int, password_file: Path | None, **changes: Any) -> Transport:
    settings: dict[str, Any] = {
        "security": Security.START_TLS,
        "ca_file": CERTIFICATE,
        "username": USER,
        "password_file": password_file,
    }
    return transport(port, **settings | changes)


def wait_for_the_end(client: socket.socket) -> None:
    client.recv(1)


def reset(client: socket.socket) -> None:
    client.sendall(b"220 hello\r\n")
    client.recv(1000)
    client.sendall(b"250 hello\r\n")
    client.recv(1000)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def failure(of: Transport, seconds: float = 10) -> str:
    with pytest.raises(TransportFailed) as failed:
        open_session(of, Deadline.after(seconds))
    assert failed.value.__cause__ is None
    return str(failed.value)


def test_message_goes_by_tls_after_a_login(server: Running, password_file: Path) -> None:
    with open_pool(secured(server.port, password_file)) as running:
        (result,) = results(running, mail())

    assert result.outcome is AttemptOutcome.SENT
    assert server.handler.encrypted[-1]
    assert server.handler.logins[-1] == USER


def test_long_message_goes_by_tls(server: Running, password_file: Path) -> None:
    data = b"Subject: s\r\n\r\n" + b"QUJD\r\n" * 50_000

    with open_pool(secured(server.port, password_file)) as running:
        (result,) = results(running, mail(data=data), seconds=30)

    assert result.outcome is AttemptOutcome.SENT
    assert server.handler.envelopes[-1].content == data


def test_encrypted_connection_is_used_again(server: Running, password_file: Path) -> None:
    server.handler.sessions.clear()

    with open_pool(secured(server.port, password_file)) as running:
        ended = [*results(running, mail()), *results(running, mail())]

    assert [result.outcome for result in ended] == [AttemptOutcome.SENT] * 2
    assert len(server.handler.sessions) == 1


def test_exchanged_password_counts_for_the_next_connection(server: Running, password_file: Path) -> None:
    password_file.write_text("old")
    assert "refuses username or password (code 535)" in failure(secured(server.port, password_file))

    password_file.write_text(PASSWORD)
    session = open_session(secured(server.port, password_file), Deadline.after(10))
    close_session(session)

    assert not session.is_open


def test_certificate_of_an_unknown_authority_is_refused(server: Running, password_file: Path) -> None:
    words = failure(secured(server.port, password_file, ca_file=None))

    assert words == f"127.0.0.1:{server.port}: its certificate is not valid: self-signed certificate"


def test_certificate_of_another_host_is_refused(password_file: Path) -> None:
    certificate = ELSEWHERE / "elsewhere.pem"

    with running(certificate=certificate) as elsewhere:
        words = failure(secured(elsewhere.port, password_file, ca_file=certificate))

    assert "its certificate is not valid: IP address mismatch" in words


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_server_without_starttls_gets_no_login(password_file: Path) -> None:
    with running(auth=True) as plain:
        words = failure(secured(plain.port, password_file))

    assert "does not offer STARTTLS: use security TLS and its port" in words
    assert plain.handler.logins == []


def test_plain_text_behind_the_reply_to_starttls_is_refused() -> None:
    with scripted(answering(EHLO, b"220 go on\r\n250-injected\r\n250 AUTH PLAIN\r\n")) as port:
        words = failure(secured(port, None))

    assert words == f"127.0.0.1:{port}: the server sent plain text before TLS began"


def test_tls_from_the_beginning(password_file: Path) -> None:
    # StartTLS on a port that speaks TLS, and the other way round, are the usual mistakes.
    with running(certificate=CERTIFICATE) as plain_first:
        words = failure(secured(plain_first.port, password_file, security=Security.TLS))

    assert "TLS failed: WRONG_VERSION_NUMBER" in words or "TLS failed: RECORD_LAYER_FAILURE" in words


FAILURES = {
    "greeting": ([], "the server closed the connection"),
    "refused greeting": ([b"500 no\r\n"], "the server answered EHLO with 500 instead of 250"),
    "refused STARTTLS": ([EHLO, b"454 later\r\n"], "the server answered STARTTLS with 454 instead of 220"),
    "endless reply": ([b"250-more\r\n" * 101], "the server's reply has too many lines"),
    "long line": ([b"250 " + b"x" * 20_000], "the server's reply has a line that is too long"),
    "no SMTP": ([b"HTTP/1.1 400 Bad Request\r\n"], "the server answered EHLO with -1 instead of 250"),
}


@pytest.mark.parametrize(("answers", "words"), FAILURES.values(), ids=FAILURES)
def test_server_that_cannot_be_used_is_named(answers: list[bytes], words: str) -> None:
    with scripted(answering(*answers)) as port:
        assert failure(secured(port, None)) == f"127.0.0.1:{port}: {words}"


def test_refused_greeting_is_a_failure() -> None:
    with scripted(lambda client: client.sendall(b"554 no service\r\n")) as port:
        assert "answered the greeting with 554 instead of 220" in failure(secured(port, None))


def test_closed_port_is_a_failure(password_file: Path) -> None:
    with scripted(answering()) as port:
        pass

    assert failure(secured(port, password_file)) == f"127.0.0.1:{port}: Connection refused"


@pytest.mark.parametrize("host", ["unknown.invalid", "a..b", "x" * 64])
def test_unknown_host_is_a_failure(host: str) -> None:
    assert failure(transport(25, host=host)).startswith(f"{host}:25: ")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff", "it is not UTF-8"),
        ("pässword".encode(), "username and password must be ASCII"),
    ],
)
def test_unusable_password_file_is_a_failure(
    server: Running, tmp_path: Path, content: bytes | None, words: str
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)

    assert words in failure(secured(server.port, file))


def test_username_without_a_password_file_is_a_failure(server: Running) -> None:
    assert "username is set without passwordFile" in failure(secured(server.port, None))


@pytest.mark.parametrize(
    ("name", "words"), [("missing.pem", "No such file"), ("empty.pem", "it has no PEM certificates")]
)
def test_unusable_ca_file_is_a_failure(server: Running, tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty.pem").touch()

    assert words in failure(secured(server.port, None, ca_file=tmp_path / name))


def test_server_without_auth_is_a_failure(password_file: Path) -> None:
    with scripted(answering(b"250 scripted\r\n")) as port:
        words = failure(secured(port, password_file, security=Security.NONE))

    assert "does not offer AUTH: remove username" in words


def test_server_with_other_kinds_of_auth_is_a_failure(password_file: Path) -> None:
    with scripted(answering(b"250-scripted\r\n250 AUTH XOAUTH2\r\n")) as port:
        words = failure(secured(port, password_file, security=Security.NONE))

    assert words.endswith("it does not authenticate as this program does (SMTPException)")


def test_login_that_is_refused_for_now_says_so(password_file: Path) -> None:
    with scripted(answering(b"250-scripted\r\n250 AUTH PLAIN\r\n", b"454 4.7.0 later\r\n")) as port:
        words = failure(secured(port, password_file, security=Security.NONE))

    assert words.endswith("cannot authenticate now (code 454)")


def test_silent_server_fails_after_the_time_for_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "OPEN_SECONDS", 0.1)

    with scripted(wait_for_the_end) as port:
        assert failure(transport(port)) == f"127.0.0.1:{port} did not answer within 0.1 s"


def test_session_of_a_server_that_is_gone_closes() -> None:
    with scripted(answering(b"250 scripted\r\n")) as port:
        session = open_session(transport(port), Deadline.after(10))

    close_session(session)
    session.abort()

    with pytest.raises(SessionLost, match="the connection is closed"):
        session.send(b"NOOP\r\n")


def test_connection_that_is_reset_is_lost() -> None:
    with scripted(reset) as port:
        session = open_session(transport(port), Deadline.after(10))
        session.send(b"NOOP\r\n")
        with pytest.raises(SessionLost, match="the connection was lost: Connection reset by peer"):
            session.reply()
        with pytest.raises(SessionLost, match="the connection was lost: Broken pipe"):
            session.send(b"NOOP\r\n")
        session.abort()


def test_silent_server_passes_the_deadline() -> None:
    with scripted(wait_for_the_end) as port, pytest.raises(DeadlinePassed):
        open_session(transport(port), Deadline.after(0.1))


def test_secrets_are_in_no_log_error_or_repr(
    server: Running, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, logger="workspace_operator")
    wrong = tmp_path / "wrong"
    wrong.write_text("hunter2-secret")
    of = secured(server.port, wrong)

    with open_pool(of) as running:
        (result,) = results(running, mail())
        shown = [repr(of), repr(running), repr(result), caplog.text, *capfd.readouterr()]
        shown += [repr(vars(running)), *map(repr, (vars(threads) for threads in running._threads.values()))]

    assert "refuses username or password (code 535)" in caplog.text
    assert not [text for text in shown if "hunter2" in text or "aHVudGVyMi" in text]


def test_session_forgets_the_password(server: Running, password_file: Path) -> None:
    session = open_session(secured(server.port, password_file), Deadline.after(10))
    close_session(session)

    assert PASSWORD not in repr(vars(session))


def test_log_has_no_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="workspace_operator")

    with running() as server, open_pool(transport(server.port)) as sending:
        results(sending, mail("never@a.example"), mail("dot-cut@a.example"), mail("data-cut@a.example"))

    assert "@" not in caplog.text


@pytest.mark.parametrize(
    ("name", "address", "written"),
    [
        ("mta.shop.example", "10.0.0.1", "mta.shop.example"),
        ("pod-7", "10.0.0.1", "[10.0.0.1]"),
        ("rechner.bücher.example", "10.0.0.1", "[10.0.0.1]"),
        ("pod-7", None, "[127.0.0.1]"),
    ],
)
def test_ehlo_names_a_domain_or_an_address(
    monkeypatch: pytest.MonkeyPatch, name: str, address: str | None, written: str
) -> None:
    def address_of(_: str) -> str:
        if address is None:
            raise OSError
        return address

    monkeypatch.setattr(socket, "getfqdn", lambda: name)
    monkeypatch.setattr(socket, "gethostbyname", address_of)

    assert ehlo_name.__wrapped__() == written
