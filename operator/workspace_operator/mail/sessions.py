"""A session with an SMTP server: smtplib's dialogue over a socket that obeys a deadline.

The clock is read directly before each piece of bytes is given to the kernel. The socket never blocks, because a process
that was stopped while it waited in a blocking call would send first, and read the clock then.
"""

import select
import smtplib
import socket
import ssl
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from workspace_operator.mail.deadlines import Deadline
from workspace_operator.mail.replies import Reply

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PIECE_BYTES: Final = 64 * 1024
MAX_LINE_BYTES: Final = 8192
MAX_REPLY_LINES: Final = 100

_TIMEOUT_OPTION: Final = getattr(socket, "TCP_USER_TIMEOUT", None)
_RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)


class SessionLost(Exception):
    """The connection ended, or the server does not speak SMTP. The text has no data of a message."""


class Session(smtplib.SMTP):
    """A connection to a server, for one thread.

    Attributes:
        deadline: of what is done now; each message sets its own.
        taken: number of messages that the server took.
        used_at: when it was last used, by the clock of deadlines.
    """

    sock: socket.socket | None

    def __init__(self, host: str, name: str, deadline: Deadline) -> None:
        super().__init__(local_hostname=name)
        self._host = host  # for smtplib, and for the name in the certificate
        self.deadline, self.taken, self.used_at = deadline, 0, 0.0
        self._received = bytearray()

    def open(self, port: int) -> None:
        """Connect to the first address that answers; each gets its share of the time.

        Raises:
            OSError: none of them does.
            DeadlinePassed: there was no time to try.
        """
        failure: OSError = OSError("the name has no address")
        addresses = socket.getaddrinfo(self._host, port, type=socket.SOCK_STREAM)
        for position, (family, kind, protocol, _, address) in enumerate(addresses):
            seconds = self.deadline.remaining() / (len(addresses) - position)
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(seconds)
                sock.connect(address)
            except OSError as error:
                sock.close()
                failure = error
            else:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(0.0)
                self.sock = sock
                return
        raise failure

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Begin TLS on the open connection. Raises ssl.SSLError and other OSErrors, SessionLost."""
        if self._received:  # plain text after the reply to STARTTLS: somebody in between wants it read as if encrypted
            raise SessionLost("the server sent plain text before TLS began")
        sock = self._socket()
        sock.settimeout(self.deadline.remaining())
        self.sock = context.wrap_socket(sock, server_hostname=self._host)
        self.sock.settimeout(0.0)
        # What a server offers before TLS does not count (RFC 3207).
        self.ehlo_resp = self.helo_resp = None
        self.esmtp_features.clear()
        self.does_esmtp = False

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as known."""
        return self.sock is not None

    @property
    def has_input(self) -> bool:
        """Whether the server has ended the connection or said something that was not asked for."""
        return self.sock is None or bool(self._received) or bool(_poll(self.sock, select.POLLIN, 0))

    def send(self, s: "str | ReadableBuffer") -> None:
        """Send bytes, in pieces, none of them after the deadline.

        Raises:
            DeadlinePassed: the server did not get all of them.
            SessionLost: likewise.
        """
        rest = memoryview(s.encode(self.command_encoding) if isinstance(s, str) else s)
        while rest:
            rest = rest[self._send_piece(rest[:PIECE_BYTES]) :]

    def reply(self) -> Reply:
        """Read a reply. Raises DeadlinePassed, SessionLost."""
        lines: list[str] = []
        while len(lines) < MAX_REPLY_LINES:
            line = self._line()
            lines.append(line[4:].strip())
            code = int(line[:3]) if line[:3].isascii() and line[:3].isdigit() else -1
            if code < 0 or line[3:4] != "-":
                return Reply(code, "\n".join(lines))
        raise SessionLost("the server's reply has too many lines")

    def getreply(self) -> tuple[int, bytes]:
        """Read a reply, for smtplib."""
        reply = self.reply()
        return reply.code, reply.text.encode("latin-1", "replace")

    def limit_kernel(self) -> None:
        """Let the kernel give up, too, when the server has not read by the deadline what was written in time."""
        if _TIMEOUT_OPTION is not None:
            milliseconds = max(1, int(self.deadline.remaining() * 1000))
            with suppress(OSError):  # a socket that has failed says so when it is written to
                self._socket().setsockopt(socket.IPPROTO_TCP, _TIMEOUT_OPTION, milliseconds)

    def abort(self) -> None:
        """Close the connection at once; what the kernel has not sent yet is discarded."""
        if self.sock is not None:
            with suppress(OSError):
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        self.close()

    def _send_piece(self, piece: memoryview) -> int:
        sock = self._socket()
        while True:
            self.deadline.remaining()
            try:
                return sock.send(piece)
            except (BlockingIOError, ssl.SSLWantWriteError):
                _poll(sock, select.POLLOUT, self.deadline.remaining())
            except ssl.SSLWantReadError:
                _poll(sock, select.POLLIN, self.deadline.remaining())
            except OSError as error:
                raise SessionLost(f"the connection was lost: {_words(error)}") from error

    def _line(self) -> str:
        while (end := self._received.find(b"\n")) < 0:
            if len(self._received) > MAX_LINE_BYTES:
                raise SessionLost("the server's reply has a line that is too long")
            self._received += self._receive()
        line = self._received[:end].decode("utf-8", "replace")
        del self._received[: end + 1]
        return line

    def _receive(self) -> bytes:
        sock = self._socket()
        while True:
            try:
                received = sock.recv(4096)
            except (BlockingIOError, ssl.SSLWantReadError):
                _poll(sock, select.POLLIN, self.deadline.remaining())
            except ssl.SSLWantWriteError:
                _poll(sock, select.POLLOUT, self.deadline.remaining())
            except OSError as error:
                raise SessionLost(f"the connection was lost: {_words(error)}") from error
            else:
                if not received:
                    raise SessionLost("the server closed the connection")
                return received

    def _socket(self) -> socket.socket:
        if self.sock is None:
            raise SessionLost("the connection is closed")
        return self.sock


def _poll(sock: socket.socket, events: int, seconds: float) -> list[tuple[int, int]]:
    """Wait until a socket is ready; select() fails beyond file descriptor 1023."""
    poll = select.poll()
    poll.register(sock, events)
    return poll.poll(seconds * 1000)


def _words(error: OSError) -> str:
    return error.strerror or type(error).__name__
